// SPDX-License-Identifier: Apache-2.0
// library.db: documents, chunks, full text, vectors, conversations. The edge of retrieval that app
// sees.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/file_system.h"
#include "kernels/base/result.h"
#include "kernels/base/sha256.h"
#include "retrieval/chunker.h"
#include "retrieval/extract/frames.h"

namespace kvlink::retrieval {

using DocumentId = std::int64_t;
using ChunkId = std::int64_t;
using ConversationId = std::int64_t;

/// Persistent in library.db: append only.
enum class DocumentState : std::int32_t { kSearchable = 1, kFailed = 2 };

struct Document {
  DocumentId id = 0;
  std::string path;  ///< absolute
  std::string title;
  std::string media_type;
  Digest content;  ///< SHA-256 of the file's bytes
  std::int64_t file_bytes = 0;
  std::int64_t mtime_ns = 0;
  /// Of the file; 0: unknown. Size, time and inode as they were: the content is taken to be, too.
  std::int64_t inode = 0;
  DocumentState state = DocumentState::kSearchable;
  std::string problem;  ///< why it failed, or what was repaired; may be empty
  ReadProblem problem_kind = ReadProblem::kNone;  ///< of one that failed
  bool offline = false;  ///< its drive or folder is not there now; it stays searchable
  bool ignored = false;  ///< the user wants to hear no more of its problem, while its content stays
  std::int64_t n_chunks = 0;
  std::int64_t n_tokens = 0;
  std::int64_t added_unix = 0;  ///< for display only
};

struct StoredChunk {
  ChunkId id = 0;
  DocumentId document = 0;
  std::int64_t ordinal = 0;  ///< 0-based place in the document
  Chunk chunk;
  std::string title;  ///< of the document
  Digest content;     ///< SHA-256 of prompt_text: what its KV was made from
  std::string prompt() const { return prompt_text(title, chunk.heading, chunk.text); }
};

/// What the file system says of a document's file, as it was when its content was read.
struct FileStamp {
  DocumentId id = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t inode = 0;
};

/// Which embedder made vectors: another one means they are made again.
struct EmbeddingSpace {
  Digest fingerprint;
  std::int32_t dim = 0;
  std::string place = {};  ///< where the embedder lies; does not tell spaces apart
};

struct NewDocument {
  Document document;  ///< id, n_chunks and n_tokens are ignored
  std::vector<Chunk> chunks;
  /// [chunks.size(), dim], L2-normalised. Empty: found by words only until committed again.
  std::vector<float> vectors;
};

/// How the two rankings become one. Defaults as measured by `kvlink eval retrieval`.
struct SearchOptions {
  /// Passages that each ranking puts forward.
  std::int64_t n_candidates = 50;
  /// Share of the vectors in the fused score, 0–1; the words have the rest.
  double dense_weight = 0.63;
  /// A passage that shares no content word with the question needs this cosine to count.
  double min_cosine = 0.30;
  /// A passage that does share one is dropped below this cosine: "world" alone is no evidence.
  double min_lexical_cosine = 0.20;
  /// Rows whose bm25 is computed; the commonest words of a question are left out beyond it.
  std::int64_t max_scored_rows = 20'000;
  /// bm25 weights of title and heading; the text has 1.
  double title_weight = 4.0;
  double heading_weight = 1.5;
};

struct LibraryOptions {
  SearchOptions search;
  /// See VectorIndexOptions: rows up to which all vectors are scanned, and that may wait.
  std::int64_t graph_from_rows = 50'000;
  std::int64_t max_waiting_rows = 4'000;
  /// Chunks up to which words of replaced text leave the files when the library closes; in a larger
  /// one, whose full text takes long to write anew, with the next removal.
  std::int64_t max_closing_chunks = 100'000;
};

struct SearchRequest {
  std::string text;               ///< the user's words, with the filters of query_filter.h
  std::span<const float> vector;  ///< [dim]; empty: lexical only
  std::int64_t limit = 5;
  std::vector<DocumentId> documents;  ///< restrict to these; empty: all
  bool nearest = false;               ///< also passages too far to count: whatever comes nearest
};

struct SearchHit {
  StoredChunk chunk;
  std::string path;
  double score = 0;               ///< fused, larger is better
  double cosine = 0;              ///< 0 when not found by vector
  std::int32_t lexical_rank = 0;  ///< 1-based; 0: not found by words
  std::int32_t dense_rank = 0;    ///< 1-based; 0: not found by vector
};

/// Whose passage it is, without its text: for counting what is cached.
struct ChunkContent {
  DocumentId document = 0;
  std::int64_t ordinal = 0;
  Digest content;
};

struct Turn {
  std::string question;
  std::string answer;
  std::string mode;  ///< link mode that served it
  std::string timeline_json;
  std::vector<ChunkId> sources;
  std::int64_t created_unix = 0;
};

struct Conversation {
  ConversationId id = 0;
  std::string name;
  std::int64_t updated_unix = 0;
  std::vector<Turn> turns;  ///< empty in lists
};

/// How often a content stopped the reader of documents, and how the last time.
struct ReaderFailure {
  std::int64_t n = 0;
  ReadProblem problem = ReadProblem::kNone;
  std::string reason;
};

/// Thread-safe; one writer at a time inside. Directory 0700, file 0600.
class Library {
 public:
  /// Opens or creates `folder`/library.db. An older schema is migrated after a backup
  /// (library.db.backup-<version>); a newer one is kUnsupported with the reason; a damaged one is
  /// kCorrupt and left alone: the message says how to set it aside. One process at a time. `files`
  /// serves the vector file and must outlive the library; SQLite does its own input and output.
  static Result<std::unique_ptr<Library>> open(const std::filesystem::path& folder,
                                               EmbeddingSpace space,
                                               FileSystem& files = FileSystem::posix(),
                                               LibraryOptions options = {});
  virtual ~Library() = default;

