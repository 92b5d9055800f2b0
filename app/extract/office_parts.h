// SPDX-License-Identifier: Apache-2.0
// What the office readers share: parts, their relations, runs of text.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/extract/xml_walker.h"
#include "app/extract/zip_archive.h"

namespace kvlink::extract {

/// One line of a part's .rels file.
struct Relation {
  std::string type;    ///< last word of its URI: "slide", "notesSlide", "worksheet"
  std::string target;  ///< path in the archive
};

/// Relations of a part by their id; empty when it has none.
std::map<std::string, Relation> relations_of(ZipArchive& archive, const std::string& part);

/// The first relation of that type, or "".
std::string related_part(ZipArchive& archive, const std::string& part, std::string_view type);

/// `target` as seen from the folder of `part`, without "..".
std::string resolve_path(std::string_view part, std::string_view target);

/// A part, or Unreadable when it is missing.
std::string required_part(ZipArchive& archive, const std::string& part);

}  // namespace kvlink::extract
