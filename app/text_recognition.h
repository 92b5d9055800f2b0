// SPDX-License-Identifier: Apache-2.0
// The text of pictures and of scanned pages, where kvlink-ocr is there and Tesseract is installed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/result.h"
#include "kernels/base/sha256.h"
#include "retrieval/extract/extractor.h"
#include "retrieval/library.h"

namespace kvlink::app {

/// Limits of one page: decoding and recognising it. It runs when nobody else wants the processor,
/// which may be long in coming.
inline constexpr retrieval::ExtractorLimits kRecognitionLimits{
    .seconds = 60, .max_seconds = 60, .wall_factor = 20, .niceness = 19};

/// A document whose text, or a part of it, is in pictures.
struct PicturedDocument {
  const std::string& bytes;
  std::string file_name;
  std::string password;
  Digest content;      ///< of the bytes: what was recognised is kept under it
  bool retry = false;  ///< pages that were set aside, too
};

/// Times that a content, or one of its pages, may stop its reader before it is set aside.
inline constexpr std::int64_t kMaxReaderFailures = 2;

struct RecognisedDocument {
  retrieval::ReadReport report;
  std::vector<std::int32_t> set_aside;  ///< pages that failed too often; a notice says why
};

/// One process for each page. Thread-safe.
class TextRecognition {
 public:
  /// `program`: kvlink-ocr, which may be missing; `reader`: kvlink-extract, which draws pages.
  TextRecognition(std::filesystem::path program, std::filesystem::path reader,
                  retrieval::ExtractorLimits limits = kRecognitionLimits)
      : program_(std::move(program)), reader_(std::move(reader)), limits_(limits) {}

  /// Tesseract's names of what is read: of `wanted` ("deu+eng", or "auto": English and the language
  /// of this system) what is installed; else, of "auto", the first one that is; "": nothing can be
  /// read. Asks the program, again and again while it has no language.
  std::string choose_languages(const std::string& wanted);

  /// Puts what is recognised in the pages that `read` (as kvlink-extract gave it) has no text of in
  /// their place; of a picture, all there is. Each page is kept in the library as it is done, so
  /// that a stop loses at most one. A page that cannot be recognised stays in pages_without_text
  /// and is tried again by the next call, once; then it is set aside, as a notice says, until
  /// `retry`. Where no
  /// page has text, that is kNeedsOcr, or kSetAside when all are. Trained data that are gone end
  /// it, and choose_languages asks anew. kCancelled, and what Extractor::read and Library say.
  Result<RecognisedDocument> recognise(retrieval::ReadReport read, const PicturedDocument& document,
                                       const std::string& languages, retrieval::Library& library,
                                       std::stop_token stop);

 private:
  void forget_installed();

  std::filesystem::path program_;
  std::filesystem::path reader_;
  retrieval::ExtractorLimits limits_;
  std::mutex mutex_;
  std::vector<std::string> installed_;  // guarded by mutex_
};

/// Tesseract's name of a language, "deu" for "de_DE.UTF-8"; "" when it has none here.
std::string tesseract_language(std::string_view locale);

}  // namespace kvlink::app
