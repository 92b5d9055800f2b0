// SPDX-License-Identifier: Apache-2.0
#include "app/reconcile.h"

#include <set>
#include <vector>

namespace kvlink::app {

Result<ErasureStep> erase_some_removed(retrieval::Library& library, cache::KvStore& store) {
  return returning([&] {
    const auto erased = value_or_throw(library.erase_removed());
    // The library's part cannot be taken back: should the store fail, it keeps in mind what it
    // owes.
    const auto n_blocks = value_or_throw(store.erase_contents(erased.orphaned));
    return ErasureStep{.n_blocks = n_blocks, .done = erased.done};
  });
}

Result<std::int64_t> erase_removed(retrieval::Library& library, cache::KvStore& store) {
  return returning([&] {
    std::int64_t n_erased = 0;
    for (bool done = false; !done;) {
      const auto step = value_or_throw(erase_some_removed(library, store));
      n_erased += step.n_blocks;
      done = step.done;
    }
    return n_erased;
  });
}

Result<std::int64_t> remove_documents(retrieval::Library& library, cache::KvStore& store,
                                      std::span<const retrieval::DocumentId> ids) {
  const auto removed = library.remove(ids);
  if (!removed) return removed.error();
  return erase_removed(library, store);
}

Result<std::int64_t> erase_unowned_blocks(retrieval::Library& library, cache::KvStore& store) {
  return returning([&] {
    std::set<Digest> owned;
    for (const auto& chunk : value_or_throw(library.chunk_contents())) owned.insert(chunk.content);
    std::set<Digest> unowned;
    for (const auto& row : value_or_throw(store.list())) {
      if (!owned.contains(row.content)) unowned.insert(row.content);
    }
    return value_or_throw(store.erase_contents(std::vector(unowned.begin(), unowned.end())));
  });
}

}  // namespace kvlink::app
