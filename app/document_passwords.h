// SPDX-License-Identifier: Apache-2.0
// Passwords of documents that the user opened in this session.
#pragma once

#include <map>
#include <mutex>
#include <string>

namespace kvlink::app {

/// By path, in memory only: no file and no log ever has them. Needed again when a page is drawn and
/// when the file has changed. Thread-safe.
class DocumentPasswords {
 public:
  DocumentPasswords() = default;
  /// Overwrites what this object holds; copies in use are their users'.
  ~DocumentPasswords();
  DocumentPasswords(const DocumentPasswords&) = delete;
  DocumentPasswords& operator=(const DocumentPasswords&) = delete;

  void keep(const std::string& path, const std::string& password);
  /// "" where none is known.
  std::string of(const std::string& path) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> known_;  // guarded by mutex_
};

}  // namespace kvlink::app
