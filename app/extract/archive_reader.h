// SPDX-License-Identifier: Apache-2.0
// Archives as one document: their members one after the other, each by the reader of its type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "app/extract/document_builder.h"
#include "app/extract/zip_archive.h"

namespace kvlink::extract {

/// Reads one member. May throw what readers throw: then the member is left out, with its reason.
using MemberReader =
    std::function<ParsedDocument(const std::string& bytes, const std::string& name)>;

/// Members whose name or folder begins with a dot are left out. Throws Unreadable: damaged, beyond
/// the limits, or no member could be read.
void read_zip_members(ZipArchive& archive, const MemberReader& read, DocumentBuilder& out);
/// The same of a tar archive (ustar, with long names of GNU tar and pax).
void read_tar_members(std::string_view bytes, const MemberReader& read, DocumentBuilder& out,
                      std::size_t max_members = ZipLimits().members);

bool is_tar(std::string_view bytes);
bool is_gzip(std::string_view bytes);
/// Throws Unreadable: damaged, or more than `max_bytes` come out.
std::string unpack_gzip(std::string_view bytes, std::int64_t max_bytes = ZipLimits().total_bytes);

}  // namespace kvlink::extract
