// SPDX-License-Identifier: Apache-2.0
#include "app/document_names.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <system_error>

namespace kvlink::app {
namespace {

using Documents = std::vector<retrieval::Document>;

Documents those(const Documents& all, const std::function<bool(const retrieval::Document&)>& is) {
  Documents chosen;
  std::copy_if(all.begin(), all.end(), std::back_inserter(chosen), is);
  return chosen;
}

/// The absolute path meant, also of a file that is gone; "" when it cannot be a path.
std::string absolute_path(const std::string& name) {
  std::error_code error;
  auto path = std::filesystem::weakly_canonical(std::filesystem::absolute(name, error), error);
  if (error) return "";
  std::string text = path.string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

}  // namespace

Result<Documents> find_documents(retrieval::Library& library, const std::string& name) {
  return returning([&] {
    const Documents all = value_or_throw(library.documents());
    if (name.empty()) return Documents();
    auto found = those(all, [&](const auto& d) { return std::to_string(d.id) == name; });
    const std::string path = absolute_path(name);
    if (found.empty()) found = those(all, [&](const auto& d) { return d.path == path; });
    if (found.empty()) {
      found = those(all, [&](const auto& d) { return d.path.starts_with(path + "/"); });
    }
    if (!found.empty()) return found;
    found = those(all, [&](const auto& d) { return d.path.ends_with("/" + name); });
    if (found.size() > 1) {
      std::string list;
      for (const auto& d : found) list += "\n  " + std::to_string(d.id) + "  " + d.path;
      fail(ErrorCode::kInvalidInput,
           "Several documents are called " + name + "; name one by its number or path:" + list);
    }
    return found;
  });
}

Result<std::vector<retrieval::DocumentId>> resolve_documents(retrieval::Library& library,
                                                             std::span<const std::string> names) {
  return returning([&] {
    std::vector<retrieval::DocumentId> ids;
    for (const auto& name : names) {
      const auto found = value_or_throw(find_documents(library, name));
      if (found.empty()) {
        fail(ErrorCode::kNotFound, "There is no document " + name +
                                       " in the library. `kvlink status --documents` lists them.");
      }
      for (const auto& document : found) ids.push_back(document.id);
    }
    return ids;
  });
}

}  // namespace kvlink::app
