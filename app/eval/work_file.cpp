// SPDX-License-Identifier: Apache-2.0
#include "app/eval/work_file.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "app/eval/gzip_lines.h"
#include "app/eval/json_record.h"
#include "kernels/base/result.h"
#include "kernels/base/sha256.h"

namespace kvlink::app {
namespace {

using nlohmann::json;
constexpr const char* kHeadField = "kvlink_eval";

std::string head_line(const std::string& task, const ReportRow& parameters) {
  ReportRow head;
  head.add(kHeadField, task);
  head.add("parameters", row_json(parameters));
  head.add("hash", sha256(task + "\n" + row_json(parameters)).hex());
  return row_json(head);
}

std::string record_line(const std::string& key, const RunRecord& record) {
  const json line = {{"key", key}, {"text", record.text}, {"numbers", record.numbers}};
  return line.dump(-1, ' ', false, json::error_handler_t::replace);
}

void check_head(const std::filesystem::path& file, const std::string& head) {
  GzipLines lines(file);
  const auto first = lines.next();
  if (first && *first == head) return;
  const bool ours = first && first->starts_with("{\"" + std::string(kHeadField) + "\"");
  fail(ErrorCode::kInvalidInput,
       file.string() + (ours ? " belongs to a run with other parameters, data or model. Name "
                               "another file, or repeat that run's command line."
                             : " is no work file of `kvlink eval`. Name another file."));
}

/// Drops what a killed run left of its last line. Nothing is done to a file that ends well.
void drop_cut_line(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary | std::ios::ate);
  auto end = static_cast<std::int64_t>(stream.tellg());
  const std::int64_t size = end;
  for (char c = 0; end > 0; --end) {
    stream.seekg(end - 1);
    if (!stream.get(c)) return;
    if (c == '\n') break;
  }
  std::error_code ignored;
  if (end != size) std::filesystem::resize_file(file, static_cast<std::uintmax_t>(end), ignored);
}

RunRecord record_of(const json& line, const std::string& place) {
  RunRecord record;
  record.text = text_field(line, "text", place);
  const auto numbers = line.find("numbers");
  if (numbers == line.end() || !numbers->is_object()) {
    fail(ErrorCode::kCorrupt, place + ": the field \"numbers\" is missing.");
  }
  for (const auto& [name, value] : numbers->items()) {
    if (!value.is_number()) fail(ErrorCode::kCorrupt, place + ": " + name + " is no number.");
    record.numbers[name] = value.get<double>();
  }
  return record;
}

}  // namespace

WorkFile::WorkFile(std::filesystem::path file, const std::string& task, const ReportRow& parameters)
    : file_(std::move(file)) {
  if (file_.empty()) return;
  const std::string head = head_line(task, parameters);
  std::error_code ignored;
  if (std::filesystem::exists(file_, ignored) && !std::filesystem::is_empty(file_, ignored)) {
    check_head(file_, head);
    drop_cut_line(file_);
    read_records();
  } else {
    write_line(head, true);
  }
}

void WorkFile::read_records() {
  GzipLines lines(file_);
  lines.next();  // the head
  while (const auto line = lines.next()) {
    const std::string place = lines.place();
    const json record = parse_record(*line, place);
    records_[text_field(record, "key", place)] = record_of(record, place);
  }
}

const RunRecord* WorkFile::find(const std::string& key) const {
  const auto found = records_.find(key);
  return found == records_.end() ? nullptr : &found->second;
}

void WorkFile::append(const std::string& key, RunRecord record) {
  if (!file_.empty()) write_line(record_line(key, record), false);
  records_[key] = std::move(record);
}

void WorkFile::write_line(const std::string& line, bool truncate) {
  std::ofstream stream(file_, std::ios::binary | (truncate ? std::ios::trunc : std::ios::app));
  stream << line << "\n" << std::flush;
  if (!stream) {
    fail(ErrorCode::kIo, "Cannot write " + file_.string() +
                             ". Check that the folder exists, that you may write there, and that "
                             "the disk is not full.");
  }
}

}  // namespace kvlink::app
