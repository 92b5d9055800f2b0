// SPDX-License-Identifier: Apache-2.0
#include "cache/block_files.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "kernels/base/result.h"

namespace kvlink::cache {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".kv";
constexpr std::string_view kTemporarySuffix = ".tmp";
constexpr std::string_view kTagName = "CACHEDIR.TAG";
constexpr std::string_view kTagText =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# KV blocks of KVLink Desktop: computed from your documents, made again when missing.\n";

bool is_lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// As fs::path::filename, without taking the path apart: a store has hundreds of thousands.
std::string_view name_of(const fs::path& path) {
  const std::string_view text = path.native();
  return text.substr(text.rfind('/') + 1);
}

/// The id that a block file's name stands for, in the folder it belongs in.
std::optional<Digest> id_of(std::string_view name, std::string_view folder_name) {
  constexpr std::size_t kHexDigits = 64;
  if (name.size() != kHexDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  const std::string_view hex = name.substr(0, kHexDigits);
  if (!is_lower_hex(hex) || !hex.starts_with(folder_name)) return std::nullopt;
  return Digest::from_hex(hex);
}

}  // namespace

BlockFiles::BlockFiles(const fs::path& folder, FileSystem& files) : folder_(folder), files_(files) {
  files_.make_folder(folder_ / "blocks");
  const fs::path tag = folder_ / "blocks" / kTagName;
  if (files_.stat(tag)) return;
  const auto file = files_.create(tag, std::int64_t{kTagText.size()});
  file->write(std::as_bytes(std::span(kTagText)));
  file->commit();
}

fs::path BlockFiles::path(const Digest& id) const {
  const std::string hex = id.hex();
  return folder_ / "blocks" / hex.substr(0, 2) / (hex + std::string(kSuffix));
}

void BlockFiles::write(const Digest& id, std::span<const std::byte> header,
                       std::span<const std::byte> planes) {
  const fs::path final_path = path(id);
  files_.make_folder(final_path.parent_path());
  const auto file =
      files_.create(final_path, static_cast<std::int64_t>(header.size() + planes.size()));
  file->write(header);
  file->write(planes);
  file->sync();
  try {
    file->publish();
    file->sync_folder();
  } catch (const Exception&) {
    // The name may or may not be there; without a row it must not be.
    try {
      files_.remove(final_path);
    } catch (const Exception&) {
      // The next start sweeps it; the first failure is the one to report.
    }
    throw;
  }
}

void BlockFiles::sync_removals(std::span<const Digest> ids) {
  std::set<fs::path> folders;
  for (const Digest& id : ids) folders.insert(path(id).parent_path());
  for (const fs::path& folder : folders) {
    if (files_.stat(folder)) files_.sync_folder(folder);
  }
}

BlockFiles::Listing BlockFiles::list() {
  Listing listing;
  const auto keep_if_temporary = [&](const fs::path& path) {
    if (name_of(path).ends_with(kTemporarySuffix)) listing.temporaries.push_back(path);
  };
  for (const fs::path& entry : files_.list(folder_)) {
    // The folder may hold other stores' files; only ours are judged.
    if (name_of(entry).starts_with("kv.db")) keep_if_temporary(entry);
  }
  for (const fs::path& entry : files_.list(folder_ / "blocks")) {
    keep_if_temporary(entry);
    const std::string_view folder_name = name_of(entry);
    if (folder_name.size() != 2 || !is_lower_hex(folder_name)) continue;
    const auto status = files_.stat(entry);
    if (!status || !status->is_folder) continue;
    for (const fs::path& path : files_.list(entry)) {
      keep_if_temporary(path);
      const auto id = id_of(name_of(path), folder_name);
      if (!id) continue;
      const auto block = files_.stat(path);
      listing.blocks.push_back({.id = *id, .size = block && !block->is_folder ? block->size : -1});
    }
  }
  return listing;
}

}  // namespace kvlink::cache
