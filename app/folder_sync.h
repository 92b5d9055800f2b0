// SPDX-License-Identifier: Apache-2.0
// Documents whose files are gone: removed, or only out of reach.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "app/session.h"

namespace kvlink::app {

struct SyncReport {
  std::int64_t n_removed = 0;
  std::int64_t n_offline = 0;  ///< newly marked: their folder is not there
  std::int64_t n_online = 0;   ///< back again
};

/// Looks at every document below `roots`. One whose file is gone (FilePresence) is removed with its
/// blocks; one that is out of reach, as when a drive was taken away, is marked offline and stays
/// searchable. `reported`: what the system said was deleted. kIo and so on when the library cannot
/// be used.
Result<SyncReport> drop_missing(Session& session, std::span<const std::filesystem::path> roots,
                                std::span<const std::filesystem::path> reported = {});

}  // namespace kvlink::app
