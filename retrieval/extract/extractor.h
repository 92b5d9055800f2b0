// SPDX-License-Identifier: Apache-2.0
// Documents are parsed by a child process that can do nothing else: the parent's side.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/base/result.h"
#include "retrieval/extract/frames.h"

namespace kvlink::retrieval {

/// What one child may use. It is killed beyond any of them.
struct ExtractorLimits {
  std::int64_t memory_bytes = std::int64_t{1} << 30;  ///< address space
  /// Processor seconds; each MiB of the document adds `seconds_per_mib`, up to `max_seconds`. The
  /// wall clock gets `wall_factor` times as much: the machine has other work.
  std::int64_t seconds = 20;
  std::int64_t seconds_per_mib = 4;
  std::int64_t max_seconds = 120;
  std::int64_t wall_factor = 2;
  /// 0 to 19: how far it stands back behind other processes (nice).
  std::int32_t niceness = 0;
  FrameLimits frames = {};
};

/// How a child ended, for tests and figures.
struct ChildUse {
  double processor_seconds = 0;
  std::int64_t peak_bytes = 0;  ///< resident
};

struct Extraction {
  ReadReport report;
  ChildUse use;
};

/// Runs `kvlink-extract`, or `kvlink-ocr`, one process for each document and never two documents in
/// one, so that nothing of a document reaches the next. Stateless and thread-safe: each call runs
/// its own child and blocks until it has ended.
class Extractor {
 public:
  /// `arguments`: what the program is told beside its limits.
  explicit Extractor(std::filesystem::path program, ExtractorLimits limits = {},
                     std::vector<std::string> arguments = {})
      : program_(std::move(program)), limits_(limits), arguments_(std::move(arguments)) {}

  /// The text of `bytes`, or a picture of a page. A document that cannot be read is no error: the
  /// report says why. kNotFound: the program is missing. kIo: no process or pipe to be had.
  /// kCancelled.
  Result<Extraction> read(std::string_view bytes, const ReadRequest& request,
                          std::stop_token stop) const;

  const ExtractorLimits& limits() const { return limits_; }

 private:
  std::filesystem::path program_;
  ExtractorLimits limits_;
  std::vector<std::string> arguments_;
};

/// What `program` writes when it is called with `arguments`, at most 64 KiB; "" when it cannot be
/// run, fails, or goes on for longer than `seconds`.
std::string output_of(const std::filesystem::path& program,
                      const std::vector<std::string>& arguments, int seconds);

}  // namespace kvlink::retrieval
