// SPDX-License-Identifier: Apache-2.0
#include "retrieval/library_rows.h"

#include <cmath>
#include <cstring>

namespace kvlink::retrieval {

std::string text_of(const SQLite::Column& column) { return column.getString(); }

Digest digest_of(const SQLite::Column& column) {
  Digest digest;
  if (column.getBytes() != static_cast<int>(digest.bytes.size())) {
    fail(ErrorCode::kCorrupt, "the library holds a content hash of a wrong size");
  }
  std::memcpy(digest.bytes.data(), column.getBlob(), digest.bytes.size());
  return digest;
}

std::string json_array(std::span<const DocumentId> ids) {
  std::string out = "[";
  for (const DocumentId id : ids) {
    if (out.size() > 1) out += ',';
    out += std::to_string(id);
  }
  return out + "]";
}

std::int64_t id_of(SQLite::Statement& row) { return row.getColumn(0).getInt64(); }

Document document_of(SQLite::Statement& row) {
  Document document;
  document.id = row.getColumn(0).getInt64();
  document.path = text_of(row.getColumn(1));
  document.title = text_of(row.getColumn(2));
  document.media_type = text_of(row.getColumn(3));
  document.content = digest_of(row.getColumn(4));
  document.file_bytes = row.getColumn(5).getInt64();
  document.mtime_ns = row.getColumn(6).getInt64();
  document.state = static_cast<DocumentState>(row.getColumn(7).getInt());
  document.problem = text_of(row.getColumn(8));
  document.n_chunks = row.getColumn(9).getInt64();
  document.n_tokens = row.getColumn(10).getInt64();
  document.added_unix = row.getColumn(11).getInt64();
  document.problem_kind = static_cast<ReadProblem>(row.getColumn(12).getInt());
  document.offline = row.getColumn(13).getInt() != 0;
  document.inode = row.getColumn(14).getInt64();
  document.ignored = row.getColumn(15).getInt() != 0;
  return document;
}

StoredChunk chunk_of(SQLite::Statement& row) {
  StoredChunk stored;
  stored.id = row.getColumn(0).getInt64();
  stored.document = row.getColumn(1).getInt64();
  stored.ordinal = row.getColumn(2).getInt64();
  stored.chunk.heading = text_of(row.getColumn(3));
  stored.chunk.text = text_of(row.getColumn(4));
  stored.chunk.anchor = {.byte_begin = row.getColumn(5).getInt64(),
                         .byte_end = row.getColumn(6).getInt64(),
                         .line_begin = row.getColumn(7).getInt64(),
                         .line_end = row.getColumn(8).getInt64(),
                         .place = static_cast<PlaceKind>(row.getColumn(13).getInt()),
                         .place_begin = row.getColumn(14).getInt64(),
                         .place_end = row.getColumn(15).getInt64(),
                         .place_label = text_of(row.getColumn(16))};
  stored.chunk.n_tokens = row.getColumn(9).getInt64();
  stored.content = digest_of(row.getColumn(10));
  stored.title = text_of(row.getColumn(11));
  return stored;
}

void check_lengths(std::span<const float> vectors, std::int32_t dim, const std::string& what) {
  constexpr double kTolerance = 0.02;
  const auto n = static_cast<std::size_t>(dim);
  for (std::size_t row = 0; row < vectors.size(); row += n) {
    double sum = 0;
    for (const float value : vectors.subspan(row, n)) {
      sum += static_cast<double>(value) * static_cast<double>(value);
    }
    if (!(std::abs(std::sqrt(sum) - 1.0) < kTolerance)) {
      fail(ErrorCode::kInvalidInput, what + ": a passage's vector does not have length 1");
    }
  }
}

void bind_digest(SQLite::Statement& statement, int index, const Digest& digest) {
  statement.bind(index, digest.bytes.data(), static_cast<int>(digest.bytes.size()));
}

}  // namespace kvlink::retrieval
