// SPDX-License-Identifier: Apache-2.0
// One file becomes a searchable document.
#pragma once

#include <cstdint>
#include <set>
#include <stop_token>
#include <vector>

#include "app/file_bytes.h"
#include "app/file_scan.h"
#include "app/session.h"

namespace kvlink::app {

/// Reads, hashes, parses, cuts, embeds and commits. Needs Parts::kAnswer (the generator's
/// tokenizer counts tokens). One thread.
class DocumentIndexer {
 public:
  enum class Outcome : std::uint8_t { kAdded, kUpdated, kUnchanged };
  struct Indexed {
    retrieval::DocumentId id = 0;
    Outcome outcome = Outcome::kAdded;
    std::string notice;  ///< what was repaired; may be empty
  };

  /// kAll: files whose content is known are cut and embedded again, as the settings now say.
  enum class Rereading : std::uint8_t { kChanged, kAll };

  /// Throws when the library cannot be read.
  explicit DocumentIndexer(Session& session, Rereading rereading = Rereading::kChanged);

  /// Commits the file as it is now; the text of an earlier version goes, with its blocks. A file
  /// whose content cannot be used replaces its earlier version by a failed record, and the error is
  /// returned; one that cannot be read leaves everything as it was.
  Result<Indexed> index(const ScannedFile& file, std::stop_token stop);

 private:
  Indexed index_or_throw(const ScannedFile& file, std::stop_token stop);
  retrieval::NewDocument make_document(const ScannedFile& file, const FileBytes& read,
                                       const Digest& content, std::stop_token stop);
  std::vector<float> embed_chunks(const retrieval::NewDocument& document, std::stop_token stop);
  retrieval::DocumentId commit(const retrieval::NewDocument& document);

  Session& session_;
  Rereading rereading_;
  std::set<retrieval::DocumentId> stale_;  ///< embedded by another embedder
};

}  // namespace kvlink::app
