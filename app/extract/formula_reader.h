// SPDX-License-Identifier: Apache-2.0
// Formulas of Office documents (OMML, ECMA-376 part 1, 22.1) as LaTeX.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/extract/xml_walker.h"

namespace kvlink::extract {

/// Takes the elements of one formula after the other, without copies of what is inside: its parts
/// stand in the order in which LaTeX wants them. Elements that it does not know add their text.
class FormulaReader {
 public:
  static bool is_formula(std::string_view name) { return name == "oMath" || name == "oMathPara"; }

  bool is_open() const { return !open_.empty(); }
  /// The first element must be a formula.
  void begin(std::string_view name, const XmlAttributes& attributes);
  void end(std::string_view name);
  void text(std::string_view text);
  /// What was read, between "$" in a line and "$$" where it stands alone; "" for an empty one.
  std::string take();

 private:
  struct Element {
    std::string name;
    std::string sign;  // of a sum, an accent, …
    std::string left = "(", right = ")", between = "|";
    bool hides_lower = false, hides_upper = false, has_sign = false;
    int n_parts = 0;
    std::string closing;
  };

  void read_property(Element& of, std::string_view name, const XmlAttributes& attributes);
  /// What stands before and behind a part of an element.
  void open_part(Element& of, std::string_view name, Element& part);
  void open_named_part(Element& of, std::string_view name, Element& part);

  std::vector<Element> open_;
  std::string text_;
  bool in_text_ = false;
  bool stands_alone_ = false;
};

}  // namespace kvlink::extract
