// SPDX-License-Identifier: Apache-2.0
#include "app/desk/model_outlines.h"

#include <algorithm>
#include <system_error>
#include <vector>

#include "app/adapter_choice.h"
#include "inference/link/adapter.h"
#include "inference/model/model_outline.h"

namespace kvlink::desk {
namespace {

namespace fs = std::filesystem;

/// What the link adapters in the folders were made for.
std::vector<Digest> adapter_bases(std::span<const fs::path> folders) {
  std::vector<Digest> bases;
  for (const auto& folder : folders) {
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      if (it->path().extension() != ".safetensors") continue;
      if (const auto base = inference::adapter_base(it->path())) bases.push_back(*base);
    }
  }
  return bases;
}

OutlineFacts outline_of(const fs::path& path) {
  OutlineFacts facts;
  const auto model = inference::read_model_outline(path);
  if (!model) {
    facts.refusal = text_of(model.error().message);
    return facts;
  }
  constexpr std::int64_t kF16Bytes = 2;
  const auto& config = model->config;
  facts.architecture = text_of(config.architecture);
  facts.context_tokens = config.context_length;
  facts.kv_bytes_per_token = std::int64_t{2} * config.n_layers * config.kv_dim() * kF16Bytes;
  return facts;
}

}  // namespace

ModelOutlines::Stamp ModelOutlines::stamp_of(const fs::path& path) {
  const fs::path weights = app::weights_file(path);
  Stamp stamp;
  stamp.path = weights.string();
  std::error_code ignored;
  stamp.changed = fs::last_write_time(weights, ignored);
  // A shard may be replaced without the index that names it.
  const auto files = returning([&] { return app::weights_files(path); });
  for (const fs::path& file : files ? *files : std::vector<fs::path>{weights}) {
    const auto bytes = fs::file_size(file, ignored);
    if (!ignored) stamp.bytes += static_cast<std::int64_t>(bytes);
    const auto changed = fs::last_write_time(file, ignored);
    if (!ignored) stamp.changed = std::max(stamp.changed, changed);
  }
  return stamp;
}

OutlineFacts ModelOutlines::of(const app::FoundModel& found) {
  const Stamp stamp = stamp_of(found.path);
  const auto known = outlines_.find(stamp);
  if (known != outlines_.end()) return known->second;
  return outlines_[stamp] = outline_of(found.path);
}

AdapterFit ModelOutlines::adapter_fit(const app::FoundModel& found,
                                      std::span<const fs::path> folders,
                                      const std::stop_token& stop) {
  if (stop.stop_requested()) return AdapterFit::kUnknown;
  const auto bases = adapter_bases(folders);
  if (bases.empty()) return AdapterFit::kNo;
  const Stamp stamp = stamp_of(found.path);
  auto known = hashes_.find(stamp);
  if (known == hashes_.end()) {
    if (found.bytes > kMaxHashedBytes) return AdapterFit::kUnknown;
    const auto hash = returning([&] { return app::hash_of_weights(found.path, stop); });
    if (!hash) return AdapterFit::kUnknown;
    known = hashes_.emplace(stamp, *hash).first;
  }
  return std::find(bases.begin(), bases.end(), known->second) != bases.end() ? AdapterFit::kYes
                                                                             : AdapterFit::kNo;
}

}  // namespace kvlink::desk
