// SPDX-License-Identifier: Apache-2.0
#include "app/model_memory.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>

#include "app/words.h"
#include "inference/decoder.h"
#include "inference/engine_arena.h"
#include "inference/weight_memory.h"
#include "kernels/base/result.h"

namespace kvlink::app {
namespace {

/// Rows that go through a layer together at most (Decoder::kTile).
constexpr std::int64_t kTileRows = inference::Decoder::kTile;
/// Arenas in which passages are read, and the rows of one (EncodeArenas).
constexpr auto kArenas = static_cast<std::int64_t>(inference::EncodeArenas::kKept);
constexpr std::int64_t kArenaRows = inference::EncodeArenas::kRows;
/// Shorter contexts answer nothing.
constexpr std::int64_t kLeastContext = 512;

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The number in a control file; nothing for "max" and for a file that is not there.
std::optional<std::int64_t> number_in(const std::filesystem::path& file) {
  std::istringstream in(text_of(file));
  std::int64_t number = 0;
  if (!(in >> number) || number < 0) return std::nullopt;
  return number;
}

/// "NAME number" in a file of such lines.
std::int64_t field_in(const std::filesystem::path& file, const std::string& wanted) {
  std::istringstream in(text_of(file));
  std::string name;
  std::int64_t number = 0;
  while (in >> name >> number) {
    if (name == wanted) return number;
  }
  return 0;
}

std::optional<std::int64_t> system_memory(const std::filesystem::path& meminfo) {
  std::istringstream lines(text_of(meminfo));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("MemAvailable:")) continue;
    std::istringstream rest(line.substr(line.find(':') + 1));
    std::int64_t kilobytes = 0;
    if (rest >> kilobytes && kilobytes >= 0) return kilobytes * 1024;
  }
  return std::nullopt;
}

void lower(std::optional<std::int64_t>& least, std::optional<std::int64_t> bound) {
  if (bound) least = std::min(least.value_or(*bound), std::max<std::int64_t>(*bound, 0));
}

/// What a group of version 2 (memory.max, memory.current) or 1 leaves; every group above it bounds
/// it too.
std::optional<std::int64_t> left_by_groups(std::filesystem::path group,
                                           const std::filesystem::path& root, bool second) {
  std::optional<std::int64_t> least;
  for (;;) {
    const auto most = number_in(group / (second ? "memory.max" : "memory.limit_in_bytes"));
    const auto used = number_in(group / (second ? "memory.current" : "memory.usage_in_bytes"));
    const std::int64_t page_cache =
        field_in(group / "memory.stat", second ? "inactive_file" : "total_inactive_file");
    if (most && used) lower(least, *most - std::max<std::int64_t>(*used - page_cache, 0));
    if (group == root || !group.has_relative_path()) return least;
    group = group.parent_path();
  }
}

std::optional<std::int64_t> group_memory(const MemoryFiles& files) {
  std::optional<std::int64_t> least;
  std::istringstream lines(text_of(files.own_cgroup));
  // "0::/user.slice/a.scope" (version 2) or "5:memory:/a" (version 1).
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string kinds = line.substr(first + 1, second - first - 1);
    const std::filesystem::path name =
        std::filesystem::path(line.substr(second + 1)).relative_path();
    const bool is_second = kinds.empty();
    if (!is_second && ("," + kinds + ",").find(",memory,") == std::string::npos) continue;
    const auto root = is_second ? files.cgroups : files.cgroups / "memory";
    // Inside a container the name may be one that only the outside knows; the root is its own then.
    const auto group = std::filesystem::exists(root / name) ? root / name : root;
    lower(least, left_by_groups(group, root, is_second));
  }
  return least;
}

/// Activations of a pass over n_tokens (inference/decoder.cpp): the residual stream of every row,
/// the rest for one tile, keys and values of one layer of a passage, and the logits of a token.
std::int64_t activation_bytes(const inference::ModelConfig& config, std::int64_t n_tokens) {
  const std::int64_t tile = std::min(n_tokens, kTileRows);
  const std::int64_t captured = std::min(n_tokens, kArenaRows);
  const std::int64_t of_tile = config.model_dim + 2 * config.attention_dim() + 2 * config.kv_dim() +
                               2 * std::int64_t{config.ffn_dim};
  return std::int64_t{4} * (n_tokens * config.model_dim + tile * of_tile +
                            captured * 2 * config.kv_dim() + config.vocab_size);
}

