// SPDX-License-Identifier: Apache-2.0
#include "app/disk_reserve.h"

#include <random>
#include <span>
#include <vector>

#include "app/words.h"
#include "kernels/base/result.h"

namespace kvlink::app {
namespace {

/// Random: a file system that compresses would keep no room for anything else.
std::vector<std::uint64_t> filling() {
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> words(DiskReserve::kBytes / sizeof(std::uint64_t));
  for (auto& word : words) word = random();
  return words;
}

}  // namespace

bool DiskReserve::settle() {
  const auto looked = returning([&] {
    const std::int64_t free = files_.free_bytes(folder_);
    const bool is_kept = files_.stat(file()).has_value();
    if (free < kScarceBytes) {
      if (is_kept) files_.remove(file());
      is_short_ = true;
    } else if (is_kept) {
      is_short_ = false;
    } else if (free >= kBytes + kBytesToAdd) {
      make();
      is_short_ = false;
    } else {
      is_short_ = true;
    }
  });
  if (!looked) is_short_ = false;
  return is_short_;
}

/// Not synced: a crash that loses it costs only making it again.
void DiskReserve::make() {
  for (const auto& left : files_.list(folder_)) {  // by a process that was killed in here
    const bool is_ours = left.filename().string().starts_with("reserve.");
    if (is_ours && left.extension() == ".tmp") files_.remove(left);
  }
  const auto pending = files_.create(file(), kBytes);
  pending->write(std::as_bytes(std::span<const std::uint64_t>(filling())));
  pending->publish();
}

std::string DiskReserve::sentence() const {
  return "The disk of " + folder_.string() + " is full. What is here can be read, asked and " +
         "removed; nothing can be added or cached. Free " + bytes_in_words(kBytes + kBytesToAdd) +
         " or more.";
}

std::string why_no_room(const std::filesystem::path& folder, FileSystem& files) {
  const auto free = returning([&] { return files.free_bytes(folder); });
  if (!free || *free >= DiskReserve::kBytesToAdd) return "";
  return "The disk of " + folder.string() + " is full (" + bytes_in_words(*free) +
         " free): no document is added with less than " + bytes_in_words(DiskReserve::kBytesToAdd) +
         ". Free some space and add it again.";
}

}  // namespace kvlink::app
