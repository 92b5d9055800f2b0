// SPDX-License-Identifier: Apache-2.0
// What a generator needs in memory, compared with what is there, before it is loaded.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "inference/model/model_outline.h"
#include "kernels/base/dtype.h"

namespace kvlink::app {

/// Bytes.
struct ModelMemory {
  std::int64_t packed = 0;     ///< quantised matrices, laid out anew for this processor
  std::int64_t mapped = 0;     ///< of the files: what is read from them while answering
  std::int64_t context = 0;    ///< KV of every token of the context
  std::int64_t arenas = 0;     ///< KV of passages while they are read
  std::int64_t workspace = 0;  ///< activations and the logits of a token
  std::int64_t weights() const { return packed + mapped; }
  std::int64_t total() const { return weights() + context + arenas + workspace; }
};

/// For a context of n_tokens whose KV is kept in `kv` (kernels::is_arena_dtype) while answering.
/// Quantised weights are counted once, in their packed form: the pages of the file that they were
/// packed from are given back.
ModelMemory memory_of_model(const inference::ModelOutline& outline, std::int64_t n_tokens,
                            DType kv);

/// Where the system says how much memory there is; tests name other files.
struct MemoryFiles {
  std::filesystem::path meminfo = "/proc/meminfo";
  std::filesystem::path own_cgroup = "/proc/self/cgroup";
  std::filesystem::path cgroups = "/sys/fs/cgroup";
};

/// Memory that this process can still have: the system's estimate, or what its control group (a
/// container, a service) leaves where that is less; page cache counts as free. Nothing where the
/// system does not say.
std::optional<std::int64_t> available_memory(const MemoryFiles& files = {});

/// The longest context (a multiple of 256, at most the model's) that fits into `available`; the
/// model's when nothing is known, 0 when not even a short one fits.
std::int64_t context_that_fits(const inference::ModelOutline& outline, DType kv,
                               std::optional<std::int64_t> available);

/// Throws kOutOfMemory when the model does not fit into `available`: what it needs, what is there,
/// and what would fit: a shorter context (and how long it may be in q8), else the model as Q4_0
/// where that is enough. Fits when
/// nothing is known.
void expect_model_fits(const inference::ModelOutline& outline, std::int64_t n_tokens, DType kv,
                       std::optional<std::int64_t> available, const std::string& name);

}  // namespace kvlink::app
