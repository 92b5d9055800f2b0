// SPDX-License-Identifier: Apache-2.0
#include "cache/sweep.h"

#include <future>
#include <optional>
#include <string>
#include <utility>

#include "cache/block_format.h"
#include "kernels/base/result.h"

namespace kvlink::cache {
namespace {

/// The row that a block file's own header stands for; nothing when the file is not a block.
std::optional<BlockEntry> entry_from_file(const BlockFiles::Found& found, BlockFiles& files) {
  try {
    const BlockHeader header = read_header(*files.open(found.id));
    if (header.key.id() != found.id) return std::nullopt;
    BlockEntry entry;
    entry.row.id = found.id;
    entry.row.model = header.key.model;
    entry.row.recipe = header.key.recipe;
    entry.row.content = header.content;
    entry.row.n_tokens = static_cast<std::int64_t>(header.token_ids.size());
    entry.row.file_bytes = found.size;
    entry.row.dtype = header.layout.dtype;
    entry.row.created_unix = header.created_unix;
    entry.row.encode_ms = std::chrono::duration<double, std::milli>(header.encode_time).count();
    entry.tokens = header.key.tokens;
    entry.gdsf_priority = gdsf_priority(entry.use(), 0);
    return entry;
  } catch (const BlockRejected&) {
    return std::nullopt;
  } catch (const Exception&) {
    return std::nullopt;  // unreadable: the block is made again
  }
}

/// Rows for all block files; what is no block is removed.
CatalogueContents rebuild(Catalogue& catalogue, BlockFiles& files,
                          const BlockFiles::Listing& listing, SweepReport& report) {
  CatalogueChange change;
  for (const BlockFiles::Found& found : listing.blocks) {
    if (auto entry = entry_from_file(found, files)) {
      change.written.push_back(*std::move(entry));
    } else {
      files.remove(found.id);
      ++report.n_orphans_removed;
    }
  }
  change.counters = Counters{};
  catalogue.apply(change);
  report.n_rows_rebuilt = static_cast<std::int64_t>(change.written.size());
  report.damage = catalogue.why_set_aside();
  return {.blocks = std::move(change.written), .evicted = {}, .counters = {}};
}

/// Rows whose file is as they say, or that say that it is gone; the others are dropped.
CatalogueContents match(CatalogueContents contents, Catalogue& catalogue, BlockFiles& files,
                        const BlockFiles::Listing& listing, SweepReport& report) {
  CatalogueChange change;
  std::vector<BlockEntry> standing;
  std::vector<Digest> orphans;
  auto file = listing.blocks.begin();
  for (BlockEntry& entry : contents.blocks) {
    for (; file != listing.blocks.end() && file->id < entry.row.id; ++file) {
      orphans.push_back(file->id);
    }
    const bool is_there = file != listing.blocks.end() && file->id == entry.row.id;
    if (!entry.damage_reason && (!is_there || file->size != entry.row.file_bytes)) {
      change.removed.push_back(entry.row.id);
      continue;
    }
    if (!entry.damage_reason) ++file;
    standing.push_back(std::move(entry));
  }
  for (; file != listing.blocks.end(); ++file) orphans.push_back(file->id);
  report.n_rows_without_file = static_cast<std::int64_t>(change.removed.size());
  // Rows first: a file that is removed must not have one.
  if (!change.removed.empty()) catalogue.apply(change);
  for (const Digest& id : orphans) {
    files.remove(id);
    ++report.n_orphans_removed;
  }
  contents.blocks = std::move(standing);
  return contents;
}

}  // namespace

CatalogueContents sweep(Catalogue& catalogue, BlockFiles& files, SweepReport& report) {
  // Names and rows at once: each may be hundreds of thousands.
  auto listed = std::async(std::launch::async, [&] { return files.list(); });
  std::optional<CatalogueContents> contents;
  std::string damage;
  const auto reading = [&](auto&& body) {
    try {
      body();
    } catch (const Exception& e) {
      if (e.error().code != ErrorCode::kCorrupt) throw;
      damage = e.what();
      contents.reset();
    }
  };
  if (!catalogue.is_new()) reading([&] { contents = catalogue.read(); });
  const BlockFiles::Listing listing = listed.get();
  for (const auto& path : listing.temporaries) {
    files.remove_file(path);
    ++report.n_temp_files_removed;
  }
  if (contents) {
    reading([&] { contents = match(*std::move(contents), catalogue, files, listing, report); });
  }
  if (contents) return *std::move(contents);
  if (!catalogue.is_new()) {
    catalogue.replace(damage);
    report.n_rows_without_file = 0;
  }
  return rebuild(catalogue, files, listing, report);
}

}  // namespace kvlink::cache
