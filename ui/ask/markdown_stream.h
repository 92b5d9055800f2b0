// SPDX-License-Identifier: Apache-2.0
// Markdown that arrives in pieces: blocks that are finished, and the open rest.
#pragma once

#include <QString>
#include <QStringList>

namespace kvlink::ui {

/// Cuts growing Markdown where a block ends (a blank line, the end of a fence), so that only the
/// open tail is parsed again when more comes. A tail never exceeds kMaxTail characters: a long
/// paragraph or fence is cut at a line or word; the whole text is parsed once more at the end.
class MarkdownStream {
 public:
  static constexpr qsizetype kMaxTail = 2'000;

  /// Blocks that these characters finished, each Markdown of its own.
  QStringList append(const QString& text);
  /// The open rest, Markdown of its own; what a fence lacks is added.
  QString tail() const;
  void clear() { *this = MarkdownStream(); }

 private:
  void take_line(const QString& line);
  void close_at(qsizetype end, QStringList& closed);
  bool continues_list(const QString& line) const;

  QString open_;             ///< text of the block that is not finished
  qsizetype scanned_ = 0;    ///< of open_: whole lines that were looked at
  qsizetype blank_end_ = 0;  ///< of open_: end of the blank lines that may end it; 0: none
  bool has_words_ = false;
  bool is_list_ = false;
  QString fence_;   ///< "```" or longer while inside one
  QString opener_;  ///< its whole line
};

}  // namespace kvlink::ui
