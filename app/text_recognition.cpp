// SPDX-License-Identifier: Apache-2.0
#include "app/text_recognition.h"

#include <langinfo.h>
#include <locale.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <utility>

namespace kvlink::app {
namespace {

using retrieval::PageImage;
using retrieval::ParsedDocument;
using retrieval::Place;
using retrieval::PlaceKind;
using retrieval::ReadProblem;
using retrieval::ReadReport;
using retrieval::ReadRequest;
using retrieval::TextBlock;

using PageTexts = std::map<std::int32_t, std::string>;

/// About 300 dots an inch on a sheet of A4, which Tesseract was trained for.
constexpr std::int32_t kPageWidth = 2480;
constexpr std::int32_t kSummary = 0;  // the "page" that says what a picture is
constexpr int kAskSeconds = 10;
constexpr const char* kParagraphEnd = "\n\n";

struct Name {
  std::string_view locale;
  std::string_view tesseract;
};
constexpr std::array kNames = {
    Name{"bg", "bul"},    Name{"ca", "cat"}, Name{"cs", "ces"}, Name{"da", "dan"},
    Name{"de", "deu"},    Name{"el", "ell"}, Name{"en", "eng"}, Name{"es", "spa"},
    Name{"et", "est"},    Name{"fi", "fin"}, Name{"fr", "fra"}, Name{"hr", "hrv"},
    Name{"hu", "hun"},    Name{"it", "ita"}, Name{"ja", "jpn"}, Name{"ko", "kor"},
    Name{"lt", "lit"},    Name{"lv", "lav"}, Name{"nb", "nor"}, Name{"nl", "nld"},
    Name{"nn", "nor"},    Name{"pl", "pol"}, Name{"pt", "por"}, Name{"ro", "ron"},
    Name{"ru", "rus"},    Name{"sk", "slk"}, Name{"sl", "slv"}, Name{"sr", "srp"},
    Name{"sv", "swe"},    Name{"tr", "tur"}, Name{"uk", "ukr"}, Name{"vi", "vie"},
    Name{"zh", "chi_sim"}};

/// Of the messages of this system, as its own settings say; "" for none.
std::string system_locale() {
  const locale_t own = ::newlocale(LC_MESSAGES_MASK, "", nullptr);
  if (own == nullptr) return "";
  std::string name = ::nl_langinfo_l(NL_LOCALE_NAME(LC_MESSAGES), own);
  ::freelocale(own);
  return name;
}

std::vector<std::string> split(const std::string& text, std::string_view mark) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(mark, begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + mark.size();
  }
  return parts;
}

bool is_language(const std::string& name) {
  return !name.empty() && name.size() <= 40 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  });
}

/// A page as a picture that kvlink-ocr decodes: grey, without compression.
std::string as_grey_map(const PageImage& page) {
  std::string out =
      "P5\n" + std::to_string(page.width) + " " + std::to_string(page.height) + "\n255\n";
  const std::size_t n = page.pixels.size() / 4;
  out.reserve(out.size() + n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto channel = [&](std::size_t c) {
      return static_cast<unsigned>(static_cast<unsigned char>(page.pixels[4 * i + c]));
    };
    out += static_cast<char>((channel(0) * 29 + channel(1) * 150 + channel(2) * 77) >> 8);
  }
  return out;
}

std::string text_of_blocks(const std::vector<TextBlock>& blocks) {
  std::string text;
  for (const auto& block : blocks) text += (text.empty() ? "" : kParagraphEnd) + block.text;
  return text;
}

/// What became of the pages of one document.
struct Recognised {
  PageTexts texts;
  std::vector<std::int32_t> failed;     ///< could not be recognised this time
  std::string reason;                   ///< of the last of them
  std::vector<std::int32_t> set_aside;  ///< could not be recognised too often
  std::string set_aside_reason;         ///< of the last of them
  bool no_data = false;                 ///< Tesseract's trained data are gone

