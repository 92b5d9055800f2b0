// SPDX-License-Identifier: Apache-2.0
#include "cache/kv_store.h"

#include "cache/disk_kv_store.h"

namespace kvlink::cache {

Result<std::unique_ptr<KvStore>> KvStore::open(const std::filesystem::path& folder, Options options,
                                               FileSystem& files) {
  return returning([&]() -> std::unique_ptr<KvStore> {
    if (options.disk_budget_bytes < 0 || options.memory_budget_bytes < 0 ||
        options.min_free_bytes < 0)
      fail(ErrorCode::kInvalidInput, "a cache budget cannot be negative");
    return std::make_unique<DiskKvStore>(folder, options, files);
  });
}

}  // namespace kvlink::cache
