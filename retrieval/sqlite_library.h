// SPDX-License-Identifier: Apache-2.0
// The Library over SQLite and VectorIndex. Internal to retrieval.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "retrieval/database.h"
#include "retrieval/fusion.h"
#include "retrieval/library.h"
#include "retrieval/query_filter.h"
#include "retrieval/vector_file.h"
#include "retrieval/vector_index.h"

namespace kvlink::retrieval {

/// Locks are taken in this order: writer, reader, index. Searches take reader and index (shared)
/// one after the other, so that they run beside a commit.
class SqliteLibrary final : public Library {
 public:
  SqliteLibrary(const std::filesystem::path& folder, EmbeddingSpace space, FileSystem& files,
                LibraryOptions options);
  ~SqliteLibrary() override;

  Result<Committed> commit(const NewDocument& document) override;
  Result<void> remove(std::span<const DocumentId> ids) override;
  Result<Erasure> erase_removed() override;
  Result<void> relocate(const FileStamp& file, const std::string& path) override;
  Result<void> stamp(std::span<const FileStamp> files) override;
  Result<void> set_offline(std::span<const DocumentId> ids, bool offline) override;
  Result<void> set_ignored(std::span<const DocumentId> ids, bool ignored) override;
  Result<std::vector<Document>> documents() override;
  Result<std::vector<Document>> find_content(const Digest& content) override;
  Result<std::optional<Document>> find_path(const std::string& path) override;
  Result<std::vector<StoredChunk>> chunks(DocumentId id) override;
  Result<std::optional<StoredChunk>> chunk(ChunkId id) override;
  Result<std::optional<StoredChunk>> last_chunk(DocumentId id) override;
  Result<std::map<Digest, std::vector<float>>> vectors(DocumentId id) override;
  std::int64_t n_chunks() override;
  Result<std::vector<ChunkContent>> chunk_contents() override;
  Result<std::vector<SearchHit>> search(const SearchRequest& request) override;
  Result<ReaderFailure> reader_failure(const Digest& content) override;
  Result<std::int64_t> note_reader_failure(const Digest& content, ReadProblem problem,
                                           const std::string& reason) override;
  Result<void> forget_reader_failure(const Digest& content) override;
  Result<std::map<std::int32_t, std::string>> recognised_pages(const Digest& content,
                                                               const std::string& recipe) override;
  Result<void> note_recognised_page(const Digest& content, std::int32_t page,
                                    const std::string& recipe, const std::string& text) override;
  EmbeddingSpace serving_space() override;
  Result<std::vector<DocumentId>> stale_vectors() override;
  Result<std::int64_t> n_chunks_to_embed() override;
  Result<std::vector<StoredChunk>> chunks_to_embed(ChunkId after, std::int64_t limit) override;
  Result<void> add_vectors(std::span<const ChunkId> ids, std::span<const float> vectors) override;
  Result<bool> switch_vectors(Gaps gaps) override;

  Result<ConversationId> new_conversation(const std::string& name) override;
  Result<void> append_turn(ConversationId id, const Turn& turn) override;
  Result<std::vector<Conversation>> conversations() override;
  Result<std::vector<Conversation>> find_conversations(const std::string& words) override;
  Result<Conversation> conversation(ConversationId id) override;
  Result<void> rename_conversation(ConversationId id, const std::string& name) override;
  Result<void> remove_conversation(ConversationId id) override;

 private:
  Result<void> mark(const char* column, std::span<const DocumentId> ids, bool value);

  /// Runs `body(db)` on the reading or writing connection, errors as Result.
  template <typename F>
  auto reading(F&& body) {
    return returning([&] {
      const std::lock_guard lock(reader_->mutex);
      return calling_sqlite(path_, [&] { return body(reader_->db); });
    });
  }
  template <typename F>
  auto writing(F&& body) {
    return returning([&] {
      const std::lock_guard lock(writer_->mutex);
      return calling_sqlite(path_, [&] { return body(writer_->db); });
    });
  }

  // vectors (library_vectors.cpp)
  void load_index();
  void add_missing_rows(SQLite::Database& db);
  static std::vector<ChunkId> stored_vectors(SQLite::Database& db, const char* table,
                                             std::int64_t space_id);
  static void add_rows(SQLite::Database& db, const char* table, const std::vector<ChunkId>& ids,
                       VectorIndex& index);
  VectorIndexOptions index_options() const {
    return {options_.graph_from_rows, options_.max_waiting_rows};
  }
  void write_index();
  void save_index();
  void save_index_if_due();
  void change_index(std::span<const ChunkId> removed, std::span<const ChunkId> added,
                    std::span<const float> vectors);
  void absorb_in_background(const std::stop_token& stop);
  void round_in_background(const std::stop_token& stop);
  void rebuild_in_background(const std::stop_token& stop);

  // another embedder (library_reindexing.cpp)
  void choose_space(SQLite::Database& db);
  std::string lacks_vector() const;
  void replace_vectors(SQLite::Database& db);

  // writing (library_writing.cpp)
  Committed commit_rows(SQLite::Database& db, const NewDocument& document);

  // removing (library_removal.cpp)
  Erasure erase_step(SQLite::Database& db);
  void erase_some(SQLite::Database& db, std::vector<Digest>& orphaned);
  bool merge_some_words(SQLite::Database& db);
  void erase_vectors(SQLite::Database& db);
  void empty_log(SQLite::Database& db);
  void close_files();

  // searching (library_search.cpp)
  std::vector<DocumentId> passing_documents(const ParsedQuery& asked,
                                            const std::vector<DocumentId>& documents);
  std::vector<SearchHit> search_parsed(const SearchRequest& request, const ParsedQuery& asked);
  void rank_by_words(const SearchRequest& request, const std::vector<std::string>& words,
                     const ParsedQuery& asked, std::vector<Candidate>& out);
  void keep_passing(const ParsedQuery& asked, std::vector<Candidate>& candidates);
  void rank_by_vector(const SearchRequest& request, std::vector<Candidate>& out);
  std::vector<SearchHit> load_hits(const std::vector<Candidate>& ranked, std::int64_t limit);

  std::filesystem::path path_;  // of library.db
  std::filesystem::path vector_path_;
  const EmbeddingSpace wanted_;
  EmbeddingSpace space_;  // that serves; changes under all three locks
  FileSystem& files_;
  LibraryOptions options_;
  std::unique_ptr<Connection> writer_;
  std::unique_ptr<Connection> reader_;
  std::int64_t wanted_id_ = 0;
  std::int64_t space_id_ = 0;                // as space_
  std::atomic<std::int64_t> n_removed_ = 0;  // documents whose rows are still to be erased

  std::set<std::string> common_words_;  // of more rows than are scored; guarded by reader_->mutex

  std::shared_mutex index_mutex_;
  VectorIndex index_;           // guarded by index_mutex_
  std::int64_t merging_ = 0;    // what kWordsDue was when the merge began; 0: none under way
  std::int64_t n_changes_ = 0;  // since the vector file was written; guarded by writer_->mutex
  std::condition_variable_any absorb_wanted_;
  std::jthread absorber_;  // last: it uses everything above
};

}  // namespace kvlink::retrieval
