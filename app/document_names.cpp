// SPDX-License-Identifier: Apache-2.0
#include "app/document_names.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string_view>
#include <system_error>
#include <utility>

namespace kvlink::app {
namespace {

using Documents = std::vector<retrieval::Document>;
constexpr std::string_view kNumberMark = "id:";

Documents those(const Documents& all, const std::function<bool(const retrieval::Document&)>& is) {
  Documents chosen;
  std::copy_if(all.begin(), all.end(), std::back_inserter(chosen), is);
  return chosen;
}

/// The absolute path meant, also of a file that is gone or may not be looked at; "" when there is
/// none.
std::string absolute_path(const std::string& name) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(name, error);
  if (error) return "";
  auto path = std::filesystem::weakly_canonical(absolute, error);
  if (error) path = absolute.lexically_normal();
  std::string text = path.string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

/// The one at that path, or all below it.
Documents at_path(const Documents& all, const std::string& path) {
  if (path.empty()) return {};
  auto found = those(all, [&](const auto& d) { return d.path == path; });
  if (!found.empty()) return found;
  return those(all, [&](const auto& d) { return d.path.starts_with(path + "/"); });
}

/// A folder may be called as a document is numbered: 2024.
void expect_one_meaning(const std::string& name, const Documents& numbered,
                        const Documents& placed) {
  const bool same = placed.size() == 1 && placed.front().id == numbered.front().id;
  if (placed.empty() || same) return;
  fail(ErrorCode::kInvalidInput, name + " is the number of " + numbered.front().path +
                                     ", and documents lie at that path, too. Write " +
                                     std::string(kNumberMark) + name + " for the number or ./" +
                                     name + " for the path.");
}

}  // namespace

Result<Documents> find_documents(retrieval::Library& library, const std::string& name) {
  return returning([&] {
    const Documents all = value_or_throw(library.documents());
    if (name.empty()) return Documents();
    const auto numbered = [&](const std::string& number) {
      return those(all, [&](const auto& d) { return std::to_string(d.id) == number; });
    };
    if (name.starts_with(kNumberMark)) {
      auto marked = numbered(name.substr(kNumberMark.size()));
      if (!marked.empty()) return marked;
    }
    auto found = numbered(name);
    auto placed = at_path(all, absolute_path(name));
    if (!found.empty()) {
      expect_one_meaning(name, found, placed);
      return found;
    }
    found = std::move(placed);
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
