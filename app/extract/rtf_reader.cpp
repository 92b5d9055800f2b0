// SPDX-License-Identifier: Apache-2.0
#include "app/extract/rtf_reader.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "app/extract/text_decoder.h"
#include "kernels/base/hex.h"
#include "kernels/base/utf8.h"

namespace kvlink::extract {
namespace {

constexpr std::size_t kMaxDepth = 10'000;

/// Groups whose text is not the document's.
bool is_other_destination(std::string_view word) {
  constexpr std::array<std::string_view, 30> kWords = {
      "aftncn",    "annotation", "atnauthor", "atnid",      "author",    "bkmkend",
      "bkmkstart", "colortbl",   "datafield", "datastore",  "filetbl",   "fldinst",
      "fontemb",   "fonttbl",    "footer",    "footerf",    "footerl",   "footerr",
      "generator", "header",     "headerf",   "headerl",    "headerr",   "info",
      "listtable", "object",     "pict",      "stylesheet", "themedata", "xmlnstbl"};
  return std::binary_search(kWords.begin(), kWords.end(), word);
}

struct Symbol {
  std::string_view word;
  std::string_view text;
};

std::string_view symbol_of(std::string_view word) {
  constexpr std::array kSymbols = {Symbol{"tab", "\t"},
                                   Symbol{"line", "\n"},
                                   Symbol{"bullet", "\u2022"},
                                   Symbol{"emdash", "\u2014"},
                                   Symbol{"endash", "\u2013"},
                                   Symbol{"lquote", "\u2018"},
                                   Symbol{"rquote", "\u2019"},
                                   Symbol{"ldblquote", "\u201C"},
                                   Symbol{"rdblquote", "\u201D"},
                                   Symbol{"emspace", " "},
                                   Symbol{"enspace", " "},
                                   Symbol{"qmspace", " "},
                                   Symbol{"softline", "\n"},
                                   Symbol{"zwnj", ""},
                                   Symbol{"zwj", ""}};
  for (const auto& symbol : kSymbols) {
    if (symbol.word == word) return symbol.text;
  }
  return {};
}

/// ICU's name for a font's character set; "" for the document's code page.
std::string charset_of_font(std::int32_t number) {
  switch (number) {
    case 128:
      return "windows-31j";
    case 129:
      return "euc-kr";
    case 134:
      return "gb18030";
    case 136:
      return "big5";
    case 161:
      return "windows-1253";
    case 162:
      return "windows-1254";
    case 177:
      return "windows-1255";
    case 178:
      return "windows-1256";
    case 186:
      return "windows-1257";
    case 204:
      return "windows-1251";
    case 238:
      return "windows-1250";
    default:
      return "";
  }
}

struct Group {
  bool skipped = false;
  bool font_table = false;
  std::int32_t unicode_skip = 1;  // characters behind \u that say it for old readers
  std::int32_t font = 0;
};

class RtfReader {
 public:
  RtfReader(std::string_view rtf, DocumentBuilder& out) : rtf_(rtf), out_(out) {}

  void run() {
    groups_.emplace_back();
    while (pos_ < rtf_.size()) step();
    end_paragraph();
    end_table();
  }

 private:
  Group& group() { return groups_.back(); }

  void step() {
    const char c = rtf_[pos_++];
    if (c == '{') {
      if (groups_.size() < kMaxDepth)
        groups_.push_back(group());
      else
        ++n_too_deep_;
      skip_left_ = 0;
    } else if (c == '}') {
      flush_bytes();
      if (n_too_deep_ > 0)
        --n_too_deep_;
      else if (groups_.size() > 1)
        groups_.pop_back();
      skip_left_ = 0;
    } else if (c == '\\') {
      read_control();
    } else if (c != '\r' && c != '\n') {
      put_byte(c);
    }
  }

  void read_control() {
    if (pos_ >= rtf_.size()) return;
    const char c = rtf_[pos_];
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) return read_word();
    ++pos_;
    switch (c) {
      case '\'':
        return read_hex();
      case '*':
        star_ = true;
        return;
      case '~':
        return put_text("\u00A0");
      case '_':
        return put_text("-");
      case '-':
        return;
      case '\n':
      case '\r':
        return end_paragraph();
      default:
        put_byte(c);
    }
  }

