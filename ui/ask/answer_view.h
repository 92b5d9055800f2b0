// SPDX-License-Identifier: Apache-2.0
// The answer as it grows: finished blocks stay, only the open tail is drawn again.
#pragma once

#include <QTimer>
#include <functional>

#include "ui/ask/markdown_stream.h"
#include "ui/ask/safe_text_view.h"

namespace kvlink::ui {

/// Draws at most kUpdatesPerSecond times a second; the first characters at once.
class AnswerView : public SafeTextView {
  Q_OBJECT

 public:
  static constexpr int kUpdatesPerSecond = 30;

  explicit AnswerView(QWidget* parent = nullptr);

  /// Numbers up to this one are links to sources.
  void set_n_sources(std::int64_t n_sources) { n_sources_ = n_sources; }
  /// What a citation's tooltip shows.
  void set_citation_words(std::function<QString(std::int64_t)> words) { words_ = std::move(words); }

  void append_text(const QString& text);
  /// The answer is complete: it is parsed once more, as a whole and beside the screen.
  void finish();
  /// Shows a whole answer.
  void set_answer(const QString& text);
  const QString& text() const { return text_; }

  /// For tests: how often the tail was drawn, and how many blocks were replaced in the last and in
  /// the largest update.
  struct Work {
    int n_updates = 0;
    int n_replaced_blocks = 0;
    int max_replaced_blocks = 0;
    qsizetype max_parsed_characters = 0;
  };
  const Work& work() const { return work_; }

 signals:
  /// New text is on screen.
  void updated();

 protected:
  bool event(QEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  void draw_pending();
  void append_block(const QString& markdown);

  QString text_;
  QString pending_;
  MarkdownStream stream_;
  int tail_begin_ = 0;  ///< position of the open tail in the document
  std::int64_t n_sources_ = 0;
  std::function<QString(std::int64_t)> words_;
  QTimer timer_;
  bool finished_ = false;
  Work work_;
};

}  // namespace kvlink::ui
