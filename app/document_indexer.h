// SPDX-License-Identifier: Apache-2.0
// One file becomes a searchable document.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "app/file_scan.h"
#include "app/file_text.h"
#include "app/session.h"

namespace kvlink::app {

/// Cuts, embeds and commits what a FileTextReader has read. Needs Parts::kAnswer (the generator's
/// tokenizer counts tokens). One thread.
class DocumentIndexer {
 public:
  /// kIgnored: it has the problem that the user wants to hear no more of.
  enum class Outcome : std::uint8_t { kAdded, kUpdated, kUnchanged, kIgnored };
  struct Indexed {
    retrieval::DocumentId id = 0;
    Outcome outcome = Outcome::kAdded;
    std::string notice;  ///< what was repaired; may be empty
  };

  /// kAll: files whose content is known are cut and embedded again, as the settings now say.
  enum class Rereading : std::uint8_t { kChanged, kAll };

  explicit DocumentIndexer(Session& session) : session_(session) {}

  /// Commits the file as it was read; passages that an earlier version has too keep their vectors
  /// and blocks, the rest of it goes. A document that cannot be read replaces its earlier version
  /// by a failed record, and the error is returned.
  Result<Indexed> index(const ScannedFile& file, const FileText& text, std::stop_token stop);

  /// Records a file that could not be opened, so that it is among the problems until it can be;
  /// what was read of it before stays, and so does the reason why it was not. Returns the error,
  /// unless it is ignored.
  Result<Indexed> note_unreadable(const ScannedFile& file, const Error& error,
                                  const std::stop_token& stop);

  std::int64_t n_embedded() const { return n_embedded_; }  ///< passages so far
  double embed_seconds() const { return embed_seconds_; }

 private:
  std::optional<Indexed> commit_problem(retrieval::NewDocument& made,
                                        const std::optional<retrieval::Document>& known,
                                        const std::stop_token& stop);
  Indexed index_or_throw(const ScannedFile& file, const FileText& text, std::stop_token stop);
  retrieval::NewDocument make_document(const ScannedFile& file, const FileText& text,
                                       std::stop_token stop);
  void embed_chunks(retrieval::NewDocument& document, retrieval::DocumentId known,
                    std::stop_token stop);
  retrieval::DocumentId commit(const retrieval::NewDocument& document, const std::stop_token& stop);

  Session& session_;
  std::int64_t n_embedded_ = 0;
  double embed_seconds_ = 0;
};

}  // namespace kvlink::app
