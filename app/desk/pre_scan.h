// SPDX-License-Identifier: Apache-2.0
// What adding some paths would mean, from names and sizes alone. Internal to the desk.
#pragma once

#include <stop_token>
#include <vector>

#include "app/desk/library_worker.h"
#include "app/file_scan.h"

namespace kvlink::desk {

/// What an estimate is made from.
struct EstimateBasis {
  MeasuredRates rates;
  std::int64_t kv_bytes_per_token = 0;
  std::int64_t kv_bytes_free = 0;
  app::ScanOptions scan = {};  ///< what is taken
};

/// Throws nothing of its own; problems are in the result. Ends early when asked to stop.
PreScan pre_scan_of(RequestId id, const std::vector<QString>& paths, const EstimateBasis& basis,
                    std::stop_token stop);

/// ".md", lower case; "" when the name has none.
QString suffix_of(const std::string& path);

}  // namespace kvlink::desk