  std::size_t n_pages() const { return texts.size() + failed.size() + set_aside.size(); }
};

std::string failed_in_words(const Recognised& pages) {
  const std::size_t n = pages.failed.size();
  return std::to_string(n) + (n == 1 ? " page" : " pages") + " could not be recognised (" +
         pages.reason + ")";
}

/// "pages 3, 4 and 12 more"
std::string pages_in_words(const std::vector<std::int32_t>& pages) {
  constexpr std::size_t kNamed = 8;
  std::string text = pages.size() == 1 ? "page " : "pages ";
  const std::size_t n_named = pages.size() > kNamed + 1 ? kNamed : pages.size();
  for (std::size_t i = 0; i < n_named; ++i) {
    const bool is_last = i + 1 == pages.size();
    text += (i == 0 ? "" : is_last ? " and " : ", ") + std::to_string(pages[i]);
  }
  if (n_named == pages.size()) return text;
  return text + " and " + std::to_string(pages.size() - n_named) + " more";
}

std::string set_aside_in_words(const Recognised& pages, bool has_pages) {
  const bool one = pages.set_aside.size() == 1;
  return (has_pages ? pages_in_words(pages.set_aside) : "its picture") + (one ? " was" : " were") +
         " set aside because " + (one ? "it" : "they") + " could not be recognised twice (" +
         pages.set_aside_reason + "); tried again when you ask for it";
}

/// How often a page could not be recognised, and why the last time. Kept beside the texts of pages,
/// under a recipe of its own, so that it goes with the document and when a text replaces it.
struct PageFailure {
  std::int64_t n = 0;
  std::string reason;
};

std::string failure_recipe(const std::string& recipe) { return recipe + " failed"; }

PageFailure page_failure_of(const std::string& kept) {
  PageFailure failure;
  const char* end = kept.data() + kept.size();
  const char* rest = std::from_chars(kept.data(), end, failure.n).ptr;
  failure.reason.assign(rest == end ? rest : rest + 1, end);
  return failure;
}

/// Recognises the pages of one document that the library has no text of, each at most once.
class Pages {
 public:
  Pages(const PicturedDocument& document, const std::string& recipe, retrieval::Library& library,
        retrieval::Extractor recogniser, retrieval::Extractor drawer, std::stop_token stop)
      : document_(document),
        recipe_(recipe),
        library_(library),
        recogniser_(std::move(recogniser)),
        drawer_(std::move(drawer)),
        stop_(std::move(stop)),
        known_(value_or_throw(library.recognised_pages(document.content, recipe))) {
    if (document.retry) return;
    failures_ = value_or_throw(library.recognised_pages(document.content, failure_recipe(recipe)));
  }

  /// Pages of a PDF.
  Recognised of_pdf(const std::vector<std::int32_t>& pages) {
    Recognised out;
    for (const auto page : pages)
      take(
          page, [&] { return drawn_page(page); }, out);
    return out;
  }

  /// A picture, or the pictures of a TIFF. Sets the problem when it cannot be decoded.
  Recognised of_picture(ReadReport& report) {
    Recognised out;
    if (!known_.contains(kSummary)) {
      const ReadReport first = picture(1);
      if (first.problem != ReadProblem::kNone) {
        report.problem = first.problem;
        report.reason = first.reason;
        out.no_data = first.problem == ReadProblem::kNeedsOcr;
        return out;
      }
      const auto& others = first.document.pages_without_text;
      keep(1, text_of_blocks(first.document.blocks));
      keep(kSummary,
           std::to_string(others.empty() ? 1 : others.back()) + ' ' + first.document.media_type);
    }
    const std::string& summary = known_.at(kSummary);
    std::int32_t n_pages = 1;
    std::from_chars(summary.data(), summary.data() + summary.size(), n_pages);
    report.document.media_type = summary.substr(std::min(summary.find(' ') + 1, summary.size()));
    for (std::int32_t page = 1; page <= n_pages; ++page) {
      take(
          page, [&] { return picture(page); }, out);
    }
    return out;
  }

