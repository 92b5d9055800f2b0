// SPDX-License-Identifier: Apache-2.0
#include "app/ingestion.h"

#include <chrono>
#include <set>
#include <utility>

#include "app/words.h"

namespace kvlink::app {
namespace {

void note_omissions(const ScanResult& scan, IngestReport& report) {
  if (scan.n_hidden > 0) {
    report.notices.push_back(counted(scan.n_hidden, "hidden name") +
                             " left out (a path named on its own is taken).");
  }
  if (scan.n_excluded > 0) {
    report.notices.push_back(counted(scan.n_excluded, "excluded name") + " left out.");
  }
  if (scan.n_links > 0) {
    report.notices.push_back(counted(scan.n_links, "symbolic link") +
                             " to folders not followed (a path named on its own is taken).");
  }
}

void count_outcome(const DocumentIndexer::Indexed& indexed, const ScannedFile& file,
                   IngestReport& report) {
  switch (indexed.outcome) {
    case DocumentIndexer::Outcome::kAdded:
      ++report.n_added;
      break;
    case DocumentIndexer::Outcome::kUpdated:
      ++report.n_updated;
      break;
    case DocumentIndexer::Outcome::kUnchanged:
      ++report.n_unchanged;
      return;
    case DocumentIndexer::Outcome::kIgnored:
      ++report.n_ignored;
      return;
  }
  if (!indexed.notice.empty()) {
    report.notices.push_back(file.path.string() + ": " + indexed.notice + ".");
  }
}

std::string waiting_in_words(std::size_t n_files) {
  if (n_files == 0) return "";
  return " " + counted(static_cast<std::int64_t>(n_files), "more file") + " not read either.";
}

retrieval::ReadProblem kind_of(const FileText& text) {
  const auto problem = text.report.problem;
  return problem == retrieval::ReadProblem::kNone ? retrieval::ReadProblem::kNoText : problem;
}

}  // namespace

Result<IngestReport> Ingestion::add(std::span<const std::filesystem::path> paths, Caching caching,
                                    std::stop_token stop, Rereading rereading) {
  return returning([&] {
    IngestReport report;
    meter_.progress() = {};
    meter_.start_phase(IngestPhase::kScanning);
    ScanOptions options = scan_;
    options.take(session_.settings());
    ScanResult scan = scan_paths(paths, stop, options);
    if (events_.on_scanned) events_.on_scanned(scan);
    note_omissions(scan, report);
    report.problems = std::move(scan.problems);
    report.unsupported = std::move(scan.unsupported);
    FileTextReader reader(session_, reader_options(rereading));
    std::vector<Pictured> pictured;
    const auto index = [&](auto&& files) {
      const auto begin = std::chrono::steady_clock::now();
      const Documents documents = files();
      report.index_seconds +=
          std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      if (caching == Caching::kYes && !stop.stop_requested()) {
        report.caching.add(encode(documents, stop));
      }
    };
    index([&] { return index_files(scan.files, reader, pictured, report, stop); });
    if (!pictured.empty()) {
      index([&] { return recognise_files(pictured, reader, report, stop); });
    }
    report.n_parsed = reader.n_parsed();
    if (!reader.filtered()) {
      report.notices.push_back(
          "This system refuses to filter system calls (seccomp): documents were parsed with limits "
          "on memory and time only.");
    }
    for (auto& notice : session_.take_device_notices()) {
      report.notices.push_back(std::move(notice));
    }
    report.cancelled = stop.stop_requested();
    report.cut_short = report.cut_short || report.cancelled;
    return report;
  });
}

Ingestion::Documents Ingestion::index_files(const std::vector<ScannedFile>& files,
                                            FileTextReader& reader, std::vector<Pictured>& pictured,
                                            IngestReport& report, std::stop_token stop) {
  auto& progress = meter_.progress();
  progress.n_files = static_cast<std::int64_t>(files.size());
  for (const auto& file : files) progress.n_bytes += file.bytes;
  meter_.start_phase(IngestPhase::kIndexing);
  ReadAhead ahead(reader, files, stop);
  DocumentIndexer indexer(session_);
  Documents documents;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& file = files[i];
    if (stop.stop_requested() || !has_room(file, files.size() - i - 1, report)) break;
    begin_file(file);
    const auto asked = std::chrono::steady_clock::now();
    auto text = ahead.take(i);
    report.wait_seconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - asked).count();
    tell_text(file, text);
    const auto indexed =
        text ? indexer.index(file, *text, stop) : indexer.note_unreadable(file, text.error(), stop);
    tell_end(file, indexed, documents);
    if (text && text->needs_recognition) {
      FileText rest = std::move(*text);
      rest.report.document = {};
      pictured.push_back({file, std::move(rest), indexed});
      continue;
    }
    end_file(file, text, indexed, report);
  }
  value_or_throw(session_.library().stamp(reader.take_stamps()));
  report.n_embedded += indexer.n_embedded();
  report.embed_seconds += indexer.embed_seconds();
  meter_.tell_now();
  return documents;
}