  void read_word() {
    const std::size_t begin = pos_;
    while (pos_ < rtf_.size() && pos_ - begin < 32 &&
           std::isalpha(static_cast<unsigned char>(rtf_[pos_])) != 0) {
      ++pos_;
    }
    const auto word = rtf_.substr(begin, pos_ - begin);
    bool negative = false;
    if (pos_ < rtf_.size() && rtf_[pos_] == '-') {
      negative = true;
      ++pos_;
    }
    std::int64_t number = 0;
    bool has_number = false;
    while (pos_ < rtf_.size() && std::isdigit(static_cast<unsigned char>(rtf_[pos_])) != 0) {
      number = std::min<std::int64_t>(number * 10 + (rtf_[pos_++] - '0'), 1'000'000'000);
      has_number = true;
    }
    if (pos_ < rtf_.size() && rtf_[pos_] == ' ') ++pos_;
    apply(word, static_cast<std::int32_t>(negative ? -number : number), has_number);
    star_ = false;
  }

  void apply(std::string_view word, std::int32_t number, bool has_number) {
    if (word == "bin") {
      pos_ += std::min(static_cast<std::size_t>(std::max(number, 0)), rtf_.size() - pos_);
    } else if (word == "u") {
      put_unicode(number);
    } else if (word == "uc") {
      group().unicode_skip = std::clamp(number, 0, 16);
    } else if (word == "ansicpg") {
      code_page_ = "windows-" + std::to_string(number);
    } else if (word == "mac") {
      code_page_ = "macintosh";
    } else if (word == "f") {
      flush_bytes();
      group().font = number;
    } else if (word == "fcharset" && group().font_table) {
      fonts_[group().font] = charset_of_font(number);
    } else if (word == "fonttbl") {
      group().skipped = group().font_table = true;
    } else if (is_other_destination(word) || star_) {
      group().skipped = group().skipped || word != "shpinst";
    } else if (!group().skipped) {
      apply_to_text(word, number, has_number);
    }
  }

  void apply_to_text(std::string_view word, std::int32_t number, bool has_number) {
    if (word == "par" || word == "sect" || word == "page") {
      end_paragraph();
    } else if (word == "pard") {
      level_ = 0;
      in_table_ = false;
    } else if (word == "intbl") {
      in_table_ = true;
    } else if (word == "outlinelevel") {
      level_ = has_number && number >= 0 && number < 6 ? number + 1 : 0;
    } else if (word == "trowd") {
      flush_bytes();
      if (!in_row_) end_loose_paragraph();
      in_row_ = true;
    } else if (word == "cell" || word == "nestcell") {
      end_cell();
    } else if (word == "row" || word == "nestrow") {
      end_row();
    } else if (const auto text = symbol_of(word); text.data() != nullptr) {
      put_text(text);
    }
  }

  void put_unicode(std::int32_t number) {
    flush_bytes();
    auto unit = static_cast<std::uint32_t>(number & 0xFFFF);
    if (unit >= 0xD800 && unit < 0xDC00) {
      high_ = unit;
    } else {
      if (unit >= 0xDC00 && unit < 0xE000) {
        unit = high_ != 0 ? 0x10000 + ((high_ - 0xD800) << 10) + (unit - 0xDC00) : 0xFFFD;
      }
      high_ = 0;
      std::string text;
      append_utf8(text, unit);
      put_text(text);
    }
    skip_left_ = group().unicode_skip;
  }

  void read_hex() {
    const auto digit = [&](std::size_t at) { return at < rtf_.size() ? hex_value(rtf_[at]) : -1; };
    const int high = digit(pos_), low = digit(pos_ + 1);
    if (high < 0 || low < 0) return;
    pos_ += 2;
    put_byte(static_cast<char>(high * 16 + low));
  }

  void put_byte(char c) {
    if (skip_left_ > 0) {
      --skip_left_;
    } else if (!group().skipped) {
      bytes_ += c;
    }
  }

  void put_text(std::string_view text) {
    if (group().skipped) return;
    flush_bytes();
    text_ += text;
  }

  /// Bytes are in the code page of their font.
  void flush_bytes() {
    if (bytes_.empty()) return;
    const bool ascii =
        std::all_of(bytes_.begin(), bytes_.end(), [](char c) { return (c & 0x80) == 0; });
    if (ascii) {
      text_ += bytes_;
    } else {
      const auto found = fonts_.find(group().font);
      const bool own = found != fonts_.end() && !found->second.empty();
      std::string text = convert_text(bytes_, own ? found->second : code_page_);
      text_ += text.empty() ? convert_text(bytes_, "windows-1252") : text;
    }
    bytes_.clear();
  }

  void end_paragraph() {
    flush_bytes();
    if (group().skipped) return;
    if (in_row_ || in_table_) {
      text_ += ' ';
      return;
    }
    end_loose_paragraph();
  }

  void end_loose_paragraph() {
    if (text_.find_first_not_of(" \t\n") != text_.npos) end_table();
    if (level_ > 0) {
      out_.heading(level_, text_);
    } else {
      out_.paragraph(text_);
    }
    text_.clear();
  }

  void end_cell() {
    flush_bytes();
    row_.push_back(std::move(text_));
    text_.clear();
  }

  void end_row() {
    flush_bytes();
    if (!row_.empty()) rows_.push_back(std::move(row_));
    row_.clear();
    in_row_ = false;
  }

  void end_table() {
    if (!row_.empty()) end_row();
    if (!rows_.empty()) out_.table(rows_, true);
    rows_.clear();
  }

  std::string_view rtf_;
  DocumentBuilder& out_;
  std::size_t pos_ = 0;
  std::vector<Group> groups_;
  std::size_t n_too_deep_ = 0;
  bool star_ = false;  // \*: a destination that may be left out
  std::int32_t skip_left_ = 0;
  std::uint32_t high_ = 0;  // first half of a surrogate pair
  std::string code_page_ = "windows-1252";
  std::map<std::int32_t, std::string> fonts_;  // character sets by font
  std::string bytes_;                          // of the text, not converted yet
  std::string text_;
  int level_ = 0;
  bool in_table_ = false;
  bool in_row_ = false;
  TableRow row_;
  std::vector<TableRow> rows_;
};

}  // namespace

void read_rtf(std::string_view rtf, DocumentBuilder& out) { RtfReader(rtf, out).run(); }

}  // namespace kvlink::extract
