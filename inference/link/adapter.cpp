// SPDX-License-Identifier: Apache-2.0
#include "inference/link/adapter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <map>
#include <system_error>
#include <utility>

#include "inference/model/finite_scan.h"
#include "inference/model/json_scanner.h"
#include "inference/model/mapped_file.h"
#include "inference/model/printable.h"
#include "inference/model/safetensors_file.h"

namespace kvlink::inference {
namespace {

constexpr std::string_view kFormat = "kvlink-adapter-1";
constexpr std::string_view kFactors[] = {"a", "b"};
constexpr std::uint64_t kMaxPromptBytes = 4'000;

/// A factor's name taken apart: lora.<layer>.<target>.<a or b>.
struct FactorName {
  std::int32_t layer = 0;
  LoraTarget target = LoraTarget::kQ;
  bool is_b = false;
};

std::optional<FactorName> parse_factor_name(std::string_view name, std::int32_t n_layers) {
  FactorName parsed;
  constexpr std::string_view kPrefix = "lora.";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), parsed.layer);
  const auto digits = static_cast<std::size_t>(end - name.data());
  if (error != std::errc() || parsed.layer < 0 || parsed.layer >= n_layers) return std::nullopt;
  // One spelling for one layer: no leading zero or sign.
  if (name.substr(0, digits) != std::to_string(parsed.layer)) return std::nullopt;
  name.remove_prefix(digits);
  for (std::size_t t = 0; t < kLoraTargets; ++t) {
    parsed.target = static_cast<LoraTarget>(t);
    for (const std::string_view factor : kFactors) {
      const std::string rest =
          "." + std::string(lora_target_name(parsed.target)) + "." + std::string(factor);
      parsed.is_b = factor == "b";
      if (name == rest) return parsed;
    }
  }
  return std::nullopt;
}

[[noreturn]] void wrong_shape(const TensorEntry& tensor, const std::string& source,
                              const std::string& expected) {
  fail(ErrorCode::kCorrupt, source + ": tensor " + tensor.name + " has shape " +
                                shape_text(tensor.shape) + ", expected " + expected);
}

/// The contents of an adapter file: bytes and what the format says about them.
class AdapterFile {
 public:
  explicit AdapterFile(const std::filesystem::path& path)
      : source_(path.filename().string()), bytes_(read_small_file(path, kMaxAdapterBytes)) {
    file_ = SafetensorsFile::parse(std::as_bytes(std::span(bytes_)), source_);
    if (text("format") != kFormat) {
      fail(ErrorCode::kUnsupported,
           source_ + " is not a link adapter of format " + std::string(kFormat));
    }
  }

  AdapterFile(const AdapterFile&) = delete;
  AdapterFile& operator=(const AdapterFile&) = delete;

  Digest base() const {
    const std::string hex = text("base_sha256");
    try {
      return Digest::from_hex(hex);
    } catch (const Exception&) {
      fail(ErrorCode::kCorrupt, source_ + " does not say for which model it was made");
    }
  }

  Adapter read(const ModelConfig& config, const Digest& base_file) const {
    if (base() != base_file) {
      fail(ErrorCode::kUnsupported, source_ + " was trained for another model file (SHA-256 " +
                                        text("base_sha256").substr(0, 12) + "…, this one is " +
                                        base_file.hex().substr(0, 12) + "…)");
    }
    file_.expect_only([](std::string_view) { return false; }, source_);
    expect_finite(file_.tensors, source_);
    Adapter adapter;
    adapter.name = source_;
    std::map<std::pair<std::int32_t, LoraTarget>, LoraPair> pairs;
    for (const TensorEntry& tensor : file_.tensors) take(tensor, config, adapter, pairs);
    adapter.lora = lora_of(config, pairs);
    adapter.system_prompt = prompt();
    adapter.base_passages = base_passages(adapter);
    adapter.parallel_passages = says("positions", "parallel", "sequence");
    if (file_.tensors.empty()) fail(ErrorCode::kCorrupt, source_ + " holds no tensor");
    adapter.encode_digest = digest_of([](std::string_view name) { return name != "link"; });
    adapter.digest = digest_of([](std::string_view) { return true; });
    return adapter;
  }

 private:
  using Pairs = std::map<std::pair<std::int32_t, LoraTarget>, LoraPair>;

  /// A metadata value; "" when it is missing.
  std::string text(std::string_view key) const {
    const auto found = file_.metadata.find(key);
    return found == file_.metadata.end() ? std::string() : found->second;
  }

  void take(const TensorEntry& tensor, const ModelConfig& config, Adapter& adapter,
            Pairs& pairs) const {
    if (tensor.name == "header") {
      adapter.header = soft_tokens(tensor, config);
      adapter.n_header = static_cast<std::int32_t>(tensor.shape[0]);
      return;
    }
    if (tensor.name == "link") {
      adapter.link = soft_tokens(tensor, config);
      adapter.n_link = static_cast<std::int32_t>(tensor.shape[0]);
      return;
    }
    const auto name = parse_factor_name(tensor.name, config.n_layers);
    if (!name) {
      fail(ErrorCode::kCorrupt, source_ + ": tensor " + tensor.name +
                                    " is neither header, link nor a LoRA factor of this model's " +
                                    std::to_string(config.n_layers) + " layers");
    }
    LoraPair& pair = pairs[{name->layer, name->target}];
    pair.layer = name->layer;
    pair.target = name->target;
    (name->is_b ? pair.b : pair.a) = tensor;
  }

