// SPDX-License-Identifier: Apache-2.0
// Text in pictures, through Tesseract; pictures are decoded by Leptonica. `kvlink-ocr` only.
#pragma once

#include <string>
#include <vector>

#include "retrieval/extract/frames.h"

namespace kvlink::extract {

/// Languages whose trained data are installed, by Tesseract's names ("eng", "deu"), sorted.
std::vector<std::string> installed_languages();

/// Loads the trained data of `languages` ("deu+eng"), while files can still be opened. Whether that
/// could be done; without it read_picture says so.
bool prepare_recognition(const std::string& languages);

/// The words of a picture (PNG, JPEG, TIFF, WebP, PNM) as paragraphs; none where it has no text
/// that can be told. Of a TIFF, the picture request.page (0 as 1); pages_without_text then
/// names its other pictures. Throws Unreadable.
retrieval::ReadReport read_picture(const std::string& bytes, const retrieval::ReadRequest& request);

}  // namespace kvlink::extract
