// SPDX-License-Identifier: Apache-2.0
#include "app/extract/pptx_reader.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "app/extract/chart_reader.h"
#include "app/extract/formula_reader.h"
#include "app/extract/office_parts.h"

namespace kvlink::extract {
namespace {

/// Ids of slides in the order they are shown.
class SlideOrder final : public XmlListener {
 public:
  void begin(std::string_view name, const XmlAttributes& attributes) override {
    if (name == "sldId") ids.emplace_back(attributes.get_full("r:id"));
  }
  void end(std::string_view) override {}
  void text(std::string_view) override {}
  std::vector<std::string> ids;
};

struct Paragraph {
  std::string text;
  int depth = 0;
};

/// One shape of a slide: text, or a table.
struct Shape {
  long top = 0, left = 0;
  std::string placeholder;  // "title", "body", …
  std::vector<Paragraph> paragraphs;
  std::vector<TableRow> rows;
};

class ShapeReader final : public XmlListener {
 public:
  void begin(std::string_view name, const XmlAttributes& attributes) override {
    if (name == "sp" || name == "graphicFrame") {
      open_.emplace_back();
      placed_ = false;
    } else if (open_.empty()) {
      return;
    } else if (formula_.is_open() || FormulaReader::is_formula(name)) {
      formula_.begin(name, attributes);
    } else if (name == "ph") {
      const auto type = attributes.get("type");
      open_.back().placeholder = type.empty() ? "body" : std::string(type);
    } else if (name == "off" && !placed_) {
      open_.back().left = std::strtol(std::string(attributes.get("x")).c_str(), nullptr, 10);
      open_.back().top = std::strtol(std::string(attributes.get("y")).c_str(), nullptr, 10);
      placed_ = true;
    } else if (name == "p") {
      open_.back().paragraphs.emplace_back();
    } else if (name == "pPr" && !open_.back().paragraphs.empty()) {
      open_.back().paragraphs.back().depth = std::atoi(std::string(attributes.get("lvl")).c_str());
    } else if (name == "br") {
      append("\n");
    } else if (name == "t") {
      in_text_ = true;
    } else if (name == "tr") {
      open_.back().rows.emplace_back();
    } else if (name == "tc") {
      open_.back().paragraphs.clear();
    }
  }

  void end(std::string_view name) override {
    if (formula_.is_open()) {
      formula_.end(name);
      if (!formula_.is_open()) append(formula_.take());
      return;
    }
    if (name == "t") in_text_ = false;
    if (open_.empty()) return;
    if (name == "tc") {
      TableRow& row =
          open_.back().rows.empty() ? open_.back().rows.emplace_back() : open_.back().rows.back();
      std::string cell;
      for (const auto& paragraph : open_.back().paragraphs) {
        cell += (cell.empty() ? "" : " ") + paragraph.text;
      }
      row.push_back(std::move(cell));
      open_.back().paragraphs.clear();
    } else if (name == "sp" || name == "graphicFrame") {
      shapes.push_back(std::move(open_.back()));
      open_.pop_back();
    }
  }

  void text(std::string_view text) override {
    if (formula_.is_open()) formula_.text(text);
    if (in_text_) append(text);
  }

  std::vector<Shape> shapes;

 private:
  void append(std::string_view text) {
    if (!open_.empty() && !open_.back().paragraphs.empty()) {
      open_.back().paragraphs.back().text += text;
    }
  }

  std::vector<Shape> open_;
  FormulaReader formula_;
  bool placed_ = false;
  bool in_text_ = false;
};

bool is_title(const Shape& shape) {
  return shape.placeholder == "title" || shape.placeholder == "ctrTitle";
}

/// Repeated on every slide, and of no slide in particular.
bool is_furniture(const Shape& shape) {
  return shape.placeholder == "sldNum" || shape.placeholder == "ftr" || shape.placeholder == "dt" ||
         shape.placeholder == "hdr" || shape.placeholder == "sldImg";
}

std::string joined(const Shape& shape) {
  std::string text;
  for (const auto& paragraph : shape.paragraphs) {
    if (!text.empty() && !paragraph.text.empty()) text += ' ';
    text += paragraph.text;
  }
  return text;
}

void add_shape(const Shape& shape, DocumentBuilder& out) {
  if (is_furniture(shape)) return;
  if (is_title(shape)) return out.heading(2, joined(shape));
  if (!shape.rows.empty()) return out.table(shape.rows, true);
  const bool list = shape.placeholder == "body" && shape.paragraphs.size() > 1;
  for (const auto& paragraph : shape.paragraphs) {
    if (list) {
      out.list_item(paragraph.text, paragraph.depth);
    } else {
      out.paragraph(paragraph.text);
    }
  }
}

std::vector<Shape> shapes_of(ZipArchive& archive, const std::string& part) {
  const auto xml = archive.read(part);
  if (!xml) return {};
  ShapeReader reader;
  walk_xml(*xml, reader, XmlErrors::kKeepPart);
  return std::move(reader.shapes);
}

void add_notes(ZipArchive& archive, const std::string& slide, DocumentBuilder& out) {
  const std::string part = related_part(archive, slide, "notesSlide");
  if (part.empty()) return;
  bool said = false;
  for (const auto& shape : shapes_of(archive, part)) {
    if (shape.placeholder != "body" || joined(shape).empty()) continue;
    if (!std::exchange(said, true)) out.heading(3, "Notes");
    for (const auto& paragraph : shape.paragraphs) out.paragraph(paragraph.text);
  }
}

}  // namespace

void read_pptx(ZipArchive& archive, const std::string& part, DocumentBuilder& out) {
  SlideOrder order;
  walk_xml(required_part(archive, part), order);
  const auto relations = relations_of(archive, part);
  std::int64_t number = 0;
  for (const auto& id : order.ids) {
    ++number;
    const auto found = relations.find(id);
    if (found == relations.end()) continue;
    out.set_place({PlaceKind::kSlide, number, {}});
    auto shapes = shapes_of(archive, found->second.target);
    // As a person reads: the title, then from top to bottom, then from left to right.
    std::stable_sort(shapes.begin(), shapes.end(), [](const Shape& a, const Shape& b) {
      if (is_title(a) != is_title(b)) return is_title(a);
      return std::pair(a.top, a.left) < std::pair(b.top, b.left);
    });
    for (const auto& shape : shapes) add_shape(shape, out);
    for (const auto& [chart_id, relation] : relations_of(archive, found->second.target)) {
      if (relation.type != "chart") continue;
      if (const auto xml = archive.read(relation.target)) read_chart(*xml, out);
    }
    add_notes(archive, found->second.target, out);
  }
}

}  // namespace kvlink::extract
