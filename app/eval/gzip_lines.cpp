// SPDX-License-Identifier: Apache-2.0
#include "app/eval/gzip_lines.h"

#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "kernels/base/result.h"

namespace kvlink::app {
namespace {

constexpr unsigned kPartBytes = 1U << 16;

}  // namespace

struct GzipLines::Stream {
  gzFile file = nullptr;
  ~Stream() {
    if (file != nullptr) gzclose(file);
  }
};

GzipLines::GzipLines(std::filesystem::path file)
    : file_(std::move(file)), stream_(std::make_unique<Stream>()) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file_, ignored)) {
    fail(ErrorCode::kIo, file_.string() + " is a folder; a file of JSON lines is needed.");
  }
  errno = 0;
  stream_->file = gzopen(file_.c_str(), "rb");
  if (stream_->file != nullptr) return;
  fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
       "Cannot open " + file_.string() + ": " + std::strerror(errno) + ".");
}

GzipLines::~GzipLines() = default;

std::string GzipLines::place() const {
  return file_.string() + ", line " + std::to_string(number_);
}

bool GzipLines::read_more() {
  if (ended_) return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::size_t had = buffer_.size();
  buffer_.resize(had + kPartBytes);
  const int n = gzread(stream_->file, buffer_.data() + had, kPartBytes);
  buffer_.resize(had + static_cast<std::size_t>(n > 0 ? n : 0));
  n_bytes_ += n > 0 ? n : 0;
  if (n_bytes_ > kMaxTotalBytes) {
    fail(ErrorCode::kUnsupported, place() + ": more than 4 GiB of text; split the file.");
  }
  if (n > 0) return true;
  ended_ = true;
  int code = Z_OK;
  const char* words = gzerror(stream_->file, &code);
  // A file cut in the middle of its compressed data ends with Z_BUF_ERROR instead of an error.
  if (n < 0 || code == Z_BUF_ERROR) {
    fail(code == Z_ERRNO ? ErrorCode::kIo : ErrorCode::kCorrupt,
         place() + ": the file cannot be read on (" + words + "). Fetch it again.");
  }
  return false;
}

std::optional<std::string_view> GzipLines::next() {
  ++number_;
  std::size_t searched = begin_;
  std::size_t end = std::string::npos;
  while ((end = buffer_.find('\n', searched)) == std::string::npos) {
    const std::size_t length = buffer_.size() - begin_;
    if (length > kMaxLineBytes) break;
    if (!read_more()) {
      end = buffer_.size();
      break;
    }
    searched = begin_ + length;
  }
  if (end == std::string::npos || end - begin_ > kMaxLineBytes) {
    fail(ErrorCode::kUnsupported, place() + ": longer than 8 MiB; split the record.");
  }
  if (end == buffer_.size() && begin_ == end) return std::nullopt;
  std::string_view line(buffer_.data() + begin_, end - begin_);
  begin_ = std::min(end + 1, buffer_.size());
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace kvlink::app
