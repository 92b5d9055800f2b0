// SPDX-License-Identifier: Apache-2.0
// A file's bytes and text, read ahead of the thread that embeds.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "app/file_bytes.h"
#include "app/file_scan.h"
#include "app/session.h"
#include "retrieval/extract/extractor.h"

namespace kvlink::app {

/// What one file holds, or why that is not known.
struct FileText {
  std::int64_t file_bytes = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t inode = 0;
  bool opened = false;  ///< not when size, time and inode are as they were
  Digest content;
  std::optional<retrieval::Document> known;  ///< at this path
  /// A document of the same content whose own file is gone: this is it, under another name.
  std::optional<retrieval::Document> moved_from;
  bool unchanged = false;  ///< `known` has this text or its problem already; nothing was parsed
  /// Some of it, or all, is in pictures: FileTextReader::recognise reads them.
  bool needs_recognition = false;
  bool recognised = false;  ///< pages_without_text are those that could not be, as a notice says
  std::vector<std::int32_t> pages_set_aside = {};  ///< could not be twice; tried when asked for
  retrieval::ReadReport report;
};

/// Whether size, time and inode say that the file is as it was when the library read it.
bool is_as_it_was(const std::filesystem::path& file, const retrieval::Document& known);

/// Reads and hashes a file unless the file system says that it is as it was, and has it parsed when
/// its content is not what the library knows.
/// Thread-safe.
class FileTextReader {
 public:
  struct Options {
    bool all = false;       ///< also what did not change, and what was set aside
    std::string password;   ///< of encrypted documents; "": what the session knows of each
    std::string languages;  ///< that are recognised in pictures (TextRecognition); "": none
  };
  FileTextReader(Session& session, Options options)
      : session_(session), options_(std::move(options)) {}

  /// A document that cannot be parsed is no error: its report says why. kNotFound, kIo,
  /// kUnsupported (not a regular file, too large): the file cannot be read.
  Result<FileText> read(const ScannedFile& file, std::stop_token stop);

  /// Reads a file of the library whose text is in pictures, which takes seconds for a page. As
  /// read(); kNotFound: it was removed meanwhile.
  Result<FileText> recognise(const ScannedFile& file, std::stop_token stop);

  std::int64_t n_parsed() const { return n_parsed_; }
  /// Unchanged files whose time or inode the library does not know; each is named once.
  std::vector<retrieval::FileStamp> take_stamps();
  /// Whether every child so far ran behind its filter of system calls.
  bool filtered() const { return filtered_; }

 private:
  bool claim(retrieval::DocumentId id);
  bool is_current(const retrieval::Document& document) const;
  bool fails_again(const retrieval::Document& document) const;
  std::string password_of(const std::filesystem::path& file) const;
  void keep_password(const ScannedFile& file, const FileText& text) const;
  void note_stamp(const retrieval::FileStamp& stamp);
  bool waits_for_recognition(const retrieval::Document& document) const;
  bool needs_recognition(const retrieval::ReadReport& report) const;
  void say_how_pictures_are_read(retrieval::ReadReport& report) const;
  FileText read_or_throw(const ScannedFile& file, std::stop_token stop);
  bool is_known(const ScannedFile& file, FileText& text) const;
  std::string read_bytes(const ScannedFile& file, FileText& text) const;
  FileText recognise_or_throw(const ScannedFile& file, std::stop_token stop);
  retrieval::ReadReport parse(const std::filesystem::path& file, const std::string& bytes,
                              const Digest& content, std::stop_token stop);

  Session& session_;
  Options options_;
  std::atomic<std::int64_t> n_parsed_ = 0;
  std::atomic<bool> filtered_ = true;
  std::mutex mutex_;
  std::set<retrieval::DocumentId> claimed_;   // as renamed; guarded by mutex_
  std::vector<retrieval::FileStamp> stamps_;  // guarded by mutex_
};

/// Reads files in their order on threads of its own, a few files ahead of whoever takes them.
class ReadAhead {
 public:
  /// Both must outlive it.
  ReadAhead(FileTextReader& reader, std::span<const ScannedFile> files, std::stop_token stop);
  ~ReadAhead();

  /// The text of files[index]; waits for it. Each index once, in ascending order.
  Result<FileText> take(std::size_t index);

 private:
  void work();

  /// Each waits for a process of its own, which takes 10 to 30 ms for most files; the embedder
  /// takes as long for two passages.
  static constexpr std::size_t kThreads = 3;
  static constexpr std::size_t kAhead = 12;  ///< files that may wait for their turn
  static constexpr std::int64_t kAheadBytes = std::int64_t{64} << 20;  ///< and their sizes together

  FileTextReader& reader_;
  std::span<const ScannedFile> files_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> forward_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::optional<Result<FileText>>> done_;  // guarded by mutex_
  std::size_t next_ = 0;                               // to be read; guarded by mutex_
  std::size_t taken_ = 0;                              // guarded by mutex_
  std::int64_t n_bytes_ahead_ = 0;                     // guarded by mutex_
  std::vector<std::jthread> threads_;                  // last: they use everything above
};

}  // namespace kvlink::app
