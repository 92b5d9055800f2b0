// SPDX-License-Identifier: Apache-2.0
#include "app/extract/chart_reader.h"

#include <algorithm>
#include <string>
#include <vector>

#include "app/extract/xml_walker.h"

namespace kvlink::extract {
namespace {

struct Series {
  std::string name;
  std::vector<std::string> categories;
  std::vector<std::string> values;
};

class ChartWalker final : public XmlListener {
 public:
  void begin(std::string_view name, const XmlAttributes&) override {
    if (name == "ser") series.emplace_back();
    if (name == "tx" || name == "cat" || name == "val" || name == "xVal" || name == "yVal") {
      part_ = name;
    }
    if (name == "v") {
      in_value_ = true;
      value_.clear();
    }
    if (name == "t") in_title_ = series.empty();
  }
  void end(std::string_view name) override {
    if (name == "t") in_title_ = false;
    if (name == part_) part_.clear();
    if (name != "v") return;
    in_value_ = false;
    if (series.empty()) return;
    if (part_ == "tx") series.back().name = value_;
    if (part_ == "cat" || part_ == "xVal") series.back().categories.push_back(value_);
    if (part_ == "val" || part_ == "yVal") series.back().values.push_back(value_);
  }
  void text(std::string_view text) override {
    if (in_value_) value_ += text;
    if (in_title_) title += text;
  }

  std::string title;
  std::vector<Series> series;

 private:
  std::string part_;
  std::string value_;
  bool in_value_ = false;
  bool in_title_ = false;
};

}  // namespace

void read_chart(std::string_view xml, DocumentBuilder& out) {
  constexpr std::size_t kMaxRows = 5000;
  ChartWalker chart;
  walk_xml(xml, chart, XmlErrors::kKeepPart);
  std::size_t n_rows = 0;
  for (const auto& series : chart.series) n_rows = std::max(n_rows, series.values.size());
  n_rows = std::min(n_rows, kMaxRows);
  out.paragraph(chart.title);
  if (n_rows == 0) return;
  std::vector<TableRow> rows(n_rows + 1);
  rows[0].push_back("");
  const auto& categories = chart.series.front().categories;
  for (std::size_t i = 0; i < n_rows; ++i) {
    rows[i + 1].push_back(i < categories.size() ? categories[i] : std::to_string(i + 1));
  }
  for (const auto& series : chart.series) {
    rows[0].push_back(series.name);
    for (std::size_t i = 0; i < n_rows; ++i) {
      rows[i + 1].push_back(i < series.values.size() ? series.values[i] : "");
    }
  }
  out.table(rows, true);
}

}  // namespace kvlink::extract
