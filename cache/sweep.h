// SPDX-License-Identifier: Apache-2.0
// Start-up: makes the catalogue and the block files agree again after whatever happened.
#pragma once

#include "cache/block_files.h"
#include "cache/catalogue.h"
#include "cache/kv_store.h"

namespace kvlink::cache {

/// Removes temporary files, files without a row and rows without their file (size compared; nothing
/// is read). When the catalogue is new or damaged, rows are made from the files' own headers
/// instead. Returns what stands. Throws when the folder or the database refuses.
CatalogueContents sweep(Catalogue& catalogue, BlockFiles& files, SweepReport& report);

}  // namespace kvlink::cache