  /// Adds or replaces (same path, same id) in one transaction: text, chunks, full text, vectors.
  /// Returns the id and the contents of replaced chunks that no chunk has any more. kInvalidInput:
  /// vectors of a wrong number, not finite or not of length 1; an empty path.
  struct Committed {
    DocumentId id = 0;
    std::vector<Digest> orphaned;
  };
  virtual Result<Committed> commit(const NewDocument& document) = 0;
  /// Takes documents out at once: no list, search or passage shows them from here on, and their
  /// paths are free. Conversations that quote them stay. kNotFound when one is not there: then all
  /// stay. What they leave in the files goes with erase_removed.
  virtual Result<void> remove(std::span<const DocumentId> ids) = 0;

  struct Erasure {
    std::vector<Digest> orphaned;  ///< contents that no chunk has any more
    bool done = false;             ///< no file holds text or a vector of a removed document
  };
  /// The next step of erasing what was removed, a short one: to be called until it is done. What a
  /// killed process left is gone on with.
  virtual Result<Erasure> erase_removed() = 0;

  /// The same document under another name: nothing is read or embedded again. A failed record at
  /// `path` makes room; kInvalidInput when another document is there. kNotFound.
  virtual Result<void> relocate(const FileStamp& file, const std::string& path) = 0;
  /// The files were found to hold what they held before.
  virtual Result<void> stamp(std::span<const FileStamp> files) = 0;
  /// Whether the files of these documents are out of reach now, as on a drive that was taken away.
  virtual Result<void> set_offline(std::span<const DocumentId> ids, bool offline) = 0;
  /// Whether the user wants to hear of the problems of these documents. Ids that are not there are
  /// left out.
  virtual Result<void> set_ignored(std::span<const DocumentId> ids, bool ignored) = 0;

