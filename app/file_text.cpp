// SPDX-License-Identifier: Apache-2.0
#include "app/file_text.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "app/file_presence.h"
#include "app/low_priority.h"
#include "app/words.h"

namespace kvlink::app {
namespace {

using retrieval::ReadProblem;
using retrieval::ReadReport;

bool stopped_the_reader(ReadProblem problem) {
  return problem == ReadProblem::kCrashed || problem == ReadProblem::kTooSlow ||
         problem == ReadProblem::kTooLarge;
}

ReadReport set_aside(const std::string& reason) {
  ReadReport report;
  report.problem = ReadProblem::kSetAside;
  report.reason = "set aside because it stopped the reader twice (" + reason +
                  "); it is read again when it has changed, or when you ask for it";
  return report;
}

}  // namespace

bool is_as_it_was(const std::filesystem::path& file, const retrieval::Document& known) {
  if (known.inode == 0) return false;
  const FileStat before{.size = known.file_bytes,
                        .mtime_ns = known.mtime_ns,
                        .inode = static_cast<std::uint64_t>(known.inode)};
  return is_unchanged(before, look_at(file));
}

Result<FileText> FileTextReader::read(const ScannedFile& file, std::stop_token stop) {
  return returning([&] { return read_or_throw(file, std::move(stop)); });
}

bool FileTextReader::is_current(const retrieval::Document& document) const {
  return !options_.all && document.state == retrieval::DocumentState::kSearchable;
}

/// Whether reading what failed to be read before can have no other end.
bool FileTextReader::fails_again(const retrieval::Document& document) const {
  if (options_.all || document.state != retrieval::DocumentState::kFailed) return false;
  switch (document.problem_kind) {
    case ReadProblem::kNeedsOcr:
    case ReadProblem::kNoText:
    case ReadProblem::kDamaged:
    case ReadProblem::kSetAside:
      return true;
    case ReadProblem::kNeedsPassword:
      return password_of(document.path).empty();
    case ReadProblem::kUnreadable:
      return false;  // permissions change and leave size, time and inode as they were
    default:
      return document.ignored;
  }
}

std::string FileTextReader::password_of(const std::filesystem::path& file) const {
  return options_.password.empty() ? session_.passwords().of(file.string()) : options_.password;
}

/// Of a document that the user was asked for one: it may be needed again.
void FileTextReader::keep_password(const ScannedFile& file, const FileText& text) const {
  const bool was_asked = text.known && text.known->problem_kind == ReadProblem::kNeedsPassword;
  const bool opened =
      text.report.problem == ReadProblem::kNone || text.report.problem == ReadProblem::kNeedsOcr;
  if (was_asked && opened && !options_.password.empty()) {
    session_.passwords().keep(file.path.string(), options_.password);
  }
}

/// Pictures of it were not read when it was, and can be now.
bool FileTextReader::waits_for_recognition(const retrieval::Document& document) const {
  return !options_.languages.empty() && !document.ignored &&
         document.problem_kind == ReadProblem::kNeedsOcr;
}

bool FileTextReader::needs_recognition(const ReadReport& report) const {
  return !options_.languages.empty() &&
         (report.problem == ReadProblem::kNeedsOcr || !report.document.pages_without_text.empty());
}

/// Fills in what the library has, where the file system says that the file is as it was.
bool FileTextReader::is_known(const ScannedFile& file, FileText& text) const {
  if (!text.known) return false;
  const bool fails = fails_again(*text.known);
  if (!(fails || is_current(*text.known)) || !is_as_it_was(file.path, *text.known)) return false;
  text.unchanged = true;
  text.needs_recognition = waits_for_recognition(*text.known);
  if (fails) {
    text.report.problem = text.known->problem_kind;
    text.report.reason = text.known->problem;
  }
  return true;
}

std::string FileTextReader::read_bytes(const ScannedFile& file, FileText& text) const {
  const std::int64_t limit = session_.settings().max_document_bytes;
  FileBytes read = read_file(file.path, limit);
  if (read.too_large) {
    fail(ErrorCode::kUnsupported, "larger than " + bytes_in_words(limit) + " (" +
                                      bytes_in_words(read.file_bytes) +
                                      "); split it or raise max_document_bytes in settings.json");
  }
  text.opened = true;
  text.file_bytes = static_cast<std::int64_t>(read.bytes.size());
  text.mtime_ns = read.mtime_ns;
  text.inode = read.inode;
  text.content = sha256(read.bytes);
  return std::move(read.bytes);
}

FileText FileTextReader::read_or_throw(const ScannedFile& file, std::stop_token stop) {
  if (session_.can_answer()) session_.engine().wait_for_questions(stop);
  FileText text;
  auto& library = session_.library();
  text.known = value_or_throw(library.find_path(file.path.string()));
  if (is_known(file, text)) return text;
  const std::string bytes = read_bytes(file, text);
  if (text.known && is_current(*text.known) && text.known->content == text.content) {
    text.unchanged = true;
    text.needs_recognition = waits_for_recognition(*text.known);
    note_stamp({text.known->id, text.mtime_ns, text.inode});
    return text;
  }
  const bool free_name = !text.known || text.known->n_chunks == 0;
  for (const auto& same : value_or_throw(library.find_content(text.content))) {
    const bool gone = !same.offline && FilePresence().of(same.path) == Presence::kGone;
    if (free_name && gone && is_current(same) && claim(same.id)) {
      text.moved_from = same;
      return text;
    }
  }
  text.report = parse(file.path, bytes, text.content, std::move(stop));
  keep_password(file, text);
  text.needs_recognition = needs_recognition(text.report);
  if (text.report.problem == ReadProblem::kNeedsOcr) say_how_pictures_are_read(text.report);
  return text;
}

/// What the user can do about a document that needs OCR and gets none.
void FileTextReader::say_how_pictures_are_read(ReadReport& report) const {
  if (!options_.languages.empty()) return;
  const Settings& settings = session_.settings();
  if (settings.ocr == Ocr::kOff) {
    report.reason += "; reading pictures is off in the settings";
  } else if (std::error_code ignored;
             !std::filesystem::exists(session_.paths().picture_reader, ignored)) {
    report.reason +=
        "; this KVLink has no kvlink-ocr: install the package kvlink-ocr, then add it again";
  } else if (settings.ocr_languages == "auto") {
    report.reason += "; install tesseract-ocr, then add it again";
  } else {
    report.reason += "; Tesseract has none of the languages " + settings.ocr_languages +
                     " here, which the settings ask for";
  }
}

Result<FileText> FileTextReader::recognise(const ScannedFile& file, std::stop_token stop) {
  return returning([&] { return recognise_or_throw(file, std::move(stop)); });
}

FileText FileTextReader::recognise_or_throw(const ScannedFile& file, std::stop_token stop) {
  FileText text;
  auto& library = session_.library();
  text.known = value_or_throw(library.find_path(file.path.string()));
  if (!text.known) fail(ErrorCode::kNotFound, "the document was removed meanwhile");
  const std::string bytes = read_bytes(file, text);
  text.report = parse(file.path, bytes, text.content, stop);
  if (!needs_recognition(text.report)) return text;
  const PicturedDocument pictured{.bytes = bytes,
                                  .file_name = file.path.filename().string(),
                                  .password = password_of(file.path),
                                  .content = text.content,
                                  .retry = options_.all};
  auto recognised = value_or_throw(session_.recognition().recognise(
      std::move(text.report), pictured, options_.languages, library, std::move(stop)));
  text.report = std::move(recognised.report);
  text.pages_set_aside = std::move(recognised.set_aside);
  text.recognised = true;
  if (stopped_the_reader(text.report.problem)) {
    value_or_throw(
        library.note_reader_failure(text.content, text.report.problem, text.report.reason));
  }
  return text;
}

void FileTextReader::note_stamp(const retrieval::FileStamp& stamp) {
  const std::lock_guard lock(mutex_);
  stamps_.push_back(stamp);
}

std::vector<retrieval::FileStamp> FileTextReader::take_stamps() {
  const std::lock_guard lock(mutex_);
  return std::exchange(stamps_, {});
}

/// Of several new files with one content only the first is the one that was renamed.
bool FileTextReader::claim(retrieval::DocumentId id) {
  const std::lock_guard lock(mutex_);
  return claimed_.insert(id).second;
}

ReadReport FileTextReader::parse(const std::filesystem::path& file, const std::string& bytes,
                                 const Digest& content, std::stop_token stop) {
  auto& library = session_.library();
  if (options_.all) value_or_throw(library.forget_reader_failure(content));
  const auto before = value_or_throw(library.reader_failure(content));
  if (before.n >= kMaxReaderFailures) return set_aside(before.reason);
  retrieval::ReadRequest request;
  request.file_name = file.filename().string();
  request.password = password_of(file);
  request.archives = session_.settings().read_archives;
  for (;;) {
    ++n_parsed_;
    auto report = value_or_throw(session_.extractor().read(bytes, request, stop)).report;
    if (!report.filtered) filtered_ = false;
    if (!stopped_the_reader(report.problem)) return report;
    const auto n =
        value_or_throw(library.note_reader_failure(content, report.problem, report.reason));
    if (n >= kMaxReaderFailures) return set_aside(report.reason);
    // A crash may have come from outside (memory was short): once more. Limits do not change.
    if (report.problem != ReadProblem::kCrashed) return report;
  }
}

ReadAhead::ReadAhead(FileTextReader& reader, std::span<const ScannedFile> files,
                     std::stop_token stop)
    : reader_(reader),
      files_(files),
      forward_(std::move(stop), [this] { stop_.request_stop(); }),
      done_(files.size()) {
  for (std::size_t i = 0; i < std::min(kThreads, files.size()); ++i) {
    threads_.emplace_back([this] { work(); });
  }
}

ReadAhead::~ReadAhead() { stop_.request_stop(); }

void ReadAhead::work() {
  lower_own_priority();
  const std::stop_token stop = stop_.get_token();
  for (;;) {
    std::size_t index = 0;
    {
      std::unique_lock lock(mutex_);
      const bool go = changed_.wait(lock, stop, [&] {
        const bool room =
            next_ <= taken_ || (next_ < taken_ + kAhead && n_bytes_ahead_ < kAheadBytes);
        return next_ == files_.size() || room;
      });
      if (!go || next_ == files_.size()) return;
      index = next_++;
      n_bytes_ahead_ += files_[index].bytes;
    }
    auto text = reader_.read(files_[index], stop);
    {
      const std::lock_guard lock(mutex_);
      done_[index].emplace(std::move(text));
    }
    changed_.notify_all();
  }
}

Result<FileText> ReadAhead::take(std::size_t index) {
  std::unique_lock lock(mutex_);
  taken_ = index;
  changed_.notify_all();
  const std::stop_token stop = stop_.get_token();
  if (!changed_.wait(lock, stop, [&] { return done_[index].has_value(); })) {
    return Error{ErrorCode::kCancelled, "stopped"};
  }
  auto text = std::move(*done_[index]);
  done_[index].reset();
  n_bytes_ahead_ -= files_[index].bytes;
  taken_ = index + 1;
  lock.unlock();
  changed_.notify_all();
  return text;
}

}  // namespace kvlink::app
