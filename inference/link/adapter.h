// SPDX-License-Identifier: Apache-2.0
// What makes a model link passages: trained soft tokens and LoRA beside frozen weights, or the
// token ids that a fine-tuned model was given for it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "inference/link/link_ids.h"
#include "inference/link/lora.h"
#include "kernels/base/result.h"
#include "kernels/base/sha256.h"

namespace kvlink::inference {

/// Limits of an adapter file: far above what is trained, far below what could exhaust memory.
inline constexpr std::uint64_t kMaxAdapterBytes = std::uint64_t{64} << 20;
inline constexpr std::int64_t kMaxSoftTokens = 64;
inline constexpr std::int64_t kMaxLoraRank = 256;

/// Immutable; shared by every thread. Parts that an adapter does not have are empty.
struct Adapter {
  std::string name;           ///< of its file
  std::vector<float> header;  ///< [n_header, model_dim]: in front of a passage, cached with it
  std::vector<float> link;    ///< [n_link soft tokens, model_dim]: behind it, computed online
  std::int32_t n_header = 0;
  std::int32_t n_link = 0;  ///< link tokens behind a passage, soft or by id
  LoraWeights lora;
  /// Passages are read as without an adapter, behind the prefix and by the base weights; LoRA acts
  /// on the rows behind them: link tokens, question and answer. There is no header then.
  bool base_passages = false;
  /// Passages stand side by side and link tokens once behind them (PlanRequest::parallel).
  bool parallel_passages = false;
  std::optional<LinkIds> link_ids;  ///< link tokens by id instead of `link`
  std::string system_prompt;        ///< the one it was trained with; may be empty
  Digest encode_digest;             ///< of what decides a passage's KV: header and LoRA
  Digest digest;                    ///< of every tensor, or of the ids
};

/// Reads an adapter file for a model whose weights file has the SHA-256 `base`. Errors: kNotFound,
/// kIo, kCorrupt (damaged; wrong names, shapes or ranks; NaN), kUnsupported (made for another
/// model, another format, larger than kMaxAdapterBytes), each with the reason.
Result<std::shared_ptr<const Adapter>> load_adapter(const std::filesystem::path& file,
                                                    const ModelConfig& config, const Digest& base);

/// The scheme that lies beside a model (link_ids_file), or nothing. Errors: those of load_link_ids.
Result<std::shared_ptr<const Adapter>> load_link_id_adapter(const std::filesystem::path& model,
                                                            const ModelConfig& config);

/// The SHA-256 of the weights file that an adapter was made for, without reading its tensors.
/// Errors as load_adapter.
Result<Digest> adapter_base(const std::filesystem::path& file);

}  // namespace kvlink::inference
