// SPDX-License-Identifier: Apache-2.0
// Bringing the library and the KvStore back together after a process died between them.
#pragma once

#include <cstdint>
#include <span>

#include "cache/kv_store.h"
#include "kernels/base/result.h"
#include "retrieval/library.h"

namespace kvlink::app {

/// Erases every block whose text no document has any more; how many. Reads every passage once.
Result<std::int64_t> erase_unowned_blocks(retrieval::Library& library, cache::KvStore& store);

struct ErasureStep {
  std::int64_t n_blocks = 0;  ///< erased by this step
  bool done = false;
};
/// The next short step of erasing what was removed from the library: its text, vectors, and every
/// block that no other document shares.
Result<ErasureStep> erase_some_removed(retrieval::Library& library, cache::KvStore& store);

/// All of these steps; how many blocks were erased.
Result<std::int64_t> erase_removed(retrieval::Library& library, cache::KvStore& store);

/// Removes documents and erases all of them at once; how many blocks that were. kNotFound when one
/// is not there: then all stay.
Result<std::int64_t> remove_documents(retrieval::Library& library, cache::KvStore& store,
                                      std::span<const retrieval::DocumentId> ids);

}  // namespace kvlink::app
