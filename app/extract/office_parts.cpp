// SPDX-License-Identifier: Apache-2.0
#include "app/extract/office_parts.h"

#include "app/extract/serve.h"

namespace kvlink::extract {
namespace {

class RelationReader final : public XmlListener {
 public:
  explicit RelationReader(std::string_view part) : part_(part) {}
  void begin(std::string_view name, const XmlAttributes& attributes) override {
    if (name != "Relationship" || attributes.get("TargetMode") == "External") return;
    const auto type = attributes.get("Type");
    Relation relation;
    relation.type = type.substr(type.rfind('/') == type.npos ? 0 : type.rfind('/') + 1);
    relation.target = resolve_path(part_, attributes.get("Target"));
    relations[std::string(attributes.get("Id"))] = std::move(relation);
  }
  void end(std::string_view) override {}
  void text(std::string_view) override {}

  std::map<std::string, Relation> relations;

 private:
  std::string_view part_;
};

}  // namespace

std::string resolve_path(std::string_view part, std::string_view target) {
  std::vector<std::string_view> folders;
  const auto add = [&](std::string_view path) {
    while (!path.empty()) {
      const std::size_t end = std::min(path.find('/'), path.size());
      const auto name = path.substr(0, end);
      if (name == "..") {
        if (!folders.empty()) folders.pop_back();
      } else if (!name.empty() && name != ".") {
        folders.push_back(name);
      }
      path.remove_prefix(std::min(end + 1, path.size()));
    }
  };
  if (!target.starts_with('/')) {
    add(part.substr(0, part.rfind('/') == part.npos ? 0 : part.rfind('/')));
  }
  add(target);
  std::string out;
  for (const auto folder : folders) {
    if (!out.empty()) out += '/';
    out += folder;
  }
  return out;
}

std::map<std::string, Relation> relations_of(ZipArchive& archive, const std::string& part) {
  const std::size_t slash = part.rfind('/');
  const std::string folder = slash == part.npos ? "" : part.substr(0, slash + 1);
  const std::string name = slash == part.npos ? part : part.substr(slash + 1);
  const auto xml = archive.read(folder + "_rels/" + name + ".rels");
  if (!xml) return {};
  RelationReader reader(part);
  walk_xml(*xml, reader, XmlErrors::kKeepPart);
  return std::move(reader.relations);
}

std::string related_part(ZipArchive& archive, const std::string& part, std::string_view type) {
  for (const auto& [id, relation] : relations_of(archive, part)) {
    if (relation.type == type) return relation.target;
  }
  return "";
}

std::string required_part(ZipArchive& archive, const std::string& part) {
  auto text = archive.read(part);
  if (!text) {
    throw Unreadable(retrieval::ReadProblem::kDamaged, "its part " + part + " is missing");
  }
  return std::move(*text);
}

}  // namespace kvlink::extract
