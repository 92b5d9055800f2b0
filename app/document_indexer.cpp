// SPDX-License-Identifier: Apache-2.0
#include "app/document_indexer.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "app/words.h"
#include "retrieval/chunker.h"
#include "retrieval/text_blocks.h"

namespace kvlink::app {
namespace {

constexpr std::size_t kEmbedBatch = 8;  // small, so that a question need not wait long

retrieval::NewDocument record_of(const ScannedFile& file, const FileBytes& read,
                                 const Digest& content) {
  retrieval::NewDocument made;
  made.document.path = file.path.string();
  made.document.title = file.path.stem().string();
  made.document.content = content;
  made.document.file_bytes = static_cast<std::int64_t>(read.bytes.size());
  made.document.mtime_ns = read.mtime_ns;
  made.document.added_unix = static_cast<std::int64_t>(std::time(nullptr));
  return made;
}

std::string joined(const std::vector<std::string>& notices) {
  std::string text;
  for (const auto& notice : notices) text += (text.empty() ? "" : "; ") + notice;
  return text;
}

bool is_about_content(ErrorCode code) {
  return code == ErrorCode::kUnsupported || code == ErrorCode::kInvalidInput ||
         code == ErrorCode::kCorrupt;
}

}  // namespace

DocumentIndexer::DocumentIndexer(Session& session, Rereading rereading)
    : session_(session), rereading_(rereading) {
  const auto stale = value_or_throw(session_.library().stale_vectors());
  stale_.insert(stale.begin(), stale.end());
}

Result<DocumentIndexer::Indexed> DocumentIndexer::index(const ScannedFile& file,
                                                        std::stop_token stop) {
  return returning([&] { return index_or_throw(file, std::move(stop)); });
}

DocumentIndexer::Indexed DocumentIndexer::index_or_throw(const ScannedFile& file,
                                                         std::stop_token stop) {
  const std::int64_t limit = session_.settings().max_document_bytes;
  const FileBytes read = read_file(file.path, limit);
  if (read.too_large) {
    fail(ErrorCode::kUnsupported, "larger than " + bytes_in_words(limit) + " (" +
                                      bytes_in_words(read.file_bytes) +
                                      "); split it or raise max_document_bytes in settings.json");
  }
  const Digest content = sha256(read.bytes);
  const auto known = value_or_throw(session_.library().find_path(file.path.string()));
  const bool same = known && known->content == content && !stale_.contains(known->id);
  const bool may_keep = rereading_ == Rereading::kChanged;
  if (may_keep && same && known->state == retrieval::DocumentState::kSearchable) {
    return {known->id, Outcome::kUnchanged, known->problem};
  }
  retrieval::NewDocument made;
  try {
    made = make_document(file, read, content, stop);
  } catch (const Exception& e) {
    if (!is_about_content(e.error().code)) throw;
    made = record_of(file, read, content);
    made.document.state = retrieval::DocumentState::kFailed;
    made.document.problem = e.error().message;
    if (!same) commit(made);
    throw;
  }
  const auto id = commit(made);
  stale_.erase(id);
  return {id, known ? Outcome::kUpdated : Outcome::kAdded, made.document.problem};
}

retrieval::NewDocument DocumentIndexer::make_document(const ScannedFile& file,
                                                      const FileBytes& read, const Digest& content,
                                                      std::stop_token stop) {
  auto made = record_of(file, read, content);
  const auto parsed = retrieval::parse_document(file.path.filename().string(), read.bytes);
  made.document.title = parsed.title;
  made.document.media_type = parsed.media_type;
  made.document.problem = joined(parsed.notices);
  const auto& tokenizer = session_.engine().tokenizer();
  const auto count = [&](std::string_view text) {
    if (stop.stop_requested()) fail(ErrorCode::kCancelled, "stopped");
    return static_cast<std::int64_t>(tokenizer.encode(text).size());
  };
  const auto& settings = session_.settings();
  made.chunks = retrieval::chunk_text(
      parsed.title, parsed.blocks, count,
      {.target_tokens = settings.chunk_target_tokens, .max_tokens = settings.chunk_max_tokens});
  if (made.chunks.empty()) fail(ErrorCode::kInvalidInput, "there is no text in it");
  made.document.n_chunks = static_cast<std::int64_t>(made.chunks.size());
  for (const auto& chunk : made.chunks) made.document.n_tokens += chunk.n_tokens;
  made.vectors = embed_chunks(made, stop);
  return made;
}

std::vector<float> DocumentIndexer::embed_chunks(const retrieval::NewDocument& document,
                                                 std::stop_token stop) {
  std::vector<float> vectors;
  std::vector<std::string> batch;
  for (std::size_t i = 0; i < document.chunks.size(); ++i) {
    const auto& chunk = document.chunks[i];
    batch.push_back(retrieval::prompt_text(document.document.title, chunk.heading, chunk.text));
    if (batch.size() < kEmbedBatch && i + 1 < document.chunks.size()) continue;
    if (stop.stop_requested()) fail(ErrorCode::kCancelled, "stopped");
    const auto made = value_or_throw(session_.embed(batch, inference::Priority::kIngestion));
    vectors.insert(vectors.end(), made.begin(), made.end());
    batch.clear();
  }
  return vectors;
}

retrieval::DocumentId DocumentIndexer::commit(const retrieval::NewDocument& document) {
  const auto committed = value_or_throw(session_.library().commit(document));
  for (const auto& content : committed.orphaned) {
    value_or_throw(session_.store().erase_content(content));
  }
  return committed.id;
}

}  // namespace kvlink::app