/// The same model with every matrix as Q4_0.
inference::ModelOutline as_q4_0(inference::ModelOutline outline) {
  std::int64_t n_bytes = 0;
  for (auto& matrix : outline.matrices) {
    if (matrix.cols % block_elements(DType::kQ4_0) == 0) matrix.dtype = DType::kQ4_0;
    n_bytes += matrix.rows * row_bytes(matrix.dtype, matrix.cols);
  }
  outline.weight_bytes = n_bytes;
  return outline;
}

std::string advice_without_context(const inference::ModelOutline& outline, DType kv,
                                   std::int64_t available) {
  const auto smaller = as_q4_0(outline);
  if (context_that_fits(smaller, kv, available) == 0) {
    return "Close other programs, or choose a smaller model: as Q4_0 it would still need " +
           bytes_in_words(memory_of_model(smaller, kLeastContext, kv).total()) + ".";
  }
  return "Close other programs, or make it smaller with `kvlink model convert --type q4_0`: " +
         bytes_in_words(memory_of_model(smaller, kLeastContext, kv).total()) + " then.";
}

/// How far q8 would reach, where it reaches farther.
std::string advice_of_smaller_kv(const inference::ModelOutline& outline, DType kv,
                                 std::int64_t fitting, std::int64_t available) {
  if (kv == DType::kQ8Kv) return "";
  const std::int64_t longer = context_that_fits(outline, DType::kQ8Kv, available);
  if (longer <= fitting) return "";
  return " With kv_type q8, which halves what a token takes, " + count_in_words(longer) +
         " tokens fit.";
}

}  // namespace

ModelMemory memory_of_model(const inference::ModelOutline& outline, std::int64_t n_tokens,
                            DType kv) {
  const auto& config = outline.config;
  const auto weights = inference::memory_of_weights(outline);
  const auto token_bytes = [&](DType type) { return inference::kv_bytes_of_token(config, type); };
  ModelMemory memory;
  memory.packed = weights.packed;
  memory.mapped = weights.mapped;
  memory.context = n_tokens * token_bytes(kv);
  // Passages are encoded in f16 whatever the context is kept in (EngineOptions::arena_dtype).
  const DType encoded = kv == DType::kF32 ? DType::kF32 : DType::kF16;
  memory.arenas = kArenas * std::min(n_tokens, kArenaRows) * token_bytes(encoded);
  memory.workspace = activation_bytes(config, n_tokens);
  return memory;
}

std::optional<std::int64_t> available_memory(const MemoryFiles& files) {
  std::optional<std::int64_t> least = system_memory(files.meminfo);
  lower(least, group_memory(files));
  return least;
}

std::int64_t context_that_fits(const inference::ModelOutline& outline, DType kv,
                               std::optional<std::int64_t> available) {
  const std::int64_t longest = outline.config.context_length;
  if (!available) return longest;
  constexpr std::int64_t kStep = 256;
  // From kArenaRows tokens on every further step costs the same.
  const std::int64_t least = memory_of_model(outline, kArenaRows, kv).total();
  const std::int64_t step = memory_of_model(outline, kArenaRows + kStep, kv).total() - least;
  const std::int64_t steps = std::max<std::int64_t>(*available - least, 0) / step;
  std::int64_t fitting = kArenaRows + steps * kStep;
  while (fitting >= kLeastContext && memory_of_model(outline, fitting, kv).total() > *available) {
    fitting -= kStep;
  }
  if (fitting >= longest) return longest;
  return fitting >= kLeastContext ? fitting : 0;
}

void expect_model_fits(const inference::ModelOutline& outline, std::int64_t n_tokens, DType kv,
                       std::optional<std::int64_t> available, const std::string& name) {
  const ModelMemory need = memory_of_model(outline, n_tokens, kv);
  if (!available || need.total() <= *available) return;
  std::string message = name + " needs " + bytes_in_words(need.total()) + " of memory (" +
                        bytes_in_words(need.weights()) + " weights, " +
                        bytes_in_words(need.context) + " for a context of " +
                        count_in_words(n_tokens) + " tokens), and " + bytes_in_words(*available) +
                        " are free. ";
  const std::int64_t fitting = context_that_fits(outline, kv, available);
  if (fitting > 0) {
    message += "A context of " + count_in_words(fitting) +
               " tokens fits: set max_context to at most that.";
    message += advice_of_smaller_kv(outline, kv, fitting, *available);
  } else {
    message += advice_without_context(outline, kv, *available);
  }
  fail(ErrorCode::kOutOfMemory, std::move(message));
}

}  // namespace kvlink::app
