// SPDX-License-Identifier: Apache-2.0
#include "inference/model/model_parts.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "inference/model/json_text.h"
#include "inference/model/limits.h"
#include "inference/model/mapped_file.h"
#include "inference/model/printable.h"
#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

namespace fs = std::filesystem;

constexpr const char* kIndex = "model.safetensors.index.json";
constexpr std::size_t kMaxParts = 1'000;
constexpr std::size_t kPartDigits = 5;

/// Exactly five digits.
std::optional<std::size_t> part_number(std::string_view digits) {
  std::size_t number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<std::size_t>(c - '0');
  }
  return number;
}

std::string five_digits(std::size_t number) {
  const std::string digits = std::to_string(number);
  return std::string(kPartDigits - digits.size(), '0') + digits;
}

[[noreturn]] void leaves_folder(const std::string& name) {
  fail(ErrorCode::kCorrupt, std::string(kIndex) + " names \"" + printable(name) +
                                "\", which is not a file of its folder");
}

/// Where the files of `folder` may really lie: in it, or, in a hub's cache, in the blobs beside its
/// snapshots.
bool is_inside(const fs::path& file, const fs::path& folder) {
  const fs::path parent = file.parent_path();
  if (parent == folder) return true;
  const fs::path snapshots = folder.parent_path();
  return snapshots.filename() == "snapshots" && parent == snapshots.parent_path() / "blobs";
}

fs::path shard_path(const fs::path& folder, const fs::path& real_folder, const std::string& name) {
  const fs::path plain = fs::path(name).filename();
  if (name.empty() || plain != fs::path(name) || name == "." || name == ".." ||
      plain.extension() != ".safetensors" || printable(name, 255) != name) {
    leaves_folder(name);
  }
  std::error_code error;
  const fs::path real = fs::canonical(folder / plain, error);
  if (error) {
    fail(ErrorCode::kNotFound, (folder / plain).string() + " is missing; " + kIndex + " names it");
  }
  if (!is_inside(real, real_folder)) leaves_folder(name);
  return folder / plain;
}

}  // namespace

std::vector<fs::path> gguf_parts(const fs::path& path) {
  constexpr std::string_view kMiddle = "-of-";
  constexpr std::size_t kSuffix = 1 + kPartDigits + kMiddle.size() + kPartDigits;
  const std::string stem = path.stem().string();
  if (stem.size() <= kSuffix || path.extension() != ".gguf") return {path};
  const std::string_view suffix = std::string_view(stem).substr(stem.size() - kSuffix);
  const auto number = part_number(suffix.substr(1, kPartDigits));
  const auto count = part_number(suffix.substr(kSuffix - kPartDigits));
  if (suffix[0] != '-' || suffix.substr(1 + kPartDigits, kMiddle.size()) != kMiddle || !number ||
      !count || *count < 2 || *number < 1 || *number > *count) {
    return {path};
  }
  if (*count > kMaxParts) {
    fail(ErrorCode::kUnsupported,
         path.filename().string() + ": models of more than 1,000 parts are not read");
  }
  const std::string name = stem.substr(0, stem.size() - kSuffix);
  std::vector<fs::path> parts;
  for (std::size_t i = 1; i <= *count; ++i) {
    parts.push_back(path.parent_path() /
                    (name + "-" + five_digits(i) + "-of-" + five_digits(*count) + ".gguf"));
  }
  return parts;
}

std::vector<fs::path> list_shards(const fs::path& folder) {
  const auto index =
      parse_json_object(read_small_file(folder / kIndex, limits::kMaxIndexBytes), kIndex);
  const auto map = index.find("weight_map");
  if (map == index.end() || !map->is_object() || map->empty()) {
    fail(ErrorCode::kCorrupt, std::string(kIndex) + " has no \"weight_map\"");
  }
  std::set<std::string> names;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string()) leaves_folder(tensor);
    names.insert(file.get<std::string>());
  }
  if (names.size() > kMaxParts) {
    fail(ErrorCode::kUnsupported, std::string(kIndex) + " names more than 1,000 files");
  }
  const fs::path real_folder = fs::canonical(folder);
  std::vector<fs::path> shards;
  for (const std::string& name : names) shards.push_back(shard_path(folder, real_folder, name));
  return shards;
}

}  // namespace kvlink::inference
