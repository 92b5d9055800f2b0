// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/markdown_stream.h"

#include <QRegularExpression>
#include <algorithm>

namespace kvlink::ui {
namespace {

constexpr qsizetype kMaxOpener = 100;

/// The run of ` or ~ that a line begins with, at least three; else "".
QString fence_of(const QString& line) {
  const QString text = line.trimmed();
  if (text.isEmpty() || (text[0] != QLatin1Char('`') && text[0] != QLatin1Char('~'))) return {};
  qsizetype length = 0;
  while (length < text.size() && text[length] == text[0]) ++length;
  const bool is_inline = text[0] == QLatin1Char('`') && text.indexOf(QLatin1Char('`'), length) > 0;
  return length >= 3 && length < kMaxOpener && !is_inline ? text.first(length) : QString();
}

bool ends_fence(const QString& line, const QString& fence) {
  const QString run = fence_of(line);
  return run.size() >= fence.size() && run == line.trimmed() && run[0] == fence[0];
}

bool is_list_item(const QString& line) {
  static const QRegularExpression item(QStringLiteral(R"(^\s{0,3}([-*+]|\d{1,9}[.)])(\s|$))"));
  return item.match(line).hasMatch();
}

/// Where a text that is too long is cut: behind the last line, else word, else character; always
/// behind `from`.
qsizetype cut_of(const QString& text, qsizetype from, qsizetype limit) {
  const qsizetype line = text.lastIndexOf(QLatin1Char('\n'), limit - 1);
  if (line >= from) return line + 1;
  const qsizetype word = text.lastIndexOf(QLatin1Char(' '), limit - 1);
  if (word >= from) return word + 1;
  return text[limit - 1].isHighSurrogate() ? limit - 1 : limit;
}

}  // namespace

QStringList MarkdownStream::append(const QString& text) {
  QStringList closed;
  open_ += text;
  for (;;) {
    const qsizetype end = open_.indexOf(QLatin1Char('\n'), scanned_);
    if (end < 0) break;
    const QString line = open_.sliced(scanned_, end - scanned_);
    const bool inside = !fence_.isEmpty();
    if (!inside && blank_end_ > 0 && !line.trimmed().isEmpty() && !continues_list(line)) {
      close_at(blank_end_, closed);
      continue;
    }
    // A fence stands at the beginning of a block: a cut then lies inside of it.
    if (!inside && has_words_ && !fence_of(line).isEmpty()) {
      close_at(scanned_, closed);
      continue;
    }
    take_line(line);
    scanned_ = end + 1;
    const bool fence_ended = inside && fence_.isEmpty();
    if (fence_ended) {
      close_at(scanned_, closed);
    } else if (fence_.isEmpty() && has_words_ && line.trimmed().isEmpty()) {
      blank_end_ = scanned_;
      if (!is_list_) close_at(scanned_, closed);
    }
  }
  while (open_.size() > kMaxTail) {
    const qsizetype from = fence_.isEmpty() ? 0 : opener_.size() + 1;
    close_at(cut_of(open_, from, kMaxTail), closed);
  }
  return closed;
}

void MarkdownStream::take_line(const QString& line) {
  if (!line.trimmed().isEmpty()) {
    if (!has_words_) is_list_ = is_list_item(line);
    has_words_ = true;
    blank_end_ = 0;
  }
  if (!fence_.isEmpty()) {
    if (ends_fence(line, fence_)) fence_.clear();
  } else if (const QString fence = fence_of(line); !fence.isEmpty()) {
    fence_ = fence;
    opener_ = line.size() <= kMaxOpener ? line : fence;
  }
}

bool MarkdownStream::continues_list(const QString& line) const {
  return is_list_ && (is_list_item(line) || line.startsWith(QLatin1String("  ")));
}

void MarkdownStream::close_at(qsizetype end, QStringList& closed) {
  QString block = open_.first(end);
  open_.remove(0, end);
  scanned_ = std::max<qsizetype>(scanned_ - end, 0);
  if (!fence_.isEmpty()) {
    block += QStringLiteral("\n") + fence_;
    const QString opener = opener_ + QLatin1Char('\n');
    open_.prepend(opener);
    scanned_ += opener.size();
  }
  if (!block.trimmed().isEmpty()) closed.append(block);
  has_words_ = !fence_.isEmpty();
  is_list_ = false;
  blank_end_ = 0;
}

QString MarkdownStream::tail() const {
  if (fence_.isEmpty()) return open_;
  return open_ + (open_.endsWith(QLatin1Char('\n')) ? QString() : QStringLiteral("\n")) + fence_;
}

}  // namespace kvlink::ui
