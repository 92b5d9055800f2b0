// SPDX-License-Identifier: Apache-2.0
// How people name documents: by number, by path, by the folder they lie in, or by file name.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "kernels/base/result.h"
#include "retrieval/library.h"

namespace kvlink::app {

/// The documents a name means, in number order: the one with that number ("12", "id:12"); else the
/// one with that path, or all inside that folder; else the one whose path ends in that name. Empty:
/// none. kInvalidInput when several files end in the name (they are listed), or when a number is
/// also the path of others: "id:12" and "./12" say which.
Result<std::vector<retrieval::Document>> find_documents(retrieval::Library& library,
                                                        const std::string& name);

/// The numbers of all documents named. kNotFound for a name that means none.
Result<std::vector<retrieval::DocumentId>> resolve_documents(retrieval::Library& library,
                                                             std::span<const std::string> names);

}  // namespace kvlink::app
