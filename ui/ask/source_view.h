// SPDX-License-Identifier: Apache-2.0
// A document's text with line numbers and a marked passage.
#pragma once

#include <QPlainTextEdit>
#include <QSyntaxHighlighter>

#include "app/desk/library_messages.h"

namespace kvlink::ui {

/// Headings, code and quotes of Markdown in other weights; the text stays as it is written.
class MarkdownColours : public QSyntaxHighlighter {
  Q_OBJECT

 public:
  using QSyntaxHighlighter::QSyntaxHighlighter;

 protected:
  void highlightBlock(const QString& text) override;
};

/// Read-only. Shows at most kMaxCharacters around the place that is asked for, at borders of lines.
class SourceView : public QPlainTextEdit {
  Q_OBJECT

 public:
  static constexpr qsizetype kMaxCharacters = 2'000'000;

  explicit SourceView(QWidget* parent = nullptr);

  void set_document_text(const desk::DocumentText& text);
  /// Marks [begin, end) of the document's text and brings it into view.
  void show_range(qsizetype begin, qsizetype end);
  void show_beginning();
  /// 1-based lines of the document that are marked; 0: none.
  qsizetype marked_line() const { return marked_line_; }
  /// What is marked, as it stands in the view.
  QString marked_text() const;
  /// Whether only a part of the document is shown.
  bool is_part() const { return shown_size_ < text_.size(); }

  int numbers_width() const;
  void paint_numbers(QPaintEvent* event, QWidget& area);

 protected:
  void resizeEvent(QResizeEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  void show_part_around(qsizetype place);
  void mark();

  QWidget* numbers_;
  MarkdownColours* colours_ = nullptr;
  QString text_;
  qsizetype shown_begin_ = 0;
  qsizetype shown_size_ = 0;
  qsizetype first_line_ = 1;  ///< of what is shown
  qsizetype mark_begin_ = 0;
  qsizetype mark_end_ = 0;
  qsizetype marked_line_ = 0;
};

}  // namespace kvlink::ui
