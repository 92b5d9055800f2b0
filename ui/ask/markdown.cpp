// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/markdown.h"

#include <QFontDatabase>
#include <QGuiApplication>
#include <QMap>
#include <QPalette>
#include <QRegularExpression>
#include <QTextBlock>
#include <QTextCursor>
#include <QTextDocumentFragment>
#include <QTextFrame>
#include <QTextList>
#include <algorithm>
#include <vector>

#include "ui/ask/visible_text.h"

namespace kvlink::ui {
namespace {

constexpr double kParagraphGap = 8;
constexpr double kItemGap = 2;

bool is_code(const QTextBlock& block) {
  const QTextBlockFormat format = block.blockFormat();
  return format.hasProperty(QTextFormat::BlockCodeFence) ||
         format.hasProperty(QTextFormat::BlockCodeLanguage) || format.nonBreakableLines();
}

/// Long lines of code wrap instead of leaving the view; headings stay close to the text's size.
void arrange_blocks(QTextDocument& document) {
  QTextCursor cursor(&document);
  for (QTextBlock block = document.begin(); block.isValid(); block = block.next()) {
    QTextBlockFormat format = block.blockFormat();
    const bool code = is_code(block);
    const bool goes_on = (code && is_code(block.next())) ||
                         (block.textList() != nullptr && block.next().textList() != nullptr);
    format.setNonBreakableLines(false);
    format.setTopMargin(0);
    format.setBottomMargin(!goes_on ? kParagraphGap : code ? 0 : kItemGap);
    if (code) format.setBackground(QGuiApplication::palette().alternateBase());
    cursor.setPosition(block.position());
    cursor.setBlockFormat(format);
    if (format.headingLevel() > 0) {
      QTextCharFormat heading;
      heading.setProperty(QTextFormat::FontSizeAdjustment, format.headingLevel() == 1 ? 1 : 0);
      heading.setFontWeight(QFont::DemiBold);
      cursor.movePosition(QTextCursor::EndOfBlock, QTextCursor::KeepAnchor);
      cursor.mergeCharFormat(heading);
    }
  }
}

struct LinkText {
  int begin = 0;
  int end = 0;
  QString href;
};

std::vector<LinkText> links_of(const QTextDocument& document) {
  std::vector<LinkText> links;
  for (QTextBlock block = document.begin(); block.isValid(); block = block.next()) {
    for (auto it = block.begin(); !it.atEnd(); ++it) {
      const QTextFragment fragment = it.fragment();
      const QString href = fragment.charFormat().anchorHref();
      if (href.isEmpty()) continue;
      const int begin = fragment.position();
      if (!links.empty() && links.back().href == href && links.back().end == begin) {
        links.back().end = begin + fragment.length();
      } else {
        links.push_back({begin, begin + fragment.length(), href});
      }
    }
  }
  return links;
}

/// "[bank](http://other)" is shown as "bank (http://other)": no address hides behind words.
void show_addresses(QTextDocument& document) {
  const auto links = links_of(document);
  QTextCursor cursor(&document);
  std::for_each(links.crbegin(), links.crend(), [&](const LinkText& link) {
    cursor.setPosition(link.begin);
    cursor.setPosition(link.end, QTextCursor::KeepAnchor);
    if (cursor.selectedText() == link.href) return;
    cursor.setPosition(link.end);
    QTextCharFormat format = cursor.charFormat();
    format.setAnchor(false);
    format.clearProperty(QTextFormat::AnchorHref);
    format.clearForeground();
    format.setFontUnderline(false);
    cursor.insertText(QStringLiteral(" (%1)").arg(visible_text(link.href)), format);
  });
}

/// Drops what Markdown draws as something else than text: list numbers and fence languages.
QString without_markers(const QString& source) {
  static const QRegularExpression number(
      QStringLiteral(R"(^[ \t>]*(?:[-*+][ \t]+)*\d{1,9}[.)](?=\s|$))"),
      QRegularExpression::MultilineOption);
  static const QRegularExpression language(
      QStringLiteral(R"(^[ \t>]*(?:```+|~~~+)[ \t]*[\w+#.-]{1,20}[ \t]*$)"),
      QRegularExpression::MultilineOption);
  static const QRegularExpression task(QStringLiteral(R"(^[ \t>]*[-*+][ \t]+\[[xX]\][ \t])"),
                                       QRegularExpression::MultilineOption);
  QString text = source;
  text.remove(number);
  text.remove(language);
  return text.remove(task);
}

void fill_literally(const QString& text, QTextDocument& document) {
  document.clear();
  QTextCursor cursor(&document);
  cursor.insertText(visible_text(text.trimmed()), QTextCharFormat());
}

}  // namespace

QVariant SealedDocument::loadResource(int, const QUrl&) {
  ++n_refused_;
  return {};
}

bool shows_everything(const QString& source, const QString& shown) {
  const QString text = visible_text(without_markers(source));
  qsizetype at = 0;
  for (const QChar c : text) {
    if (!c.isLetterOrNumber()) continue;
    at = shown.indexOf(c, at);
    if (at < 0) return false;
    ++at;
  }
  return true;
}

Rendering render_markdown(const QString& markdown, QTextDocument& document) {
  document.setUndoRedoEnabled(false);
  auto features = QTextDocument::MarkdownFeatures(QTextDocument::MarkdownDialectGitHub);
  features |= QTextDocument::MarkdownNoHTML;
  document.setMarkdown(markdown, features);
  make_visible(document);
  show_addresses(document);
  if (!shows_everything(markdown, document.toPlainText())) {
    fill_literally(markdown, document);
    arrange_blocks(document);
    return Rendering::kLiteral;
  }
  arrange_blocks(document);
  return Rendering::kMarkdown;
}

void append_document(const QTextDocument& source, QTextDocument& target) {
  QTextCursor cursor(&target);
  cursor.movePosition(QTextCursor::End);
  const bool has_tables = !source.rootFrame()->childFrames().isEmpty();
  if (has_tables) {
    if (!target.isEmpty()) cursor.insertBlock(QTextBlockFormat(), QTextCharFormat());
    cursor.insertFragment(QTextDocumentFragment(&source));
    return;
  }
  QMap<const QTextList*, QTextList*> lists;
  for (QTextBlock block = source.begin(); block.isValid(); block = block.next()) {
    QTextBlockFormat format = block.blockFormat();
    format.setObjectIndex(-1);  // a list of the source
    if (target.isEmpty()) {
      cursor.setBlockFormat(format);
    } else {
      cursor.insertBlock(format, block.charFormat());
    }
    if (const QTextList* list = block.textList()) {
      if (QTextList* copy = lists.value(list)) {
        copy->add(cursor.block());
      } else {
        lists.insert(list, cursor.createList(list->format()));
      }
    }
    for (auto it = block.begin(); !it.atEnd(); ++it) {
      cursor.insertText(it.fragment().text(), it.fragment().charFormat());
    }
  }
}

void link_citations(QTextDocument& document, int from, std::int64_t n_sources) {
  static const QRegularExpression group(QStringLiteral(R"(\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\])"));
  static const QRegularExpression number(QStringLiteral(R"(\d+)"));
  const QString raw = document.toRawText();
  QTextCursor cursor(&document);
  QTextCharFormat link;
  link.setAnchor(true);
  link.setForeground(QGuiApplication::palette().link());
  for (auto groups = group.globalMatch(raw, from); groups.hasNext();) {
    const auto found = groups.next();
    const qsizetype begin = found.capturedStart(1);
    for (auto numbers = number.globalMatch(found.captured(1)); numbers.hasNext();) {
      const auto digits = numbers.next();
      const qlonglong n = digits.captured().toLongLong();
      if (n < 1 || n > n_sources) continue;
      // The brackets of a single number belong to it: a larger target.
      const bool alone = digits.captured().size() == found.capturedLength(1);
      const qsizetype first = begin + digits.capturedStart() - (alone ? 1 : 0);
      const qsizetype last = begin + digits.capturedEnd() + (alone ? 1 : 0);
      cursor.setPosition(static_cast<int>(first));
      cursor.setPosition(static_cast<int>(last), QTextCursor::KeepAnchor);
      link.setAnchorHref(QStringLiteral("cite:%1").arg(n));
      cursor.mergeCharFormat(link);
    }
  }
}

}  // namespace kvlink::ui
