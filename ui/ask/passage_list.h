// SPDX-License-Identifier: Apache-2.0
// The passages of an answer: numbered rows that open their place in the document.
#pragma once

#include <QAbstractButton>
#include <QWidget>
#include <vector>

#include "app/desk/answer_messages.h"

namespace kvlink::ui {

/// kExcerpts: while the answer is awaited there is time to read; kNames: under the answer;
/// kNearest: with excerpts, marked as what no answer was made from.
enum class PassageDetail : std::uint8_t { kExcerpts, kNames, kNearest };

/// One passage: number, place and its first words. Hovering shows the passage.
class PassageRow : public QAbstractButton {
  Q_OBJECT

 public:
  explicit PassageRow(desk::PassageView passage, QWidget* parent = nullptr);

  const desk::PassageView& passage() const { return passage_; }
  void set_detail(PassageDetail detail);
  PassageDetail detail() const { return detail_; }

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool event(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  bool has_excerpt() const;
  void paint_badge(QPainter& painter, const QRect& badge) const;

  desk::PassageView passage_;
  QString place_;
  QString excerpt_;
  PassageDetail detail_ = PassageDetail::kExcerpts;
};

class PassageList : public QWidget {
  Q_OBJECT

 public:
  /// More rows wait behind a button: a whole document may have thousands.
  static constexpr int kRowsAtFirst = 8;

  explicit PassageList(QWidget* parent = nullptr);

  void set_passages(const std::vector<desk::PassageView>& passages);
  void set_detail(PassageDetail detail);
  const std::vector<desk::PassageView>& passages() const { return passages_; }
  /// Null where no passage has the number.
  const desk::PassageView* find(std::int64_t number) const;

 signals:
  void activated(const kvlink::desk::PassageView& passage);

 private:
  void add_rows(std::size_t first, std::size_t last);

  std::vector<desk::PassageView> passages_;
  std::vector<PassageRow*> rows_;
  PassageDetail detail_ = PassageDetail::kExcerpts;
};

}  // namespace kvlink::ui
