// SPDX-License-Identifier: Apache-2.0
// Which keys the queries of a layer look at.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/base/view.h"
#include "kernels/cpu/cpu_backend.h"

namespace kvlink::inference {

/// Adds the attention weights of all queries and heads of one layer to `mass`, key by key.
///
/// q [n, n_heads * head_dim] f32, rotated · key_positions [n_keys]: rows 0..n_keys of the arena ·
/// query_positions [n] · mass: at least n_keys. A key is visible iff its position <= the query's;
/// softmax over the visible keys, scale 1/sqrt(head_dim).
void add_attention_mass(kernels::CpuBackend& backend, View<const float> q, KvArenaView arena,
                        std::span<const std::int32_t> key_positions,
                        std::span<const std::int32_t> query_positions, std::span<float> mass);

}  // namespace kvlink::inference
