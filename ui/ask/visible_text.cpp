// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/visible_text.h"

#include <QCoreApplication>
#include <QTextBlock>
#include <QTextCursor>
#include <QTextDocument>
#include <algorithm>
#include <array>

namespace kvlink::ui {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Drawn as nothing, or changing the order of what is around them (Unicode 15: Cf, default
// ignorable, blank letters, controls).
constexpr std::array kHidden = {
    Range{0x00, 0x08},       Range{0x0b, 0x1f},       Range{0x7f, 0x9f},
    Range{0xad, 0xad},       Range{0x34f, 0x34f},     Range{0x61c, 0x61c},
    Range{0x115f, 0x1160},   Range{0x17b4, 0x17b5},   Range{0x180b, 0x180f},
    Range{0x200b, 0x200b},   Range{0x200e, 0x200f},   Range{0x202a, 0x202e},
    Range{0x2060, 0x206f},   Range{0x2800, 0x2800},   Range{0x3164, 0x3164},
    Range{0xfeff, 0xfeff},   Range{0xffa0, 0xffa0},   Range{0xfff0, 0xfffb},
    Range{0x1bca0, 0x1bca3}, Range{0x1d173, 0x1d17a}, Range{0xe0000, 0xe0fff},
};

bool is_always_hidden(char32_t c) {
  return std::any_of(kHidden.begin(), kHidden.end(),
                     [c](const Range& r) { return c >= r.first && c <= r.last; });
}

bool is_joiner(char32_t c) { return c == 0x200c || c == 0x200d; }
bool is_selector(char32_t c) { return c >= 0xfe00 && c <= 0xfe0f; }

/// Whether `c` hides between its neighbours (0 at an end).
bool is_hidden(char32_t before, char32_t c, char32_t after) {
  if (is_always_hidden(c) || (c >= 0xd800 && c <= 0xdfff)) return true;
  // Joiners shape letters of other scripts and emoji; between others they only carry data.
  if (is_joiner(c)) return before < 0x80 || after < 0x80 || is_joiner(before);
  if (is_selector(c)) return before == 0 || is_selector(before) || is_joiner(before);
  return false;
}

char32_t code_point_at(const QString& text, qsizetype at) {
  if (at < 0 || at >= text.size()) return 0;
  const QChar c = text[at];
  if (c.isHighSurrogate() && at + 1 < text.size() && text[at + 1].isLowSurrogate()) {
    return QChar::surrogateToUcs4(c, text[at + 1]);
  }
  return c.unicode();
}

qsizetype length_of(char32_t c) { return c > 0xffff ? 2 : 1; }

char32_t code_point_before(const QString& text, qsizetype at) {
  if (at <= 0) return 0;
  if (text[at - 1].isLowSurrogate() && at > 1) return code_point_at(text, at - 2);
  return text[at - 1].unicode();
}

QString written_out(char32_t c) {
  const QString digits = QString::number(static_cast<uint>(c), 16).toUpper();
  return QStringLiteral("\u27e8U+%1\u27e9").arg(digits, 4, QLatin1Char('0'));
}

/// Calls `replace(position, length, code point)` for each hidden character, last first.
template <typename Replace>
void for_each_hidden(const QString& text, Replace replace) {
  for (qsizetype end = text.size(); end > 0;) {
    const char32_t c = code_point_before(text, end);
    const qsizetype at = end - std::min(end, length_of(c));
    if (is_hidden(code_point_before(text, at), c, code_point_at(text, end))) {
      replace(at, end - at, c);
    }
    end = at;
  }
}

QString words_for_object(const QTextCharFormat& format) {
  const auto image = format.toImageFormat();
  const QString alt = image.property(QTextFormat::ImageAltText).toString();
  const QString title = image.property(QTextFormat::ImageTitle).toString();
  QString words = QCoreApplication::translate("kvlink::ui::VisibleText", "image not shown");
  for (const QString& part : {alt, image.name(), title}) {
    if (!part.isEmpty()) words += QStringLiteral(": ") + part;
  }
  return QStringLiteral("[%1]").arg(visible_text(words));
}

QTextCharFormat without_object(QTextCharFormat format) {
  format.clearProperty(QTextFormat::ObjectType);
  format.clearProperty(QTextFormat::ImageName);
  format.setObjectIndex(-1);
  return format;
}

}  // namespace

QString visible_text(const QString& text) {
  QString shown = text;
  shown.replace(QStringLiteral("\r\n"), QStringLiteral("\n"));
  shown.replace(QChar(0x2028), QLatin1Char('\n'));
  shown.replace(QChar(0x2029), QLatin1Char('\n'));
  QString result;
  result.reserve(shown.size());
  qsizetype copied_from = shown.size();
  // Pieces are collected backwards and joined once: linear also for a text of nothing else.
  QStringList pieces;
  for_each_hidden(shown, [&](qsizetype at, qsizetype length, char32_t c) {
    pieces.append(shown.sliced(at + length, copied_from - at - length));
    pieces.append(written_out(c));
    copied_from = at;
  });
  result = shown.first(copied_from);
  std::for_each(pieces.crbegin(), pieces.crend(), [&](const QString& piece) { result += piece; });
  return result;
}

QString visible_in_place(const QString& text) {
  QString shown = text;
  for_each_hidden(text, [&](qsizetype at, qsizetype length, char32_t c) {
    if (c == '\r' && at + 1 < text.size() && text[at + 1] == QLatin1Char('\n')) {
      shown[at] = QLatin1Char(' ');
      return;
    }
    for (qsizetype i = at; i < at + length; ++i) shown[i] = QChar(0xfffd);
  });
  // A text field begins a line at each of these.
  shown.replace(QChar(0x2028), QLatin1Char(' '));
  shown.replace(QChar(0x2029), QLatin1Char(' '));
  return shown;
}

void make_visible(QTextDocument& document) {
  // Raw text has a block separator (U+2029) or a frame marker (U+FDD0, U+FDD1) where blocks meet.
  QString raw = document.toRawText();
  QTextCursor cursor(&document);
  for_each_hidden(raw, [&](qsizetype at, qsizetype length, char32_t c) {
    cursor.setPosition(static_cast<int>(at));
    cursor.setPosition(static_cast<int>(at + length), QTextCursor::KeepAnchor);
    cursor.insertText(written_out(c));
  });
  raw = document.toRawText();
  for (qsizetype at = raw.lastIndexOf(QChar::ObjectReplacementCharacter); at >= 0;
       at = at == 0 ? -1 : raw.lastIndexOf(QChar::ObjectReplacementCharacter, at - 1)) {
    cursor.setPosition(static_cast<int>(at));
    cursor.setPosition(static_cast<int>(at) + 1, QTextCursor::KeepAnchor);
    const QTextCharFormat format = cursor.charFormat();
    cursor.insertText(words_for_object(format), without_object(format));
  }
}

QString one_line(const QString& text, qsizetype limit) {
  const QString line = visible_text(text.first(std::min(text.size(), limit * 4))).simplified();
  if (line.size() <= limit) return line;
  return line.first(limit).trimmed() + QStringLiteral("\u2026");
}

QString plain_tooltip(const QString& text) {
  QString html = visible_text(text).toHtmlEscaped();
  html.replace(QLatin1Char('\n'), QStringLiteral("<br>"));
  return QStringLiteral("<qt>%1</qt>").arg(html);
}

QString without_mnemonic(const QString& text) {
  QString shown = text;
  return shown.replace(QLatin1Char('&'), QStringLiteral("&&"));
}

}  // namespace kvlink::ui
