// SPDX-License-Identifier: Apache-2.0
// OpenDocument packages behind a password: OpenDocument 1.2, part 3, section 3.4, and what
// LibreOffice made of it.
#pragma once

#include <string>

#include "app/extract/zip_archive.h"

namespace kvlink::extract {

/// content.xml, decrypted by the archive's password where the manifest says that it is encrypted:
/// by AES in CBC or GCM, or by Blowfish as before 2012; with keys of PBKDF2 or Argon2id; by itself
/// or within the whole package, as LibreOffice has it since 24.8. Computing and memory that the
/// manifest asks for are bounded. Throws Unreadable: missing, damaged, kNeedsPassword for none or a
/// wrong one, kUnsupported for other ways and beyond the bounds.
std::string odf_content(ZipArchive& archive);

}  // namespace kvlink::extract
