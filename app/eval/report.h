// SPDX-License-Identifier: Apache-2.0
// What an evaluation found, as JSON and as a table.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace kvlink::app {

using ReportValue = std::variant<std::string, std::int64_t, double>;

/// Named values in the order in which they are shown.
struct ReportRow {
  std::vector<std::pair<std::string, ReportValue>> fields;

  void add(std::string name, std::string value) { put(std::move(name), std::move(value)); }
  void add(std::string name, std::int64_t value) { put(std::move(name), value); }
  void add(std::string name, double value) { put(std::move(name), value); }

 private:
  void put(std::string name, ReportValue value) {
    fields.emplace_back(std::move(name), std::move(value));
  }
};

struct EvalReport {
  std::string task;                    ///< "qa", "rag", …
  ReportRow parameters;                ///< what was measured, on what
  std::vector<ReportRow> results;      ///< overall rows first
  std::vector<ReportRow> comparisons;  ///< paired differences; may be empty
};

/// {"task", "parameters": {…}, "results": [{…}], "comparisons": [{…}]}
std::string report_json(const EvalReport& report);
/// Aligned columns; rows with the same columns stand in one table.
std::string report_table(const EvalReport& report);
/// One line of JSON, for the work file.
std::string row_json(const ReportRow& row);

}  // namespace kvlink::app
