// SPDX-License-Identifier: Apache-2.0
#include "app/extract/picture_text.h"

#include <leptonica/allheaders.h>
#include <omp.h>
#include <tesseract/baseapi.h>
#include <tesseract/resultiterator.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <memory>
#include <string_view>
#include <utility>

#include "app/extract/document_builder.h"
#include "app/extract/pdf_text.h"
#include "app/extract/picture_turn.h"
#include "app/extract/serve.h"

namespace kvlink::extract {
namespace {

using retrieval::ReadProblem;

constexpr std::int64_t kMaxPixels = 64'000'000;  // that are decoded
constexpr double kEnoughPixels = 12'000'000;     // for reading; more are made fewer
constexpr std::int32_t kMinSide = 16;            // of a picture with a word in it
constexpr float kSureEnough = 45;                // Tesseract's confidence in a word, of 100
constexpr std::size_t kFewestLetters = 3;        // fewer are specks taken for letters
constexpr std::int32_t kMaxTiffPages = 2'000;

/// Stands for the hyphen and line break of a divided word, as add_page_text takes it.
constexpr std::string_view kJoined = "\uFFFE";

struct PixDestroyer {
  void operator()(Pix* pix) const { pixDestroy(&pix); }
};
using PixPointer = std::unique_ptr<Pix, PixDestroyer>;

/// Lives as long as the process: its destructor has nothing to give back that matters.
tesseract::TessBaseAPI& engine() {
  static auto* api = new tesseract::TessBaseAPI;
  return *api;
}

bool is_ready = false;

[[noreturn]] void fail_damaged() {
  throw Unreadable(ReadProblem::kDamaged, "the picture cannot be decoded");
}

struct Header {
  std::string media_type;
  bool tiff = false;
  std::int32_t n_pages = 1;
  std::int32_t width = 0, height = 0;
};

std::int32_t n_tiff_pages(const l_uint8* bytes, std::size_t size) {
  std::int32_t n = 0;
  for (l_int32 w, h; n < kMaxTiffPages; ++n) {
    if (readHeaderMemTiff(bytes, size, n, &w, &h, nullptr, nullptr, nullptr, nullptr, nullptr)) {
      break;
    }
  }
  return std::max(n, 1);
}

/// Without decoding a pixel.
Header header_of(const l_uint8* bytes, std::size_t size, std::int32_t page) {
  l_int32 format = IFF_UNKNOWN, bits = 0, samples = 0, has_map = 0;
  findFileFormatBuffer(bytes, &format);
  Header header;
  int failed = 0;
  switch (format) {
    case IFF_TIFF:
    case IFF_TIFF_PACKBITS:
    case IFF_TIFF_RLE:
    case IFF_TIFF_G3:
    case IFF_TIFF_G4:
    case IFF_TIFF_LZW:
    case IFF_TIFF_ZIP:
    case IFF_TIFF_JPEG:
      header.media_type = "image/tiff";
      header.tiff = true;
      failed = readHeaderMemTiff(bytes, size, page - 1, &header.width, &header.height, nullptr,
                                 nullptr, nullptr, nullptr, nullptr);
      if (page == 1 && failed == 0) header.n_pages = n_tiff_pages(bytes, size);
      break;
    case IFF_PNG:
      header.media_type = "image/png";
      break;
    case IFF_JFIF_JPEG:
      header.media_type = "image/jpeg";
      break;
    case IFF_WEBP:
      header.media_type = "image/webp";
      break;
    case IFF_GIF:
    case IFF_BMP:
      // Leptonica tells their size by decoding them whole, however large they unpack.
      throw Unreadable(ReadProblem::kUnsupported,
                       "GIF and BMP pictures are not read; save it as PNG");
    case IFF_PNM:
      header.media_type = "image/x-portable-anymap";
      break;
    default:
      throw Unreadable(ReadProblem::kUnsupported, "pictures of this kind are not read");
  }
  if (!header.tiff) {
    failed = pixReadHeaderMem(bytes, size, &format, &header.width, &header.height, &bits, &samples,
                              &has_map);
  }
  if (failed != 0 || header.width < 1 || header.height < 1) fail_damaged();
  return header;
}

void check_size(const Header& header) {
  const std::int64_t n = std::int64_t{header.width} * header.height;
  if (n <= kMaxPixels) return;
  throw Unreadable(ReadProblem::kTooLarge, "it has " + std::to_string(n / 1'000'000) +
                                               " million pixels; pictures of at most " +
                                               std::to_string(kMaxPixels / 1'000'000) +
                                               " million are read");
}

PixPointer turned(Pix* picture, int quarters) {
  PixPointer made(pixRotateOrth(picture, quarters));
  if (!made) fail_damaged();
  return made;
}

/// Grey, as it is to be held, on white where it is transparent, no larger than reading needs.
PixPointer decode(const l_uint8* bytes, std::size_t size, bool tiff, std::int32_t page) {
  PixPointer raw(tiff ? pixReadMemTiff(bytes, size, page - 1) : pixReadMem(bytes, size));
  if (!raw) fail_damaged();
  const PixPointer opaque(pixRemoveAlpha(raw.get()));
  raw.reset();
  if (!opaque) fail_damaged();
  PixPointer grey(pixConvertTo8(opaque.get(), 0));
  if (!grey) fail_damaged();
  const PictureTurn turn = exif_turn({reinterpret_cast<const char*>(bytes), size});
  if (turn.mirrored) pixFlipLR(grey.get(), grey.get());
  if (turn.quarters != 0) grey = turned(grey.get(), turn.quarters);
  const double n = static_cast<double>(pixGetWidth(grey.get())) * pixGetHeight(grey.get());
  if (n <= kEnoughPixels) return grey;
  const auto share = static_cast<float>(std::sqrt(kEnoughPixels / n));
  PixPointer smaller(pixScale(grey.get(), share, share));
  if (!smaller) fail_damaged();
  return smaller;
}

bool is_letter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

/// Whether the line ends in the first half of a word.
bool divides_word(const std::string& text) {
  return text.size() > 2 && text.back() == '-' && is_letter(text[text.size() - 2]);
}

struct Reading {
  std::string text;
  std::size_t n_words = 0;
  std::size_t n_sure = 0;     ///< of these
  std::size_t n_letters = 0;  ///< of the sure ones

