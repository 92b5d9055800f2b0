// SPDX-License-Identifier: Apache-2.0
// From the paths a user names to the files that will be read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "app/settings.h"
#include "kernels/base/result.h"
#include "retrieval/extract/frames.h"

namespace kvlink::app {

struct ScannedFile {
  std::filesystem::path path;  ///< absolute, symbolic links resolved
  std::int64_t bytes = 0;
};

/// One thing that could not be taken, and why, for the user.
struct FileProblem {
  std::string path;
  ErrorCode code = ErrorCode::kIo;
  std::string reason;
  /// Of a document that was read: what kind of problem; kUnreadable for the file itself.
  retrieval::ReadProblem kind = retrieval::ReadProblem::kUnreadable;
};

struct ScanResult {
  std::vector<ScannedFile> files;     ///< in path order, each once
  std::vector<FileProblem> problems;  ///< missing, not permitted
  /// Files whose suffix is not one of a format that is read, and whose first bytes are neither
  /// text nor a known document; by path.
  std::vector<std::string> unsupported;
  std::int64_t n_excluded = 0;  ///< fitting a pattern of the options
  std::int64_t n_hidden = 0;    ///< names that begin with a dot, inside folders
  std::int64_t n_links = 0;     ///< symbolic links to folders, inside folders: not followed
};

struct ScanOptions {
  /// Shell patterns ("*.log", "node_modules", "/home/me/*/old"): names or paths of files and
  /// folders inside the folders that are walked.
  std::vector<std::string> exclude;
  bool hidden = false;       ///< also take names that begin with a dot
  bool archives = false;     ///< also take ZIP and tar archives
  Ocr pictures = Ocr::kOff;  ///< which pictures are taken
  /// Files that are named were found in folders, not chosen by somebody.
  bool names_are_found = false;

  /// What the settings say of archives and pictures.
  void take(const Settings& settings);

  /// Whether a pattern fits the name or the path.
  bool excludes(const std::filesystem::path& path) const;
  bool leaves_out_hidden(const std::filesystem::path& path) const {
    return !hidden && path.filename().string().starts_with('.');
  }
};

/// Folders are walked recursively. Hidden and excluded files and links to folders inside them are
/// left out and counted; named themselves, they are taken. Ends early when asked to stop.
ScanResult scan_paths(std::span<const std::filesystem::path> paths, std::stop_token stop,
                      const ScanOptions& options = {});

}  // namespace kvlink::app
