// SPDX-License-Identifier: Apache-2.0
// What a file is, by its first bytes; its name only decides between kinds of text.
#pragma once

#include <string_view>

namespace kvlink::extract {

enum class FileType {
  kPlainText,
  kMarkdown,
  kSource,
  kRst,
  kOrg,
  kAsciiDoc,
  kCsv,
  kTsv,
  kJson,
  kJsonLines,
  kNotebook,
  kHtml,
  kXml,
  kRtf,
  kMail,
  kMailbox,
  kSubtitles,
  kPdf,
  kZip,  ///< office documents, e-books, plain archives: its members tell
  kOle,  ///< old office documents, encrypted new ones
  kPicture,
  kMedia,  ///< sound and film
  kArchive,
  kBinary,  ///< anything else that is not text
};

/// `bytes` is the whole file.
FileType file_type(std::string_view file_name, std::string_view bytes);

}  // namespace kvlink::extract