  /// Half of the words are none, as in pictures that stand on their side or their head.
  bool is_doubtful() const { return 2 * n_sure <= n_words; }
};

/// Lines as the picture has them, a blank line between paragraphs, doubtful words left out.
Reading recognised_lines() {
  const std::unique_ptr<tesseract::ResultIterator> place(engine().GetIterator());
  Reading reading;
  if (!place) return reading;
  std::string& text = reading.text;
  do {
    if (place->Empty(tesseract::RIL_WORD)) continue;
    const bool new_line = place->IsAtBeginningOf(tesseract::RIL_TEXTLINE);
    const std::unique_ptr<char[]> word(place->GetUTF8Text(tesseract::RIL_WORD));
    const bool sure = word && place->Confidence(tesseract::RIL_WORD) >= kSureEnough;
    ++reading.n_words;
    reading.n_sure += sure;
    if (place->IsAtBeginningOf(tesseract::RIL_PARA)) {
      text += "\n\n";
    } else if (new_line && sure && divides_word(text) &&
               std::islower(static_cast<unsigned char>(word[0])) != 0) {
      text.pop_back();
      text += kJoined;
    } else if (new_line) {
      text += '\n';
    }
    if (!sure) continue;
    if (!text.empty() && text.back() != '\n' && !text.ends_with(kJoined)) text += ' ';
    for (const char* c = word.get(); *c != '\0'; ++c) {
      reading.n_letters += static_cast<unsigned char>(*c) >= 0x80 || is_letter(*c);
    }
    text += word.get();
  } while (place->Next(tesseract::RIL_WORD));
  if (reading.n_letters < kFewestLetters) text.clear();
  return reading;
}

Reading recognise(Pix* picture) {
  engine().SetImage(picture);
  if (engine().Recognize(nullptr) != 0) {
    throw Unreadable(ReadProblem::kDamaged, "the picture cannot be read");
  }
  return recognised_lines();
}

/// Quarters clockwise that bring its (Roman) letters upright, by their ascenders; 0: it stands
/// upright, or there is too little to tell.
int quarters_to_upright(Pix* picture) {
  constexpr int kBlackBelow = 128;
  const PixPointer black(pixThresholdToBinary(picture, kBlackBelow));
  l_float32 up = 0, left = 0;
  l_int32 orientation = L_TEXT_ORIENT_UNKNOWN;
  if (!black || pixOrientDetect(black.get(), &up, &left, 0, 0) != 0) return 0;
  if (makeOrientDecision(up, left, 0, 0, &orientation, 0) != 0) return 0;
  switch (orientation) {
    case L_TEXT_ORIENT_LEFT:
      return 1;
    case L_TEXT_ORIENT_DOWN:
      return 2;
    case L_TEXT_ORIENT_RIGHT:
      return 3;
    default:
      return 0;
  }
}

/// As it lies, and turned where that gives no words.
std::string text_of(Pix* picture) {
  Reading reading = recognise(picture);
  const int quarters = reading.is_doubtful() ? quarters_to_upright(picture) : 0;
  if (quarters != 0) {
    Reading upright = recognise(turned(picture, quarters).get());
    if (upright.n_letters > reading.n_letters) reading = std::move(upright);
  }
  return std::move(reading.text);
}

}  // namespace

std::vector<std::string> installed_languages() {
  tesseract::TessBaseAPI api;
  api.Init(nullptr, "osd");  // whether that is there or not: the folder is known afterwards
  std::vector<std::string> names;
  api.GetAvailableLanguagesAsVector(&names);
  // Orientation and mathematics, no languages.
  std::erase_if(names, [](const std::string& name) { return name == "osd" || name == "equ"; });
  std::sort(names.begin(), names.end());
  return names;
}

bool prepare_recognition(const std::string& languages) {
  setMsgSeverity(L_SEVERITY_NONE);
  omp_set_max_active_levels(0);  // the sandbox has no threads
  is_ready = engine().Init(nullptr, languages.c_str()) == 0;
  if (is_ready) engine().SetPageSegMode(tesseract::PSM_AUTO);
  return is_ready;
}

retrieval::ReadReport read_picture(const std::string& bytes,
                                   const retrieval::ReadRequest& request) {
  if (!is_ready) {
    throw Unreadable(ReadProblem::kNeedsOcr, "no trained data of Tesseract could be loaded");
  }
  const auto* data = reinterpret_cast<const l_uint8*>(bytes.data());
  const std::int32_t page = std::max(request.page, 1);
  if (bytes.size() < 16) fail_damaged();  // as much as is looked at to tell formats apart
  const Header header = header_of(data, bytes.size(), page);
  check_size(header);
  DocumentBuilder out;
  for (std::int32_t other = 2; other <= header.n_pages; ++other) out.note_page_without_text(other);
  if (std::min(header.width, header.height) >= kMinSide) {
    const PixPointer picture = decode(data, bytes.size(), header.tiff, page);
    add_page_text(text_of(picture.get()), {}, out);
  }
  retrieval::ReadReport report;
  report.document = out.finish(header.media_type, request.file_name);
  return report;
}

}  // namespace kvlink::extract
