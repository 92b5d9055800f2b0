// SPDX-License-Identifier: Apache-2.0
#include "app/extract/docx_reader.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "app/extract/formula_reader.h"
#include "app/extract/office_parts.h"

namespace kvlink::extract {
namespace {

int digit_at_end(std::string_view name) {
  return !name.empty() && name.back() >= '1' && name.back() <= '9' ? name.back() - '0' : 0;
}

/// Heading levels of paragraph styles by style id, as styles.xml names them.
class StyleReader final : public XmlListener {
 public:
  void begin(std::string_view name, const XmlAttributes& attributes) override {
    if (name == "style") {
      id_ = attributes.get("styleId");
    } else if (name == "name" && !id_.empty()) {
      std::string words(attributes.get("val"));
      std::transform(words.begin(), words.end(), words.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      if (words.starts_with("heading ")) levels[id_] = digit_at_end(words);
      if (words == "title") levels[id_] = 1;
    } else if (name == "basedOn") {
      based_on_[id_] = attributes.get("val");
    } else if (name == "outlineLvl" && !levels.contains(id_)) {
      levels[id_] = digit_at_end(attributes.get("val")) + 1;
    }
  }
  void end(std::string_view name) override {
    if (name == "style") id_.clear();
  }
  void text(std::string_view) override {}

  /// Styles inherit the level of the one they are based on.
  void inherit() {
    for (const auto& [id, parent] : based_on_) {
      std::string at = parent;
      for (int steps = 0; steps < 8 && !levels.contains(id); ++steps) {
        if (const auto found = levels.find(at); found != levels.end()) levels[id] = found->second;
        const auto next = based_on_.find(at);
        if (next == based_on_.end()) break;
        at = next->second;
      }
    }
    std::erase_if(levels, [](const auto& entry) { return entry.second < 1 || entry.second > 6; });
  }

  std::map<std::string, int> levels;

 private:
  std::string id_;
  std::map<std::string, std::string> based_on_;
};

/// A paragraph that is being read; text boxes put paragraphs into paragraphs.
struct OpenParagraph {
  std::string text;
  int level = 0;   // of a heading
  int depth = -1;  // of a list item
};

struct OpenTable {
  std::vector<TableRow> rows;
  std::string cell;
};

class BodyReader final : public XmlListener {
 public:
  BodyReader(const std::map<std::string, int>& levels, DocumentBuilder& out)
      : levels_(levels), out_(out) {}

  void begin(std::string_view name, const XmlAttributes& attributes) override {
    if (skipped_ > 0 || is_skipped(name)) {
      ++skipped_;
    } else if (formula_.is_open() || FormulaReader::is_formula(name)) {
      formula_.begin(name, attributes);
    } else if (name == "p") {
      open_.emplace_back();
    } else if (name == "t" || name == "instrText") {
      in_text_ = name == "t";
    } else if (name == "tab" || name == "br" || name == "cr" || name == "ptab") {
      append(name == "tab" || name == "ptab" ? "\t" : "\n");
    } else if (name == "noBreakHyphen") {
      append("-");
    } else if (name == "sym") {
      append(" ");
    } else if (name == "tbl") {
      tables_.emplace_back();
    } else if (name == "tr" && !tables_.empty()) {
      tables_.back().rows.emplace_back();
    } else if (name == "tc" && !tables_.empty()) {
      tables_.back().cell.clear();
    } else {
      read_property(name, attributes);
    }
  }

  void end(std::string_view name) override {
    if (skipped_ > 0) {
      --skipped_;
    } else if (formula_.is_open()) {
      formula_.end(name);
      if (!formula_.is_open()) append(formula_.take());
    } else if (name == "t") {
      in_text_ = false;
    } else if (name == "p") {
      end_paragraph();
    } else if (name == "tc" && !tables_.empty()) {
      auto& table = tables_.back();
      if (table.rows.empty()) table.rows.emplace_back();
      table.rows.back().push_back(std::move(table.cell));
      table.cell.clear();
    } else if (name == "tbl" && !tables_.empty()) {
      end_table();
    }
  }

