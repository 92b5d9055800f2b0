// SPDX-License-Identifier: Apache-2.0
// Rows of library.db as values.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/database.h"
#include "retrieval/library.h"

namespace kvlink::retrieval {

inline constexpr std::string_view kDocumentColumns =
    "id, path, title, media_type, content, file_bytes, mtime_ns, state, problem, n_chunks, "
    "n_tokens, added_unix, problem_kind, offline, inode, ignored";
inline constexpr std::string_view kSelectChunk =
    "SELECT c.id, c.document_id, c.ordinal, c.heading, c.text, c.byte_begin, c.byte_end, "
    "c.line_begin, c.line_end, c.n_tokens, c.content, d.title, d.path, c.place, c.place_begin, "
    "c.place_end, "
    "c.place_label "
    "FROM chunks c JOIN documents d ON d.id = c.document_id AND d.removed = 0 ";

/// Text exactly as stored, NUL characters included.
std::string text_of(const SQLite::Column& column);
/// kCorrupt when the blob has another size.
Digest digest_of(const SQLite::Column& column);

/// "[1,2,3]": SQLite unpacks it with json_each, so that any number of ids fits one parameter.
std::string json_array(std::span<const DocumentId> ids);

/// Every row of a result, each by `value`.
template <typename T>
std::vector<T> all_rows(SQLite::Statement& statement, T (*value)(SQLite::Statement&)) {
  std::vector<T> out;
  while (statement.executeStep()) out.push_back(value(statement));
  return out;
}
std::int64_t id_of(SQLite::Statement& row);  ///< its first column

Document document_of(SQLite::Statement& row);  ///< of kDocumentColumns
StoredChunk chunk_of(SQLite::Statement& row);  ///< of kSelectChunk
/// kInvalidInput naming `what` unless every row of `dim` numbers has length 1.
void check_lengths(std::span<const float> vectors, std::int32_t dim, const std::string& what);
void bind_digest(SQLite::Statement& statement, int index, const Digest& digest);

}  // namespace kvlink::retrieval
