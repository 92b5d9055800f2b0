// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "kernels/base/view.h"
#include "kernels/cpu/cpu_backend.h"

namespace kvlink::kernels {

/// Scaled dot-product attention over the arena; a key is visible iff its position <= the query's.
///
/// q [n, n_heads * head_dim] f32, rotated · key_positions [n_keys]: rows 0..n_keys of the arena; a
/// negative position hides the row · query_positions [n] · y [n, n_heads * head_dim] f32, no alias
/// key_biases [n_keys], finite, added to the scaled scores; empty: 0
/// scale = 1/sqrt(head_dim); softmax online in f32, every row sees at least one key (KVLINK_CHECK).
/// Grouped-query: head h reads KV head h / (n_heads / n_kv_heads). Source: Dao 2022, algorithm 1.
void attention(CpuBackend& backend, View<const float> q, KvArenaView arena,
               std::span<const std::int32_t> key_positions,
               std::span<const std::int32_t> query_positions, View<float> y,
               std::span<const float> key_biases = {});

/// Bidirectional attention of one short sequence over its own keys (BERT). q, k, v, y [n, dim].
void attention_bidirectional(CpuBackend& backend, View<const float> q, View<const float> k,
                             View<const float> v, std::int64_t n_heads, View<float> y);

}  // namespace kvlink::kernels
