// SPDX-License-Identifier: Apache-2.0
// Bringing the library and the KvStore back together after a process died between them.
#pragma once

#include <cstdint>

#include "cache/kv_store.h"
#include "kernels/base/result.h"
#include "retrieval/library.h"

namespace kvlink::app {

/// Erases every block whose text no document has any more; how many. Reads every passage once.
Result<std::int64_t> erase_unowned_blocks(retrieval::Library& library, cache::KvStore& store);

/// Removes a document: its text, vectors, and every block that no other document shares.
/// Returns how many blocks were erased. kNotFound when there is no such document.
Result<std::int64_t> remove_document(retrieval::Library& library, cache::KvStore& store,
                                     retrieval::DocumentId id);

}  // namespace kvlink::app
