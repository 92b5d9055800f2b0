// SPDX-License-Identifier: Apache-2.0
// The schema of library.db, one step per version. A step that has shipped is never edited.
#include <array>

#include "retrieval/database.h"

namespace kvlink::retrieval {
namespace {

// Ids are never used twice (AUTOINCREMENT): the vector file and conversations refer to them.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE documents (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  path TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  media_type TEXT NOT NULL,
  content BLOB NOT NULL,
  file_bytes INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  state INTEGER NOT NULL,
  problem TEXT NOT NULL,
  n_chunks INTEGER NOT NULL,
  n_tokens INTEGER NOT NULL,
  added_unix INTEGER NOT NULL
);

CREATE TABLE chunks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  document_id INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  heading TEXT NOT NULL,
  text TEXT NOT NULL,
  byte_begin INTEGER NOT NULL,
  byte_end INTEGER NOT NULL,
  line_begin INTEGER NOT NULL,
  line_end INTEGER NOT NULL,
  n_tokens INTEGER NOT NULL,
  content BLOB NOT NULL,
  UNIQUE (document_id, ordinal)
);
CREATE INDEX chunks_by_content ON chunks (content);

CREATE VIEW chunk_words AS
  SELECT chunks.id AS id, documents.title AS title, chunks.heading AS heading, chunks.text AS text
  FROM chunks JOIN documents ON documents.id = chunks.document_id;
CREATE VIRTUAL TABLE chunks_fts USING fts5 (
  title, heading, text,
  content = 'chunk_words', content_rowid = 'id',
  tokenize = 'porter unicode61 remove_diacritics 2'
);

CREATE TABLE spaces (
  id INTEGER PRIMARY KEY,
  fingerprint BLOB NOT NULL,
  dim INTEGER NOT NULL,
  UNIQUE (fingerprint, dim)
);
CREATE TABLE vectors (
  chunk_id INTEGER PRIMARY KEY REFERENCES chunks (id) ON DELETE CASCADE,
  space_id INTEGER NOT NULL REFERENCES spaces (id),
  vector BLOB NOT NULL
);

CREATE TABLE conversations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  updated_unix INTEGER NOT NULL
);
CREATE TABLE turns (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation_id INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  question TEXT NOT NULL,
  answer TEXT NOT NULL,
  mode TEXT NOT NULL,
  timeline_json TEXT NOT NULL,
  created_unix INTEGER NOT NULL
);
CREATE INDEX turns_by_conversation ON turns (conversation_id);
CREATE TABLE turn_sources (
  turn_id INTEGER NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  chunk_id INTEGER NOT NULL,
  PRIMARY KEY (turn_id, ordinal)
) WITHOUT ROWID;
)sql";

constexpr const char* kVersion2 = R"sql(
ALTER TABLE chunks ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chunks ADD COLUMN place_begin INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chunks ADD COLUMN place_end INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chunks ADD COLUMN place_label TEXT NOT NULL DEFAULT '';

ALTER TABLE documents ADD COLUMN problem_kind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN offline INTEGER NOT NULL DEFAULT 0;
CREATE INDEX documents_by_content ON documents (content);

CREATE TABLE reader_failures (
  content BLOB PRIMARY KEY,
  n INTEGER NOT NULL,
  problem INTEGER NOT NULL,
  reason TEXT NOT NULL
) WITHOUT ROWID;
)sql";

/// A removed document is out of sight at once, its rows are erased later; a file whose inode and
/// time are as they were is not read again.
constexpr const char* kVersion3 = R"sql(
ALTER TABLE documents ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN inode INTEGER NOT NULL DEFAULT 0;
CREATE INDEX documents_removed ON documents (id) WHERE removed = 1;
-- A merge that was begun is gone on with, however few the other segments of a level are.
INSERT INTO chunks_fts (chunks_fts, rank) VALUES ('usermerge', 2);
)sql";

/// Vectors of another embedder gather in a table of their own until every passage has one. `place`:
/// where the embedder lies, so that it can go on serving.
constexpr const char* kVersion4 = R"sql(
CREATE TABLE next_vectors (
  chunk_id INTEGER PRIMARY KEY REFERENCES chunks (id) ON DELETE CASCADE,
  space_id INTEGER NOT NULL REFERENCES spaces (id),
  vector BLOB NOT NULL
);
ALTER TABLE spaces ADD COLUMN place TEXT NOT NULL DEFAULT '';
)sql";

/// Text recognised in pictures, page by page, by the content of the file, as long as a document has
/// it; or why a page could not be recognised. `recipe`: the languages, or those and what the text
/// is instead.
constexpr const char* kVersion5 = R"sql(
CREATE TABLE recognised_pages (
  content BLOB NOT NULL,
  page INTEGER NOT NULL,
  recipe TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (content, page)
) WITHOUT ROWID;
CREATE TRIGGER forget_pages_of_removed AFTER DELETE ON documents
WHEN NOT EXISTS (SELECT 1 FROM documents WHERE content = OLD.content)
BEGIN
  DELETE FROM recognised_pages WHERE content = OLD.content;
END;
CREATE TRIGGER forget_pages_of_changed AFTER UPDATE OF content ON documents
WHEN NOT EXISTS (SELECT 1 FROM documents WHERE content = OLD.content)
BEGIN
  DELETE FROM recognised_pages WHERE content = OLD.content;
END;
)sql";

/// Problems that the user wants to hear no more of.
constexpr const char* kVersion6 = R"sql(
ALTER TABLE documents ADD COLUMN ignored INTEGER NOT NULL DEFAULT 0;
)sql";

/// What stopped the reader is forgotten with the last document of that content. Failures of single
/// pages, which no document could be found for, are with the texts of pages from here on.
constexpr const char* kVersion7 = R"sql(
DELETE FROM reader_failures WHERE content NOT IN (SELECT content FROM documents);
CREATE TRIGGER forget_failures_of_removed AFTER DELETE ON documents
WHEN NOT EXISTS (SELECT 1 FROM documents WHERE content = OLD.content)
BEGIN
  DELETE FROM reader_failures WHERE content = OLD.content;
END;
CREATE TRIGGER forget_failures_of_changed AFTER UPDATE OF content ON documents
WHEN NOT EXISTS (SELECT 1 FROM documents WHERE content = OLD.content)
BEGIN
  DELETE FROM reader_failures WHERE content = OLD.content;
END;
)sql";

constexpr std::array<Migration, 7> kMigrations = {kVersion1, kVersion2, kVersion3, kVersion4,
                                                  kVersion5, kVersion6, kVersion7};

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

}  // namespace kvlink::retrieval
