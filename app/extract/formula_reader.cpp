// SPDX-License-Identifier: Apache-2.0
#include "app/extract/formula_reader.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kvlink::extract {
namespace {

using Names = std::pair<std::string_view, std::string_view>;

std::string command_for(std::string_view sign) {
  constexpr std::array<Names, 5> kSigns{
      {{"∑", "\\sum"}, {"∏", "\\prod"}, {"∫", "\\int"}, {"⋃", "\\bigcup"}, {"⋂", "\\bigcap"}}};
  for (const auto& [from, to] : kSigns) {
    if (sign == from) return std::string(to);
  }
  return sign.empty() ? "\\int" : std::string(sign);
}

/// Combining characters of accents.
std::string_view accent_for(std::string_view sign) {
  constexpr std::array<Names, 5> kAccents{{{"\u0303", "\\tilde{"},
                                           {"\u0304", "\\bar{"},
                                           {"\u0305", "\\bar{"},
                                           {"\u0307", "\\dot{"},
                                           {"\u20D7", "\\vec{"}}};
  for (const auto& [from, to] : kAccents) {
    if (sign == from) return to;
  }
  return "\\hat{";
}

std::string bracket(std::string_view sign) {
  if (sign.empty()) return ".";
  return sign == "{" || sign == "}" ? "\\" + std::string(sign) : std::string(sign);
}

bool is_on(std::string_view value) { return value != "0" && value != "off" && value != "false"; }

bool is_property(std::string_view name) { return name.ends_with("Pr"); }

}  // namespace

void FormulaReader::read_property(Element& of, std::string_view name,
                                  const XmlAttributes& attributes) {
  const std::string value(attributes.get("val"));
  if (name == "chr") of.sign = value;
  if (name == "begChr") of.left = value;
  if (name == "endChr") of.right = value;
  if (name == "sepChr") of.between = value;
  if (name == "subHide" || name == "degHide") of.hides_lower = is_on(value);
  if (name == "supHide") of.hides_upper = is_on(value);
}

void FormulaReader::open_named_part(Element& of, std::string_view name, Element& part) {
  if (of.name == "nary" && !std::exchange(of.has_sign, true)) text_ += command_for(of.sign);
  const bool is_lower = name == "sub" || (name == "lim" && of.name == "limLow");
  const bool is_upper = name == "sup" || (name == "lim" && of.name == "limUpp");
  if (name == "num" || name == "den") {
    text_ += name == "num" ? "\\frac{" : "{";
    part.closing = "}";
  } else if ((is_lower && !of.hides_lower) || (is_upper && !of.hides_upper)) {
    text_ += is_lower ? "_{" : "^{";
    part.closing = "}";
  } else if (name == "deg" && !of.hides_lower) {
    text_ += "\\sqrt[";
    part.closing = "]";
  }
}

void FormulaReader::open_part(Element& of, std::string_view name, Element& part) {
  const bool is_first = of.n_parts++ == 0;
  if (name == "mr" || (of.name == "eqArr" && name == "e")) {
    text_ += is_first ? "" : " \\\\ ";
  } else if (name != "e") {
    open_named_part(of, name, part);
  } else if (of.name == "mr") {
    text_ += is_first ? "" : " & ";
  } else if (of.name == "d") {
    text_ += is_first ? "\\left" + bracket(of.left) : of.between;
  } else if (of.name == "rad" || of.name == "acc" || of.name == "bar") {
    const bool has_degree = !is_first && !of.hides_lower;
    text_ += of.name == "acc"   ? accent_for(of.sign)
             : of.name == "bar" ? "\\overline{"
             : has_degree       ? "{"
                                : "\\sqrt{";
    part.closing = "}";
  } else if (of.name == "nary" || of.name == "func") {
    open_named_part(of, name, part);
    if (!text_.ends_with(' ')) text_ += ' ';
  }
}

void FormulaReader::begin(std::string_view name, const XmlAttributes& attributes) {
  if (open_.empty()) stands_alone_ = name == "oMathPara";
  Element element;
  element.name = name;
  if (!open_.empty()) {
    Element& parent = open_.back();
    if (is_property(parent.name)) {
      if (open_.size() > 1) read_property(open_[open_.size() - 2], name, attributes);
    } else if (!is_property(name)) {
      open_part(parent, name, element);
    }
  }
  if (name == "m") text_ += "\\begin{matrix}";
  in_text_ = name == "t";
  open_.push_back(std::move(element));
}

void FormulaReader::end(std::string_view name) {
  if (open_.empty()) return;
  const Element element = std::move(open_.back());
  open_.pop_back();
  text_ += element.closing;
  if (name == "m") text_ += "\\end{matrix}";
  if (name == "d" && element.n_parts > 0) text_ += "\\right" + bracket(element.right);
  in_text_ = false;
}

void FormulaReader::text(std::string_view text) {
  constexpr std::string_view kApplied = "\u2061";  // between a function's name and what it is of
  if (!in_text_) return;
  for (std::size_t at = text.find(kApplied); at != text.npos; at = text.find(kApplied)) {
    text_ += text.substr(0, at);
    text_ += ' ';
    text.remove_prefix(at + kApplied.size());
  }
  text_ += text;
}

std::string FormulaReader::take() {
  const std::string text = std::exchange(text_, {});
  if (text.find_first_not_of(" \t\r\n") == text.npos) return {};
  const std::string_view mark = stands_alone_ ? "$$" : "$";
  return std::string(mark) + text + std::string(mark);
}

}  // namespace kvlink::extract
