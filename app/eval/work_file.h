// SPDX-License-Identifier: Apache-2.0
// Answers as they come, one JSON line each: a run that was cut goes on where it ended.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "app/eval/report.h"

namespace kvlink::app {

/// What one run gave. Figures are computed from these, so a better metric needs no new run.
struct RunRecord {
  std::string text;                       ///< the answer
  std::map<std::string, double> numbers;  ///< tokens, ttft_ms, …

  /// 0 for a number that is not there.
  double number(const std::string& name) const {
    const auto found = numbers.find(name);
    return found == numbers.end() ? 0 : found->second;
  }
};

/// Owns the file's place; one thread, one process. The first line names task and parameters.
class WorkFile {
 public:
  /// Reads what an earlier run left; a last line that was cut is dropped. "" keeps records in
  /// memory only. Throws kInvalidInput for a file of other parameters, kCorrupt with the line for
  /// one that is no work file.
  WorkFile(std::filesystem::path file, const std::string& task, const ReportRow& parameters);

  const RunRecord* find(const std::string& key) const;
  std::size_t n_records() const { return records_.size(); }
  /// Writes the line at once. Throws kIo, kOutOfMemory (the disk is full).
  void append(const std::string& key, RunRecord record);

 private:
  void read_records();
  void write_line(const std::string& line, bool truncate);

  std::filesystem::path file_;
  std::map<std::string, RunRecord> records_;
};

}  // namespace kvlink::app
