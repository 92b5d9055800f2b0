// SPDX-License-Identifier: Apache-2.0
#include "inference/link/link_ids.h"

#include <array>
#include <limits>
#include <string>
#include <system_error>

#include "inference/model/json_scanner.h"
#include "inference/model/mapped_file.h"
#include "kernels/base/utf8.h"

namespace kvlink::inference {
namespace {

constexpr std::string_view kFormat = "kvlink-link-ids-1";
constexpr std::uint64_t kMaxFileBytes = 65'536;
constexpr std::uint64_t kMaxNameBytes = 64;
constexpr std::int32_t kMaxPerPassage = 64;
constexpr std::int32_t kMaxPassages = 1'024;

struct Field {
  std::string_view name;
  std::int32_t LinkIds::*member;
  bool required;
  bool seen = false;
};

std::int32_t read_number(JsonScanner& json) {
  const std::uint64_t value = json.whole_number();
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max())) {
    json.corrupt("a number is too large");
  }
  return static_cast<std::int32_t>(value);
}

LinkIds read_object(JsonScanner& json) {
  LinkIds ids;
  std::array<Field, 5> fields{{{"first", &LinkIds::first, true},
                               {"per_passage", &LinkIds::per_passage, true},
                               {"max_passages", &LinkIds::max_passages, true},
                               {"memory_start", &LinkIds::memory_start, false},
                               {"memory_end", &LinkIds::memory_end, false}}};
  bool has_format = false;
  json.expect('{');
  do {
    const std::string name = json.text(kMaxNameBytes);
    json.expect(':');
    if (name == "format" && !has_format) {
      if (json.text(kMaxNameBytes) != kFormat)
        json.corrupt("its format is not " + std::string(kFormat));
      has_format = true;
      continue;
    }
    Field* known = nullptr;
    for (Field& field : fields) {
      if (field.name == name && !field.seen) known = &field;
    }
    if (known == nullptr) json.corrupt("a field is unknown or occurs twice");
    ids.*(known->member) = read_number(json);
    known->seen = true;
  } while (json.accept(','));
  json.expect('}');
  json.expect_end();
  for (const Field& field : fields) {
    if (field.required && !field.seen) json.corrupt("it lacks " + std::string(field.name));
  }
  if (!has_format) json.corrupt("it lacks format");
  return ids;
}

void check_range(const LinkIds& ids, const ModelConfig& config, const std::string& source) {
  const bool counts = ids.per_passage >= 1 && ids.per_passage <= kMaxPerPassage &&
                      ids.max_passages >= 1 && ids.max_passages <= kMaxPassages;
  const bool inside =
      counts && ids.first + std::int64_t{ids.per_passage} * ids.max_passages <= config.vocab_size &&
      ids.memory_start < config.vocab_size && ids.memory_end < config.vocab_size;
  if (inside) return;
  fail(ErrorCode::kInvalidInput, source +
                                     ": its ids or counts do not fit the model's vocabulary of " +
                                     std::to_string(config.vocab_size) + " tokens");
}

}  // namespace

LinkIds load_link_ids(const std::filesystem::path& file, const ModelConfig& config) {
  const std::string source = file.filename().string();
  const std::string text = read_small_file(file, kMaxFileBytes);
  if (!is_valid_utf8(text)) fail(ErrorCode::kCorrupt, source + " is not UTF-8");
  JsonScanner json(text, source);
  const LinkIds ids = read_object(json);
  check_range(ids, config, source);
  return ids;
}

std::filesystem::path link_ids_file(const std::filesystem::path& model) {
  std::error_code ignored;
  if (std::filesystem::is_directory(model, ignored)) return model / "link_ids.json";
  if (model.filename() == "model.safetensors") return model.parent_path() / "link_ids.json";
  return model.parent_path() / (model.filename().string() + ".link_ids.json");
}

}  // namespace kvlink::inference
