// SPDX-License-Identifier: Apache-2.0
// Office documents behind a password: the ZIP file inside, as [MS-OFFCRYPTO] describes it.
#pragma once

#include <string>
#include <string_view>

namespace kvlink::extract {

/// Whether a compound file (OLE) holds an encrypted document; not old formats of Office.
bool is_encrypted_office(std::string_view ole);

/// The document inside: standard encryption (Office 2007) and agile encryption (2010 and later).
/// Throws Unreadable: kNeedsPassword for none or a wrong one, kUnsupported, kDamaged.
std::string decrypt_office(std::string_view ole, const std::string& password);

}  // namespace kvlink::extract
