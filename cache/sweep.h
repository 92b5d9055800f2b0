// SPDX-License-Identifier: Apache-2.0
// Start-up: makes the catalogue and the block files agree again after whatever happened.
#pragma once

#include <vector>

#include "cache/block_files.h"
#include "cache/block_index.h"
#include "cache/catalogue.h"
#include "cache/kv_store.h"

namespace kvlink::cache {

/// Removes temporary files, files without a row and rows without their file (size compared; nothing
/// is read). When the catalogue is new or damaged, rows are made from the files' own headers
/// instead. Returns the rows that stand. Throws when the folder or the database refuses.
std::vector<BlockEntry> sweep(Catalogue& catalogue, BlockFiles& files, SweepReport& report);

}  // namespace kvlink::cache