  std::vector<float> soft_tokens(const TensorEntry& tensor, const ModelConfig& config) const {
    const auto& shape = tensor.shape;
    if (shape.size() != 2 || shape[0] < 1 || shape[0] > kMaxSoftTokens ||
        shape[1] != config.model_dim) {
      wrong_shape(tensor, source_,
                  "[1 to " + std::to_string(kMaxSoftTokens) + ", " +
                      std::to_string(config.model_dim) + "]");
    }
    if (tensor.dtype != DType::kF32) {
      fail(ErrorCode::kUnsupported, source_ + ": tensor " + tensor.name + " must be F32");
    }
    std::vector<float> values(static_cast<std::size_t>(shape[0] * shape[1]));
    std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
    return values;
  }

  /// Whether a metadata value is `word` and not `other`, which is also meant where it is missing.
  bool says(std::string_view key, std::string_view word, std::string_view other) const {
    const std::string value = text(key);
    if (value == word) return true;
    if (value.empty() || value == other) return false;
    fail(ErrorCode::kUnsupported, source_ + " wants passages read in a way that this version " +
                                      "does not know: " + std::string(key) + " = " +
                                      printable(value, 40));
  }

  bool base_passages(const Adapter& adapter) const {
    const bool base = says("passages", "base", "adapter");
    if (base && adapter.n_header > 0) {
      fail(ErrorCode::kCorrupt, source_ + " has a header, and leaves passages to the base model");
    }
    return base;
  }

  LoraWeights lora_of(const ModelConfig& config, const Pairs& pairs) const {
    std::vector<LoraPair> list;
    for (const auto& [key, pair] : pairs) {
      if (pair.a.shape.empty() || pair.b.shape.empty()) {
        fail(ErrorCode::kCorrupt, source_ + ": " + (pair.a.shape.empty() ? pair.b : pair.a).name +
                                      " lacks its other factor");
      }
      const auto [outputs, inputs] = linear_shape(config, pair.target);
      const std::int64_t rank = pair.a.shape[0];
      if (pair.a.shape.size() != 2 || rank < 1 || rank > kMaxLoraRank ||
          pair.a.shape[1] != inputs) {
        wrong_shape(pair.a, source_,
                    "[1 to " + std::to_string(kMaxLoraRank) + ", " + std::to_string(inputs) + "]");
      }
      if (pair.b.shape != std::vector<std::int64_t>{outputs, rank}) {
        wrong_shape(pair.b, source_, shape_text(std::array{outputs, rank}));
      }
      list.push_back(pair);
    }
    return LoraWeights(config, list);
  }

  /// The metadata value is JSON text: a string in quotes.
  std::string prompt() const {
    const std::string quoted = text("system");
    if (quoted.empty()) return "";
    JsonScanner json(quoted, source_ + " (system)");
    std::string prompt = json.text(kMaxPromptBytes);
    json.expect_end();
    return prompt;
  }

  /// Over the tensors' names, types, shapes and bytes, in the order of their names.
  template <typename Predicate>
  Digest digest_of(Predicate is_part) const {
    std::vector<const TensorEntry*> tensors;
    for (const TensorEntry& tensor : file_.tensors) {
      if (is_part(tensor.name)) tensors.push_back(&tensor);
    }
    std::sort(tensors.begin(), tensors.end(),
              [](const auto* a, const auto* b) { return a->name < b->name; });
    Sha256 hash;
    hash.field(kFormat);
    for (const TensorEntry* tensor : tensors) {
      hash.field(tensor->name).field(dtype_name(tensor->dtype)).field(shape_text(tensor->shape));
      hash.update(tensor->bytes);
    }
    return hash.finish();
  }

  std::string source_;
  std::string bytes_;
  SafetensorsFile file_;  // borrows bytes_
};

}  // namespace

Result<std::shared_ptr<const Adapter>> load_adapter(const std::filesystem::path& file,
                                                    const ModelConfig& config, const Digest& base) {
  return returning([&]() -> std::shared_ptr<const Adapter> {
    return std::make_shared<const Adapter>(AdapterFile(file).read(config, base));
  });
}

Result<std::shared_ptr<const Adapter>> load_link_id_adapter(const std::filesystem::path& model,
                                                            const ModelConfig& config) {
  return returning([&]() -> std::shared_ptr<const Adapter> {
    const auto file = link_ids_file(model);
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) return nullptr;
    Adapter adapter;
    adapter.name = file.filename().string();
    adapter.link_ids = load_link_ids(file, config);
    adapter.n_link = adapter.link_ids->per_passage;
    // Such a model reads a passage with nothing before it, like one with an adapter that has
    // neither header nor LoRA.
    adapter.encode_digest = Sha256().field(kFormat).finish();
    Sha256 hash;
    hash.field("link ids");
    for (const std::int32_t n :
         {adapter.link_ids->first, adapter.link_ids->per_passage, adapter.link_ids->max_passages,
          adapter.link_ids->memory_start, adapter.link_ids->memory_end}) {
      hash.field(std::to_string(n));
    }
    adapter.digest = hash.finish();
    return std::make_shared<const Adapter>(std::move(adapter));
  });
}

Result<Digest> adapter_base(const std::filesystem::path& file) {
  return returning([&] { return AdapterFile(file).base(); });
}

}  // namespace kvlink::inference