/// One after the other: each page is a process that computes when nobody else wants to.
Ingestion::Documents Ingestion::recognise_files(std::vector<Pictured>& pictured,
                                                FileTextReader& reader, IngestReport& report,
                                                std::stop_token stop) {
  meter_.start_phase(IngestPhase::kIndexing);
  DocumentIndexer indexer(session_);
  Documents documents;
  std::size_t i = 0;
  for (; i < pictured.size(); ++i) {
    const auto& file = pictured[i].file;
    if (stop.stop_requested() || !has_room(file, pictured.size() - i - 1, report)) break;
    begin_file(file);
    const auto text = reader.recognise(file, stop);
    tell_text(file, text);
    auto indexed = text ? indexer.index(file, *text, stop) : Outcome(text.error());
    if (indexed && !pictured[i].text.known) indexed->outcome = DocumentIndexer::Outcome::kAdded;
    tell_end(file, indexed, documents);
    if (!indexed && indexed.error().code == ErrorCode::kCancelled) break;
    end_file(file, text, indexed, report);
  }
  for (; i < pictured.size(); ++i) {
    end_file(pictured[i].file, std::move(pictured[i].text), pictured[i].first, report);
  }
  report.n_embedded += indexer.n_embedded();
  report.embed_seconds += indexer.embed_seconds();
  meter_.tell_now();
  return documents;
}

bool Ingestion::has_room(const ScannedFile& file, std::size_t n_more, IngestReport& report) const {
  const std::string full = session_.why_no_room();
  if (full.empty()) return true;
  report.problems.push_back({file.path.string(), ErrorCode::kOutOfMemory,
                             full + waiting_in_words(n_more), retrieval::ReadProblem::kNone});
  report.cut_short = true;
  return false;
}

void Ingestion::begin_file(const ScannedFile& file) {
  meter_.progress().current = file.path.string();
  meter_.tell();
  if (events_.on_file) events_.on_file(file);
}

void Ingestion::tell_text(const ScannedFile& file, const Result<FileText>& text) {
  const bool is_new = text && !text->unchanged && !text->moved_from &&
                      text->report.problem == retrieval::ReadProblem::kNone;
  if (is_new && events_.on_text) events_.on_text(file);
}

void Ingestion::tell_end(const ScannedFile& file, const Outcome& indexed, Documents& documents) {
  if (events_.on_indexed) {
    events_.on_indexed(file, indexed ? indexed->id : 0, indexed ? nullptr : &indexed.error());
  }
  const bool is_searchable = indexed && indexed->outcome != DocumentIndexer::Outcome::kIgnored;
  if (is_searchable) documents.push_back(indexed->id);
}

void Ingestion::end_file(const ScannedFile& file, const Result<FileText>& text,
                         const Outcome& indexed, IngestReport& report) {
  if (indexed) {
    count_outcome(*indexed, file, report);
  } else if (indexed.error().code != ErrorCode::kCancelled) {
    report.problems.push_back({file.path.string(), indexed.error().code, indexed.error().message,
                               text ? kind_of(*text) : retrieval::ReadProblem::kUnreadable});
  }
  auto& progress = meter_.progress();
  ++progress.n_files_done;
  progress.n_bytes_done += file.bytes;
  if (!text || text->opened) {
    ++report.n_opened;
    report.n_bytes += file.bytes;
  }
}

FileTextReader::Options Ingestion::reader_options(Rereading rereading) {
  const Settings& settings = session_.settings();
  FileTextReader::Options options;
  options.all = rereading == Rereading::kAll;
  options.password = password_;
  if (settings.ocr != Ocr::kOff) {
    options.languages = session_.recognition().choose_languages(settings.ocr_languages);
  }
  return options;
}

EncodeReport Ingestion::encode(std::span<const retrieval::DocumentId> documents,
                               std::stop_token stop) {
  const std::set<retrieval::DocumentId> wanted(documents.begin(), documents.end());
  auto& progress = meter_.progress();
  progress.n_tokens = progress.n_tokens_done = 0;
  progress.current.clear();
  for (const auto& document : value_or_throw(session_.library().documents())) {
    if (wanted.contains(document.id)) progress.n_tokens += document.n_tokens;
  }
  meter_.start_phase(IngestPhase::kCaching);
  const EncodeReport report = BlockEncoder(session_).encode(documents, meter_, stop);
  meter_.tell_now();
  return report;
}

Result<EncodeReport> Ingestion::cache_documents(std::span<const retrieval::DocumentId> documents,
                                                std::stop_token stop) {
  return returning([&] { return encode(documents, std::move(stop)); });
}

}  // namespace kvlink::app
