// SPDX-License-Identifier: Apache-2.0
#include "app/extract/xml_walker.h"

#include <expat.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <new>

#include "app/extract/serve.h"

namespace kvlink::extract {
namespace {

using retrieval::ReadProblem;

struct ParserDeleter {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};
using Parser = std::unique_ptr<std::remove_pointer_t<XML_Parser>, ParserDeleter>;

/// Exceptions must not cross expat's frames: they are kept until it has returned.
class Walk {
 public:
  Walk(XmlListener& listener, XmlLimits limits) : listener_(listener), limits_(limits) {
    parser_.reset(XML_ParserCreate(nullptr));
    if (!parser_) throw std::bad_alloc();
    XML_SetUserData(parser_.get(), this);
    XML_SetElementHandler(parser_.get(), &Walk::on_begin, &Walk::on_end);
    XML_SetCharacterDataHandler(parser_.get(), &Walk::on_text);
    XML_SetEntityDeclHandler(parser_.get(), &Walk::on_entity);
  }

  void run(std::string_view xml, XmlErrors errors) {
    constexpr std::size_t kStep = 1 << 20;
    for (std::size_t pos = 0; pos <= xml.size(); pos += kStep) {
      const auto part = xml.substr(pos, kStep);
      const bool last = pos + kStep > xml.size();
      const auto state =
          XML_Parse(parser_.get(), part.data(), static_cast<int>(part.size()), last ? 1 : 0);
      if (failure_) std::rethrow_exception(failure_);
      if (state != XML_STATUS_OK) {
        if (errors == XmlErrors::kKeepPart) return;
        throw Unreadable(ReadProblem::kDamaged,
                         "its XML is malformed at line " +
                             std::to_string(XML_GetCurrentLineNumber(parser_.get())) + " (" +
                             XML_ErrorString(XML_GetErrorCode(parser_.get())) + ")");
      }
    }
  }

 private:
  template <typename F>
  void guarded(F&& body) {
    if (failure_) return;
    try {
      body();
    } catch (...) {
      failure_ = std::current_exception();
      XML_StopParser(parser_.get(), XML_FALSE);
    }
  }

  static void on_begin(void* self, const char* name, const char** attributes) {
    auto& walk = *static_cast<Walk*>(self);
    walk.guarded([&] {
      if (++walk.depth_ > walk.limits_.depth || ++walk.n_elements_ > walk.limits_.elements) {
        throw Unreadable(ReadProblem::kTooLarge, "its XML is nested too deeply or too large");
      }
      walk.listener_.begin(local_name(name), XmlAttributes(attributes));
    });
  }
  static void on_end(void* self, const char* name) {
    auto& walk = *static_cast<Walk*>(self);
    walk.guarded([&] {
      --walk.depth_;
      walk.listener_.end(local_name(name));
    });
  }
  static void on_text(void* self, const char* text, int n) {
    auto& walk = *static_cast<Walk*>(self);
    walk.guarded([&] { walk.listener_.text({text, static_cast<std::size_t>(n)}); });
  }
  static void on_entity(void* self, const char*, int, const char*, int, const char*, const char*,
                        const char*, const char*) {
    auto& walk = *static_cast<Walk*>(self);
    walk.guarded([] {
      throw Unreadable(ReadProblem::kDamaged,
                       "its XML defines entities (an entity bomb?), which no such document needs");
    });
  }

  XmlListener& listener_;
  XmlLimits limits_;
  Parser parser_;
  std::int64_t depth_ = 0;
  std::int64_t n_elements_ = 0;
  std::exception_ptr failure_;
};

}  // namespace

std::string_view local_name(std::string_view name) {
  const std::size_t colon = name.find(':');
  return colon == name.npos ? name : name.substr(colon + 1);
}

std::string_view XmlAttributes::get(std::string_view name) const {
  for (const char** pair = pairs_; *pair != nullptr; pair += 2) {
    if (local_name(pair[0]) == name) return pair[1];
  }
  return {};
}

std::string_view XmlAttributes::get_full(std::string_view name) const {
  for (const char** pair = pairs_; *pair != nullptr; pair += 2) {
    if (name == pair[0]) return pair[1];
  }
  return {};
}

void walk_xml(std::string_view xml, XmlListener& listener, XmlErrors errors, XmlLimits limits) {
  Walk(listener, limits).run(xml, errors);
}

}  // namespace kvlink::extract
