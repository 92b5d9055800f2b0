// SPDX-License-Identifier: Apache-2.0
#include "app/document_indexer.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <utility>
#include <vector>

#include "retrieval/chunker.h"

namespace kvlink::app {
namespace {

using retrieval::ReadProblem;

constexpr std::size_t kEmbedBatch = 8;  // small, so that a question need not wait long

retrieval::NewDocument record_of(const ScannedFile& file, const FileText& text) {
  retrieval::NewDocument made;
  made.document.path = file.path.string();
  made.document.title = file.path.stem().string();
  made.document.content = text.content;
  made.document.file_bytes = text.file_bytes;
  made.document.mtime_ns = text.mtime_ns;
  made.document.inode = text.inode;
  made.document.added_unix = static_cast<std::int64_t>(std::time(nullptr));
  return made;
}

std::string joined(const std::vector<std::string>& notices) {
  std::string text;
  for (const auto& notice : notices) text += (text.empty() ? "" : "; ") + notice;
  return text;
}

ErrorCode code_of(ReadProblem problem) {
  switch (problem) {
    case ReadProblem::kNoText:
      return ErrorCode::kInvalidInput;
    case ReadProblem::kDamaged:
    case ReadProblem::kCrashed:
    case ReadProblem::kSetAside:
      return ErrorCode::kCorrupt;
    case ReadProblem::kTooLarge:
    case ReadProblem::kTooSlow:
      return ErrorCode::kOutOfMemory;
    default:
      return ErrorCode::kUnsupported;
  }
}

}  // namespace

Result<DocumentIndexer::Indexed> DocumentIndexer::index(const ScannedFile& file,
                                                        const FileText& text,
                                                        std::stop_token stop) {
  return returning([&] { return index_or_throw(file, text, std::move(stop)); });
}

DocumentIndexer::Indexed DocumentIndexer::index_or_throw(const ScannedFile& file,
                                                         const FileText& text,
                                                         std::stop_token stop) {
  if (text.unchanged) {
    if (text.known->state == retrieval::DocumentState::kFailed) {
      if (text.known->ignored) return {text.known->id, Outcome::kIgnored, ""};
      fail(code_of(text.known->problem_kind), text.known->problem);
    }
    if (text.known->offline) {
      value_or_throw(session_.library().set_offline(std::span(&text.known->id, 1), false));
    }
    return {text.known->id, Outcome::kUnchanged, text.known->problem};
  }
  if (text.moved_from) {
    value_or_throw(session_.library().relocate({text.moved_from->id, text.mtime_ns, text.inode},
                                               file.path.string()));
    return {text.moved_from->id, Outcome::kUpdated, ""};
  }
  auto made = record_of(file, text);
  if (text.report.problem == ReadProblem::kNone) {
    made = make_document(file, text, stop);
    if (made.chunks.empty()) {
      made.document.problem_kind = ReadProblem::kNoText;
      made.document.problem = "there is no text in it";
    }
  } else {
    made.document.problem_kind = text.report.problem;
    made.document.problem = text.report.reason;
  }
  if (made.document.problem_kind != ReadProblem::kNone) {
    if (const auto ignored = commit_problem(made, text.known, stop)) return *ignored;
    fail(code_of(made.document.problem_kind), made.document.problem);
  }
  // Searchable by what was read; what is in pictures is read later, or never.
  if (const auto n = std::ssize(text.report.document.pages_without_text); n > 0) {
    made.document.problem_kind = ReadProblem::kNeedsOcr;
    if (!text.recognised) {
      made.document.problem += (made.document.problem.empty() ? "" : "; ") + std::to_string(n) +
                               (n == 1 ? " page has" : " pages have") +
                               " no text (pictures need OCR)";
    }
  } else if (!text.pages_set_aside.empty()) {
    made.document.problem_kind = ReadProblem::kSetAside;
  }
  const auto held = session_.hold_embedder();
  embed_chunks(made, text.known ? text.known->id : 0, stop);
  const auto id = commit(made, stop);
  return {id, text.known ? Outcome::kUpdated : Outcome::kAdded, made.document.problem};
}

/// Nothing when the user is to hear of it.
std::optional<DocumentIndexer::Indexed> DocumentIndexer::commit_problem(
    retrieval::NewDocument& made, const std::optional<retrieval::Document>& known,
    const std::stop_token& stop) {
  made.document.state = retrieval::DocumentState::kFailed;
  const auto id = commit(made, stop);
  const bool ignored = known && known->ignored && known->content == made.document.content;
  if (!ignored) return std::nullopt;
  return Indexed{id, Outcome::kIgnored, ""};
}

Result<DocumentIndexer::Indexed> DocumentIndexer::note_unreadable(const ScannedFile& file,
                                                                  const Error& error,
                                                                  const std::stop_token& stop) {
  return returning([&]() -> Indexed {
    const bool stays = error.code == ErrorCode::kIo || error.code == ErrorCode::kUnsupported;
    const auto known = value_or_throw(session_.library().find_path(file.path.string()));
    const bool was_read = known && known->state == retrieval::DocumentState::kSearchable;
    // What was found out when it could be opened says more than that it cannot be now.
    const bool has_reason =
        known && error.code == ErrorCode::kIo && known->problem_kind != ReadProblem::kUnreadable;
    if (has_reason && known->ignored) return {known->id, Outcome::kIgnored, ""};
    if (!stays || was_read || has_reason) throw Exception(error);
    auto made = record_of(file, {});
    made.document.file_bytes = file.bytes;
    made.document.problem_kind = ReadProblem::kUnreadable;
    made.document.problem = error.message;
    if (const auto ignored = commit_problem(made, known, stop)) return *ignored;
    throw Exception(error);
  });
}

retrieval::NewDocument DocumentIndexer::make_document(const ScannedFile& file, const FileText& text,
                                                      std::stop_token stop) {
  auto made = record_of(file, text);
  const auto& parsed = text.report.document;
  made.document.title = parsed.title;
  made.document.media_type = parsed.media_type;
  made.document.problem = joined(parsed.notices);
  const auto& tokenizer = session_.engine().tokenizer();
  const auto count = [&](std::string_view words) {
    session_.engine().wait_for_questions(stop);
    return static_cast<std::int64_t>(tokenizer.encode(words).size());
  };
  const auto& settings = session_.settings();
  made.chunks = retrieval::chunk_text(
      parsed.title, parsed.blocks, count,
      {.target_tokens = settings.chunk_target_tokens, .max_tokens = settings.chunk_max_tokens});
  made.document.n_chunks = static_cast<std::int64_t>(made.chunks.size());
  for (const auto& chunk : made.chunks) made.document.n_tokens += chunk.n_tokens;
  return made;
}

/// Passages that the document had before are not embedded again.
void DocumentIndexer::embed_chunks(retrieval::NewDocument& document, retrieval::DocumentId known,
                                   std::stop_token stop) {
  std::map<Digest, std::vector<float>> vectors;
  if (known != 0) vectors = value_or_throw(session_.library().vectors(known));
  std::vector<Digest> contents;
  std::vector<std::string> batch;
  std::vector<Digest> batch_contents;
  const auto embed_batch = [&] {
    if (batch.empty()) return;
    if (stop.stop_requested()) fail(ErrorCode::kCancelled, "stopped");
    const auto begin = std::chrono::steady_clock::now();
    const auto made = value_or_throw(session_.embed(batch, inference::Priority::kIngestion, stop));
    embed_seconds_ +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const std::size_t dim = made.size() / batch.size();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto begin = made.begin() + static_cast<std::ptrdiff_t>(i * dim);
      vectors[batch_contents[i]] = {begin, begin + static_cast<std::ptrdiff_t>(dim)};
    }
    n_embedded_ += static_cast<std::int64_t>(batch.size());
    batch.clear();
    batch_contents.clear();
  };
  for (const auto& chunk : document.chunks) {
    auto text = retrieval::prompt_text(document.document.title, chunk.heading, chunk.text);
    contents.push_back(sha256(text));
    if (!vectors.try_emplace(contents.back()).second) continue;  // known, or in this batch
    batch.push_back(std::move(text));
    batch_contents.push_back(contents.back());
    if (batch.size() == kEmbedBatch) embed_batch();
  }
  embed_batch();
  for (const auto& content : contents) {
    const auto& vector = vectors.at(content);
    document.vectors.insert(document.vectors.end(), vector.begin(), vector.end());
  }
}

retrieval::DocumentId DocumentIndexer::commit(const retrieval::NewDocument& document,
                                              const std::stop_token& stop) {
  session_.engine().wait_for_questions(stop);
  const auto committed = value_or_throw(session_.library().commit(document));
  value_or_throw(session_.store().erase_contents(committed.orphaned));
  return committed.id;
}

}  // namespace kvlink::app
