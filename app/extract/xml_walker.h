// SPDX-License-Identifier: Apache-2.0
// XML as a stream of elements and text, without documents types and without recursion.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvlink::extract {

/// Attributes of one element, names without their prefix ("w:val" is "val"). Borrowed for a call.
class XmlAttributes {
 public:
  explicit XmlAttributes(const char** pairs) : pairs_(pairs) {}
  /// Value of the first attribute with that local name; "" without one.
  std::string_view get(std::string_view local_name) const;
  /// Value of the attribute with that prefix and name, as "r:id".
  std::string_view get_full(std::string_view name) const;

 private:
  const char** pairs_;
};

/// What happens at elements; names come without their prefix.
class XmlListener {
 public:
  virtual ~XmlListener() = default;
  virtual void begin(std::string_view name, const XmlAttributes& attributes) = 0;
  virtual void end(std::string_view name) = 0;
  virtual void text(std::string_view text) = 0;
};

/// Limits of one document; the elements are counted, so that a bomb ends early.
struct XmlLimits {
  std::int64_t depth = 512;
  std::int64_t elements = 20'000'000;
};

enum class XmlErrors : std::uint8_t {
  kRefuse,    ///< a malformed document is Unreadable
  kKeepPart,  ///< what came before the mistake counts
};

/// Walks a document. Entities other than the predefined ones, and so every document type that
/// defines some, are refused. Throws Unreadable.
void walk_xml(std::string_view xml, XmlListener& listener, XmlErrors errors = XmlErrors::kRefuse,
              XmlLimits limits = {});

/// "w:val" → "val"
std::string_view local_name(std::string_view name);

}  // namespace kvlink::extract
