// SPDX-License-Identifier: Apache-2.0
#include "app/extract/epub_reader.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "app/extract/html_reader.h"
#include "app/extract/office_parts.h"
#include "app/extract/text_decoder.h"
#include "kernels/base/hex.h"

namespace kvlink::extract {
namespace {

class ContainerReader final : public XmlListener {
 public:
  void begin(std::string_view name, const XmlAttributes& attributes) override {
    if (name == "rootfile" && package.empty()) package = attributes.get("full-path");
  }
  void end(std::string_view) override {}
  void text(std::string_view) override {}
  std::string package;
};

class PackageReader final : public XmlListener {
 public:
  void begin(std::string_view name, const XmlAttributes& attributes) override {
    in_title_ = name == "title" && title.empty();
    if (name == "item") {
      items[std::string(attributes.get("id"))] = attributes.get("href");
    } else if (name == "itemref") {
      spine.emplace_back(attributes.get("idref"));
    }
  }
  void end(std::string_view) override { in_title_ = false; }
  void text(std::string_view text) override {
    if (in_title_) title += text;
  }
  std::map<std::string, std::string> items;  // id → file
  std::vector<std::string> spine;
  std::string title;

 private:
  bool in_title_ = false;
};

/// "a%20b" → "a b"
std::string without_escapes(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto hex = [&](std::size_t at) { return at < name.size() ? hex_value(name[at]) : -1; };
    if (name[i] == '%' && hex(i + 1) >= 0 && hex(i + 2) >= 0) {
      out += static_cast<char>(hex(i + 1) * 16 + hex(i + 2));
      i += 2;
    } else {
      out += name[i];
    }
  }
  return out;
}

}  // namespace

void read_epub(ZipArchive& archive, DocumentBuilder& out) {
  ContainerReader container;
  walk_xml(required_part(archive, "META-INF/container.xml"), container);
  PackageReader package;
  walk_xml(required_part(archive, container.package), package, XmlErrors::kKeepPart);
  out.set_title(package.title);
  std::int64_t number = 0;
  for (const auto& id : package.spine) {
    const auto item = package.items.find(id);
    if (item == package.items.end()) continue;
    const std::string file = resolve_path(container.package, without_escapes(item->second));
    const auto page = archive.read(file);
    if (!page) continue;
    out.set_place({PlaceKind::kChapter, ++number, file});
    read_html(decode_text(*page, declared_charset(*page)).text, out);
  }
}

}  // namespace kvlink::extract