 private:
  /// A page that fails is not kept: the next time it may not. Without trained data all would.
  template <typename F>
  void take(std::int32_t page, F&& recognise, Recognised& out) {
    if (known_.contains(page)) {
      out.texts[page] = known_.at(page);
      return;
    }
    const auto kept = failures_.find(page);
    PageFailure failure = kept == failures_.end() ? PageFailure() : page_failure_of(kept->second);
    if (failure.n >= kMaxReaderFailures) return set_aside(out, page, failure.reason);
    if (!out.no_data) {
      const ReadReport read = recognise();
      if (read.problem == ReadProblem::kNone) return keep_in(out, page, read);
      out.no_data = read.problem == ReadProblem::kNeedsOcr;
      if (!out.no_data) {
        keep_failure(page, ++failure.n, read.reason);
        if (failure.n >= kMaxReaderFailures) return set_aside(out, page, read.reason);
      }
      out.reason = read.reason;
    }
    out.failed.push_back(page);
  }

  void keep_failure(std::int32_t page, std::int64_t n, const std::string& reason) {
    value_or_throw(library_.note_recognised_page(document_.content, page, failure_recipe(recipe_),
                                                 std::to_string(n) + " " + reason));
  }

  static void set_aside(Recognised& out, std::int32_t page, const std::string& reason) {
    out.set_aside.push_back(page);
    out.set_aside_reason = reason;
  }

  void keep_in(Recognised& out, std::int32_t page, const ReadReport& read) {
    keep(page, text_of_blocks(read.document.blocks));
    out.texts[page] = known_.at(page);
  }

  void keep(std::int32_t page, std::string text) {
    value_or_throw(library_.note_recognised_page(document_.content, page, recipe_, text));
    known_[page] = std::move(text);
  }

  ReadReport picture(std::int32_t page) const {
    ReadRequest request;
    request.file_name = document_.file_name;
    request.page = page;
    return value_or_throw(recogniser_.read(document_.bytes, request, stop_)).report;
  }

  ReadReport drawn_page(std::int32_t page) const {
    ReadRequest request;
    request.file_name = document_.file_name;
    request.password = document_.password;
    request.page = page;
    request.pixel_width = kPageWidth;
    auto drawn = value_or_throw(drawer_.read(document_.bytes, request, stop_)).report;
    if (!drawn.image) {
      drawn.problem = ReadProblem::kDamaged;
      if (drawn.reason.empty()) drawn.reason = "it cannot be drawn";
      return drawn;
    }
    return value_or_throw(recogniser_.read(as_grey_map(*drawn.image), {}, stop_)).report;
  }

  const PicturedDocument& document_;
  const std::string& recipe_;
  retrieval::Library& library_;
  retrieval::Extractor recogniser_;
  retrieval::Extractor drawer_;
  std::stop_token stop_;
  PageTexts known_;
  PageTexts failures_;  // see PageFailure; none where all are to be tried again
};

/// Adds the paragraphs of `pages` where they belong, and gives every block its place anew.
void put_in(ParsedDocument& document, const Recognised& pages, bool has_pages) {
  std::int64_t n_empty = 0;
  for (const auto& [page, text] : pages.texts) {
    n_empty += text.empty();
    for (auto& paragraph : split(text, kParagraphEnd)) {
      TextBlock block;
      block.text = std::move(paragraph);
      if (has_pages) block.place = {PlaceKind::kPage, page, {}};
      document.blocks.push_back(std::move(block));
    }
  }
  if (has_pages) {
    std::stable_sort(
        document.blocks.begin(), document.blocks.end(),
        [](const TextBlock& a, const TextBlock& b) { return a.place.number < b.place.number; });
  }
  retrieval::ExtractedText places;
  std::int64_t n_paragraphs = 0;
  for (auto& block : document.blocks) {
    places.place(block);
    if (!has_pages) block.place = {PlaceKind::kParagraph, ++n_paragraphs, {}};
  }
  const auto n_read = static_cast<std::int64_t>(pages.texts.size()) - n_empty;
  if (has_pages && n_read > 0) {
    document.notices.push_back("the text of " + std::to_string(n_read) +
                               (n_read == 1 ? " page was" : " pages was") + " recognised (OCR)");
  }
  if (has_pages && n_empty > 0) {
    document.notices.push_back("no text was found on " + std::to_string(n_empty) +
                               (n_empty == 1 ? " page" : " pages"));
  }
  if (!pages.failed.empty()) document.notices.push_back(failed_in_words(pages));
  if (!pages.set_aside.empty()) {
    document.notices.push_back(set_aside_in_words(pages, has_pages));
  }
  document.pages_without_text = pages.failed;
}

}  // namespace

