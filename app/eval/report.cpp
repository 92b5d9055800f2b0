// SPDX-License-Identifier: Apache-2.0
#include "app/eval/report.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace kvlink::app {
namespace {

using nlohmann::ordered_json;
constexpr auto kReplace = ordered_json::error_handler_t::replace;

ordered_json json_of(const ReportRow& row) {
  ordered_json object = ordered_json::object();
  for (const auto& [name, value] : row.fields) {
    std::visit([&, &key = name](const auto& v) { object[key] = v; }, value);
  }
  return object;
}

ordered_json json_of(const std::vector<ReportRow>& rows) {
  ordered_json list = ordered_json::array();
  for (const auto& row : rows) list.push_back(json_of(row));
  return list;
}

std::string text_of(const ReportValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  char text[32];
  std::snprintf(text, sizeof(text), "%.3f", std::get<double>(value));
  return text;
}

bool same_columns(const ReportRow& a, const ReportRow& b) {
  return std::equal(a.fields.begin(), a.fields.end(), b.fields.begin(), b.fields.end(),
                    [](const auto& x, const auto& y) { return x.first == y.first; });
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, text.size()), ' ') + "  ";
}

/// Rows first..last have the same columns.
std::string table_of(const std::vector<ReportRow>& rows, std::size_t first, std::size_t last) {
  const std::size_t n_columns = rows[first].fields.size();
  std::vector<std::size_t> widths(n_columns);
  std::string head;
  for (std::size_t c = 0; c < n_columns; ++c) {
    widths[c] = rows[first].fields[c].first.size();
    for (std::size_t r = first; r < last; ++r) {
      widths[c] = std::max(widths[c], text_of(rows[r].fields[c].second).size());
    }
    head += padded(rows[first].fields[c].first, widths[c]);
  }
  std::string table = head + "\n";
  for (std::size_t r = first; r < last; ++r) {
    for (std::size_t c = 0; c < n_columns; ++c) {
      table += padded(text_of(rows[r].fields[c].second), widths[c]);
    }
    table += "\n";
  }
  return table;
}

std::string tables_of(const std::vector<ReportRow>& rows) {
  std::string text;
  for (std::size_t first = 0; first < rows.size();) {
    std::size_t last = first + 1;
    while (last < rows.size() && same_columns(rows[first], rows[last])) ++last;
    text += "\n" + table_of(rows, first, last);
    first = last;
  }
  return text;
}

}  // namespace

std::string report_json(const EvalReport& report) {
  const ordered_json object = {{"task", report.task},
                               {"parameters", json_of(report.parameters)},
                               {"results", json_of(report.results)},
                               {"comparisons", json_of(report.comparisons)}};
  return object.dump(2, ' ', false, kReplace);
}

std::string report_table(const EvalReport& report) {
  std::string text = "kvlink eval " + report.task + "\n";
  for (const auto& [name, value] : report.parameters.fields) {
    text += "  " + name + ": " + text_of(value) + "\n";
  }
  return text + tables_of(report.results) + tables_of(report.comparisons);
}

std::string row_json(const ReportRow& row) { return json_of(row).dump(-1, ' ', false, kReplace); }

}  // namespace kvlink::app
