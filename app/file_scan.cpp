// SPDX-License-Identifier: Apache-2.0
#include "app/file_scan.h"

#include <fnmatch.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <system_error>

#include "app/file_bytes.h"
#include "kernels/base/utf8.h"
#include "retrieval/text_blocks.h"

namespace kvlink::app {
namespace {

namespace fs = std::filesystem;

/// Suffixes of what is never a document, whatever its first bytes say; sorted.
constexpr std::string_view kNoDocuments[] = {
    ".7z",  ".a",   ".avi",  ".bmp",  ".bz2",  ".dll", ".exe", ".gif", ".gz",  ".ico",
    ".iso", ".jar", ".jpeg", ".jpg",  ".m4a",  ".mkv", ".mov", ".mp3", ".mp4", ".o",
    ".ogg", ".png", ".pyc",  ".rar",  ".so",   ".svg", ".tar", ".tgz", ".tif", ".tiff",
    ".ttf", ".wav", ".webm", ".webp", ".woff", ".xz",  ".zip", ".zst"};

bool has_archive_suffix(const std::string& name) {
  const std::string suffix = retrieval::lower_suffix(name);
  return suffix == ".zip" || suffix == ".tar" || suffix == ".tgz" ||
         (suffix == ".gz" && retrieval::lower_suffix(name.substr(0, name.size() - 3)) == ".tar");
}

bool has_picture_suffix(const std::string& name) {
  constexpr std::string_view kPictures[] = {".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"};
  return std::binary_search(std::begin(kPictures), std::end(kPictures),
                            std::string_view(retrieval::lower_suffix(name)));
}

/// Whether the first bytes of a file with a suffix that says nothing are text or a known document.
bool looks_readable(const fs::path& file) {
  constexpr std::size_t kHeadBytes = 4096;
  const std::string suffix = retrieval::lower_suffix(file.filename().string());
  if (std::binary_search(std::begin(kNoDocuments), std::end(kNoDocuments),
                         std::string_view(suffix))) {
    return false;
  }
  const auto head = returning([&] { return read_head(file, kHeadBytes); });
  if (!head || head->empty()) return false;
  if (head->find("%PDF-") != head->npos || head->starts_with("PK\x03\x04")) return true;
  const auto n_zero = std::count(head->begin(), head->end(), '\0');
  return n_zero == 0 && valid_utf8_prefix(*head) + 4 > head->size();
}

class Scanner {
 public:
  Scanner(std::stop_token stop, const ScanOptions& options)
      : stop_(std::move(stop)), options_(options) {}

  void take_named(const fs::path& path) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    if (error) return add_problem(path, error);
    const auto status = fs::status(real, error);
    if (error) return add_problem(real, error);
    if (fs::is_directory(status)) return walk(real);
    if (!fs::is_regular_file(status)) {
      result_.problems.push_back(
          {real.string(), ErrorCode::kUnsupported, "not a regular file or folder"});
      return;
    }
    take_file(real, options_.pictures == Ocr::kPictures ||
                        (options_.pictures == Ocr::kScans && !options_.names_are_found));
  }

  ScanResult finish() {
    std::sort(result_.files.begin(), result_.files.end(),
              [](const ScannedFile& a, const ScannedFile& b) { return a.path < b.path; });
    return std::move(result_);
  }

 private:
  void walk(const fs::path& root) {
    std::vector<fs::path> folders = {root};
    while (!folders.empty() && !stop_.stop_requested()) {
      const fs::path folder = folders.back();
      folders.pop_back();
      std::error_code error;
      fs::directory_iterator it(folder, error);
      if (error) {
        add_problem(folder, error);
        continue;
      }
      for (; it != fs::directory_iterator(); it.increment(error)) {
        if (error || stop_.stop_requested()) break;
        take_entry(*it, folders);
      }
      if (error) add_problem(folder, error);
    }
  }

  void take_entry(const fs::directory_entry& entry, std::vector<fs::path>& folders) {
    if (options_.leaves_out_hidden(entry.path())) {
      ++result_.n_hidden;
      return;
    }
    if (options_.excludes(entry.path())) {
      ++result_.n_excluded;
      return;
    }
    std::error_code error;
    const bool link = entry.is_symlink(error);
    const auto status = entry.status(error);
    if (fs::is_directory(status)) {
      if (link) {
        ++result_.n_links;
      } else {
        folders.push_back(entry.path());
      }
    } else if (fs::is_regular_file(status)) {
      const fs::path real = link ? fs::canonical(entry.path(), error) : entry.path();
      if (error) return add_problem(entry.path(), error);
      take_file(real, options_.pictures == Ocr::kPictures);
    } else if (error) {
      add_problem(entry.path(), error);  // a dangling or looping link, or no permission
    }
  }

  void take_file(const fs::path& file, bool pictures) {
    if (!seen_.insert(file).second) return;
    const std::string name = file.filename().string();
    const bool special =
        (options_.archives && has_archive_suffix(name)) || (pictures && has_picture_suffix(name));
    if (!special && !retrieval::is_supported_suffix(name) && !looks_readable(file)) {
      result_.unsupported.push_back(file.string());
      return;
    }
    std::error_code ignored;
    const auto size = fs::file_size(file, ignored);
    result_.files.push_back({file, ignored ? 0 : static_cast<std::int64_t>(size)});
  }

  void add_problem(const fs::path& path, const std::error_code& error) {
    const bool missing = error == std::errc::no_such_file_or_directory;
    result_.problems.push_back({path.string(), missing ? ErrorCode::kNotFound : ErrorCode::kIo,
                                missing ? "no such file or folder" : error.message()});
  }

  std::stop_token stop_;
  const ScanOptions& options_;
  ScanResult result_;
  std::set<fs::path> seen_;
};

}  // namespace

void ScanOptions::take(const Settings& settings) {
  archives = settings.read_archives;
  pictures = settings.ocr;
}

bool ScanOptions::excludes(const fs::path& path) const {
  const std::string whole = path.string();
  const std::string name = path.filename().string();
  return std::any_of(exclude.begin(), exclude.end(), [&](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0 ||
           ::fnmatch(pattern.c_str(), whole.c_str(), 0) == 0;
  });
}

ScanResult scan_paths(std::span<const fs::path> paths, std::stop_token stop,
                      const ScanOptions& options) {
  Scanner scanner(std::move(stop), options);
  // Files first: what is named itself is taken where a folder would leave it out.
  const auto is_folder = [](const fs::path& path) {
    std::error_code ignored;
    return fs::is_directory(path, ignored);
  };
  for (const bool folders : {false, true}) {
    for (const auto& path : paths) {
      if (is_folder(path) == folders) scanner.take_named(path);
    }
  }
  return scanner.finish();
}

}  // namespace kvlink::app
