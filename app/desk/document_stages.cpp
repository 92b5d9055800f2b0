// SPDX-License-Identifier: Apache-2.0
#include "app/desk/document_stages.h"

#include <algorithm>
#include <unordered_map>

namespace kvlink::desk {
namespace {

struct Presence {
  bool current = false;
  bool in_memory = false;
};

struct DigestHash {
  std::size_t operator()(const Digest& digest) const {
    std::size_t h = 0;
    for (std::size_t i = 0; i < sizeof(h); ++i) h = h << 8 | digest.bytes[i];
    return h;
  }
};
using Presences = std::unordered_map<Digest, Presence, DigestHash>;

Presences presences_of(const app::Session& session, const std::vector<cache::BlockRow>& blocks) {
  Presences found;
  found.reserve(blocks.size());
  for (const auto& block : blocks) {
    if (!block.damage.empty()) continue;
    auto& presence = found[block.content];
    if (!is_current(session, block)) continue;
    presence.current = true;
    presence.in_memory = presence.in_memory || block.in_memory;
  }
  return found;
}

struct Counts {
  std::int64_t n_current = 0;
  std::int64_t n_in_memory = 0;
  std::int64_t n_stale = 0;
};

DocumentStage stage_of(const DocumentRow& row, const Counts& counts) {
  if (row.stage == DocumentStage::kFailed || row.stage == DocumentStage::kIgnored) return row.stage;
  if (counts.n_in_memory == row.n_chunks && row.n_chunks > 0) return DocumentStage::kWarm;
  if (counts.n_current == row.n_chunks && row.n_chunks > 0) return DocumentStage::kReady;
  return counts.n_stale > 0 ? DocumentStage::kStale : DocumentStage::kSearchable;
}

}  // namespace

QStringView collection_of(const DocumentRow& row) {
  if (!row.collection.isEmpty()) return row.collection;
  const qsizetype slash = row.path.lastIndexOf(QLatin1Char('/'));
  return QStringView(row.path).left(std::max<qsizetype>(slash, 0));
}

bool comes_before(const DocumentRow& a, const DocumentRow& b) {
  const QStringView key_a = collection_of(a);
  const QStringView key_b = collection_of(b);
  const bool folder_a = key_a.startsWith(QLatin1Char('/'));
  const bool folder_b = key_b.startsWith(QLatin1Char('/'));
  if (folder_a != folder_b) return folder_b;
  const int keys = key_a.compare(key_b);
  if (keys != 0) return keys < 0;
  const int titles = a.title.compare(b.title, Qt::CaseInsensitive);
  return titles != 0 ? titles < 0 : a.path < b.path;
}

DocumentRow row_of(const retrieval::Document& document) {
  DocumentRow row;
  row.id = document.id;
  row.path = text_of(document.path);
  row.title = text_of(document.title);
  row.media_type = text_of(document.media_type);
  row.file_bytes = document.file_bytes;
  row.n_chunks = document.n_chunks;
  row.n_tokens = document.n_tokens;
  row.added_unix = document.added_unix;
  row.stage = document.state == retrieval::DocumentState::kFailed ? DocumentStage::kFailed
                                                                  : DocumentStage::kSearchable;
  row.reason = text_of(document.problem);
  if (document.ignored && row.stage == DocumentStage::kFailed) row.stage = DocumentStage::kIgnored;
  row.remedy = document.ignored ? app::Remedy::kNone : app::remedy_of(document);
  return row;
}

DocumentExtent extent_of(const retrieval::StoredChunk& last) {
  const auto& anchor = last.chunk.anchor;
  const bool has_lines = anchor.place == retrieval::PlaceKind::kLine;
  return {.document = last.document,
          .unit = anchor.place,
          .n = has_lines ? anchor.line_end : anchor.place_end};
}

std::vector<DocumentRow> all_rows(app::Session& session) {
  // The list of blocks is the largest thing here, and goes before anything else is read.
  const Presences presences = presences_of(session, value_or_throw(session.store().list()));
  std::unordered_map<DocumentId, Counts> counts;
  for (const auto& chunk : value_or_throw(session.library().chunk_contents())) {
    const auto found = presences.find(chunk.content);
    if (found == presences.end()) continue;
    auto& count = counts[chunk.document];
    if (found->second.current) ++count.n_current;
    if (found->second.in_memory) ++count.n_in_memory;
    if (!found->second.current) ++count.n_stale;
  }
  std::vector<DocumentRow> rows;
  for (const auto& document : value_or_throw(session.library().documents())) {
    rows.push_back(row_of(document));
    const Counts& count = counts[document.id];
    rows.back().n_cached = count.n_current;
    rows.back().stage = stage_of(rows.back(), count);
  }
  return rows;
}

bool is_current(const app::Session& session, const cache::BlockRow& row) {
  if (!session.can_answer()) return true;
  return row.model == session.encoding().model && row.recipe == session.encoding().recipe;
}

std::optional<double> encoding_rate(const std::vector<cache::BlockRow>& rows) {
  std::int64_t n_tokens = 0;
  double milliseconds = 0;
  for (const auto& row : rows) {
    n_tokens += row.n_tokens;
    milliseconds += row.encode_ms;
  }
  if (n_tokens == 0 || milliseconds <= 0) return std::nullopt;
  return static_cast<double>(n_tokens) * 1000.0 / milliseconds;
}

}  // namespace kvlink::desk