std::string tesseract_language(std::string_view locale) {
  const auto code = locale.substr(0, locale.find_first_of("_.@"));
  const auto* found = std::find_if(kNames.begin(), kNames.end(),
                                   [&](const Name& name) { return name.locale == code; });
  return found == kNames.end() ? "" : std::string(found->tesseract);
}

std::string TextRecognition::choose_languages(const std::string& wanted) {
  const std::lock_guard lock(mutex_);
  if (installed_.empty()) {
    installed_ = split(retrieval::output_of(program_, {"--languages"}, kAskSeconds), "\n");
    std::erase_if(installed_, [](const std::string& name) { return !is_language(name); });
  }
  const bool automatic = wanted == "auto";
  const auto names = automatic
                         ? std::vector{tesseract_language(system_locale()), std::string("eng")}
                         : split(wanted, "+");
  std::vector<std::string> chosen;
  for (const auto& name : names) {
    const bool there = std::find(installed_.begin(), installed_.end(), name) != installed_.end();
    const bool again = std::find(chosen.begin(), chosen.end(), name) != chosen.end();
    if (there && !again) chosen.push_back(name);
  }
  if (chosen.empty() && automatic && !installed_.empty()) chosen.push_back(installed_.front());
  std::string joined;
  for (const auto& name : chosen) joined += (joined.empty() ? "" : "+") + name;
  return joined;
}

void TextRecognition::forget_installed() {
  const std::lock_guard lock(mutex_);
  installed_.clear();
}

Result<RecognisedDocument> TextRecognition::recognise(ReadReport read,
                                                      const PicturedDocument& document,
                                                      const std::string& languages,
                                                      retrieval::Library& library,
                                                      std::stop_token stop) {
  return returning([&]() -> RecognisedDocument {
    Pages pages(document, languages, library, retrieval::Extractor(program_, limits_, {languages}),
                retrieval::Extractor(reader_, limits_), std::move(stop));
    const std::vector<std::int32_t> missing = std::exchange(read.document.pages_without_text, {});
    read.problem = ReadProblem::kNone;
    read.reason.clear();
    const Recognised done = missing.empty() ? pages.of_picture(read) : pages.of_pdf(missing);
    if (done.no_data) forget_installed();
    if (read.problem != ReadProblem::kNone) return {std::move(read), {}};
    const bool has_pages = !missing.empty() || done.n_pages() > 1;
    put_in(read.document, done, has_pages);
    if (read.document.title.empty()) {
      read.document.title = retrieval::fallback_title(read.document, document.file_name);
    }
    if (read.document.blocks.empty() && !done.failed.empty()) {
      read.problem = ReadProblem::kNeedsOcr;
      read.reason = failed_in_words(done);
    } else if (read.document.blocks.empty() && !done.set_aside.empty()) {
      read.problem = ReadProblem::kSetAside;
      read.reason = set_aside_in_words(done, has_pages);
    } else if (read.document.blocks.empty()) {
      read.problem = ReadProblem::kNoText;
      read.reason = "no text was found in its pictures";
    }
    return {std::move(read), done.set_aside};
  });
}

}  // namespace kvlink::app
