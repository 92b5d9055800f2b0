// SPDX-License-Identifier: Apache-2.0
#include "app/reconcile.h"

#include <set>

namespace kvlink::app {

Result<std::int64_t> erase_unowned_blocks(retrieval::Library& library, cache::KvStore& store) {
  return returning([&] {
    std::set<Digest> owned;
    for (const auto& document : value_or_throw(library.documents())) {
      for (const auto& chunk : value_or_throw(library.chunks(document.id))) {
        owned.insert(chunk.content);
      }
    }
    std::set<Digest> unowned;
    for (const auto& row : value_or_throw(store.list())) {
      if (!owned.contains(row.content)) unowned.insert(row.content);
    }
    std::int64_t n_erased = 0;
    for (const auto& content : unowned) n_erased += value_or_throw(store.erase_content(content));
    return n_erased;
  });
}

Result<std::int64_t> remove_document(retrieval::Library& library, cache::KvStore& store,
                                     retrieval::DocumentId id) {
  return returning([&] {
    std::int64_t n_erased = 0;
    for (const auto& content : value_or_throw(library.remove(id))) {
      n_erased += value_or_throw(store.erase_content(content));
    }
    return n_erased;
  });
}

}  // namespace kvlink::app
