// SPDX-License-Identifier: Apache-2.0
// What the models on a disk are, by their headers. Internal to the desk.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "app/desk/settings_messages.h"
#include "kernels/base/sha256.h"

namespace kvlink::desk {

/// Remembers what it read by path, size and time of change, so that a list that is asked for again
/// costs nothing. One thread.
class ModelOutlines {
 public:
  /// Of a generator: architecture, context, KV. What cannot be read says why.
  OutlineFacts of(const app::FoundModel& found);
  /// Whether a link adapter in `folders` was made for the model. Its weights are hashed only when
  /// there is an adapter to compare with, and only up to kMaxHashedBytes; more is kUnknown, and so
  /// is what `stop` ended.
  AdapterFit adapter_fit(const app::FoundModel& found,
                         std::span<const std::filesystem::path> folders,
                         const std::stop_token& stop = {});

  static constexpr std::int64_t kMaxHashedBytes = std::int64_t{2} << 30;

 private:
  struct Stamp {
    std::string path;
    std::int64_t bytes = 0;
    std::filesystem::file_time_type changed;
    auto operator<=>(const Stamp&) const = default;
  };
  static Stamp stamp_of(const std::filesystem::path& path);

  std::map<Stamp, OutlineFacts> outlines_;
  std::map<Stamp, Digest> hashes_;
};

}  // namespace kvlink::desk