  void text(std::string_view text) override {
    if (skipped_ > 0) return;
    if (formula_.is_open()) formula_.text(text);
    if (in_text_) append(text);
  }

 private:
  /// The other spelling of what an earlier element said, what was deleted, and fields' formulas.
  static bool is_skipped(std::string_view name) {
    return name == "Fallback" || name == "del" || name == "moveFrom" || name == "instrText" ||
           name == "delText" || name == "rPrChange" || name == "pPrChange" || name == "separator" ||
           name == "continuationSeparator";
  }

  void read_property(std::string_view name, const XmlAttributes& attributes) {
    if (open_.empty()) return;
    OpenParagraph& paragraph = open_.back();
    if (name == "pStyle") {
      const auto found = levels_.find(std::string(attributes.get("val")));
      if (found != levels_.end()) paragraph.level = found->second;
    } else if (name == "outlineLvl") {
      paragraph.level = digit_at_end(attributes.get("val")) + 1;
      if (attributes.get("val") == "9") paragraph.level = 0;  // body text
    } else if (name == "ilvl") {
      paragraph.depth = digit_at_end(attributes.get("val"));
    } else if (name == "numId") {
      if (paragraph.depth < 0) paragraph.depth = 0;
      if (attributes.get("val") == "0") paragraph.depth = -1;
    }
  }

  void append(std::string_view text) {
    if (!open_.empty()) open_.back().text += text;
  }

  void end_paragraph() {
    if (open_.empty()) return;
    OpenParagraph paragraph = std::move(open_.back());
    open_.pop_back();
    // A text box stands beside the paragraph that it hangs on: it is read after it.
    if (!open_.empty() && tables_.empty()) {
      boxed_.push_back(std::move(paragraph));
      return;
    }
    put(paragraph);
    for (const auto& boxed : std::exchange(boxed_, {})) put(boxed);
  }

  void put(const OpenParagraph& paragraph) {
    if (!tables_.empty()) {
      auto& cell = tables_.back().cell;
      if (!cell.empty() && !paragraph.text.empty()) cell += ' ';
      cell += paragraph.text;
    } else if (paragraph.level > 0) {
      out_.heading(paragraph.level, paragraph.text);
    } else if (paragraph.depth >= 0) {
      out_.list_item(paragraph.text, paragraph.depth);
    } else {
      out_.paragraph(paragraph.text);
    }
  }

  void end_table() {
    OpenTable table = std::move(tables_.back());
    tables_.pop_back();
    if (tables_.empty()) {
      out_.table(table.rows, true);
      return;
    }
    for (const auto& row : table.rows) {
      for (const auto& cell : row) tables_.back().cell += " " + cell;
    }
  }

  const std::map<std::string, int>& levels_;
  DocumentBuilder& out_;
  std::vector<OpenParagraph> open_;
  std::vector<OpenParagraph> boxed_;  // of text boxes in the paragraph that is open
  std::vector<OpenTable> tables_;
  FormulaReader formula_;
  bool in_text_ = false;
  int skipped_ = 0;  // depth inside an element that is left out
};

}  // namespace

void read_docx(ZipArchive& archive, const std::string& part, DocumentBuilder& out) {
  StyleReader styles;
  const std::string style_part = related_part(archive, part, "styles");
  if (const auto xml = archive.read(style_part)) walk_xml(*xml, styles, XmlErrors::kKeepPart);
  styles.inherit();
  BodyReader body(styles.levels, out);
  walk_xml(required_part(archive, part), body);
  for (const char* type : {"footnotes", "endnotes"}) {
    const auto xml = archive.read(related_part(archive, part, type));
    if (!xml) continue;
    BodyReader notes(styles.levels, out);
    walk_xml(*xml, notes, XmlErrors::kKeepPart);
  }
}

}  // namespace kvlink::extract