  virtual Result<std::vector<Document>> documents() = 0;
  /// Those with this content, in id order.
  virtual Result<std::vector<Document>> find_content(const Digest& content) = 0;
  virtual Result<std::optional<Document>> find_path(const std::string& path) = 0;
  virtual Result<std::vector<StoredChunk>> chunks(DocumentId id) = 0;
  virtual Result<std::optional<StoredChunk>> chunk(ChunkId id) = 0;
  /// The last passage of a document: its anchor says how far the document goes. Nothing for one
  /// without passages.
  virtual Result<std::optional<StoredChunk>> last_chunk(DocumentId id) = 0;
  /// Vectors of a document's passages in the embedding space in use, by the passages' content.
  virtual Result<std::map<Digest, std::vector<float>>> vectors(DocumentId id) = 0;
  virtual std::int64_t n_chunks() = 0;
  /// Every chunk of every document, by document and ordinal.
  virtual Result<std::vector<ChunkContent>> chunk_contents() = 0;

  /// FTS5 (bm25) and vectors, fused; passages of equal content once. Empty when nothing is
  /// relevant: a passage counts that shares a content word or is near by vector. kInvalidInput: an
  /// empty query, a vector of another dimension, a limit below 1.
  virtual Result<std::vector<SearchHit>> search(const SearchRequest& request) = 0;
  /// How often this content stopped the reader; n is 0 when never.
  virtual Result<ReaderFailure> reader_failure(const Digest& content) = 0;
  /// One more failure; the number so far.
  virtual Result<std::int64_t> note_reader_failure(const Digest& content, ReadProblem problem,
                                                   const std::string& reason) = 0;
  virtual Result<void> forget_reader_failure(const Digest& content) = 0;

  /// What was recognised by `recipe` in the pictures of a content, by page. Goes when no document
  /// has the content any more.
  virtual Result<std::map<std::int32_t, std::string>> recognised_pages(
      const Digest& content, const std::string& recipe) = 0;
  /// Replaces what another recipe recognised there. kNotFound: no document has this content.
  virtual Result<void> note_recognised_page(const Digest& content, std::int32_t page,
                                            const std::string& recipe, const std::string& text) = 0;

  // Another embedder. `open` names the one that is wanted. Vectors of the one before go on being
  // searched until every passage has its new vector; commits and questions bring vectors of
  // serving_space() as long.

  /// Whose vectors are searched.
  virtual EmbeddingSpace serving_space() = 0;
  /// Documents with a chunk that has no vector of the wanted embedder.
  virtual Result<std::vector<DocumentId>> stale_vectors() = 0;
  virtual Result<std::int64_t> n_chunks_to_embed() = 0;
  /// Chunks without a vector of the wanted embedder, at most `limit` with ids above `after`.
  virtual Result<std::vector<StoredChunk>> chunks_to_embed(ChunkId after, std::int64_t limit) = 0;
  /// Keeps vectors [ids.size(), dim] of the wanted embedder. Chunks that are gone, or have one, are
  /// left out. kInvalidInput as for commit.
  virtual Result<void> add_vectors(std::span<const ChunkId> ids,
                                   std::span<const float> vectors) = 0;
  /// kAllowed: the embedder before is not to be had, and words find what has no vector.
  enum class Gaps : std::uint8_t { kNone, kAllowed };
  /// The wanted embedder's vectors are searched from here on, the others are erased. False when
  /// there are gaps.
  virtual Result<bool> switch_vectors(Gaps gaps = Gaps::kNone) = 0;

  virtual Result<ConversationId> new_conversation(const std::string& name) = 0;
  virtual Result<void> append_turn(ConversationId id, const Turn& turn) = 0;
  virtual Result<std::vector<Conversation>> conversations() = 0;
  /// Those whose name, a question or an answer contains the words (ASCII letters in any case).
  virtual Result<std::vector<Conversation>> find_conversations(const std::string& words) = 0;
  virtual Result<Conversation> conversation(ConversationId id) = 0;
  /// kNotFound.
  virtual Result<void> rename_conversation(ConversationId id, const std::string& name) = 0;
  virtual Result<void> remove_conversation(ConversationId id) = 0;
};

}  // namespace kvlink::retrieval
