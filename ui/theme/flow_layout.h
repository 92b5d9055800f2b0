// SPDX-License-Identifier: Apache-2.0
// Parts beside each other, on further lines where there is no room for all on one.
#pragma once

#include <QLayout>
#include <QList>

namespace kvlink::ui {

/// A line breaks between parts as between words, so that no part is ever narrower than its text: a
/// longer translation and larger letters make more lines. Hidden parts take no room.
class FlowLayout : public QLayout {
 public:
  /// Lines begin at the left, or, with Qt::AlignRight, end at the right.
  explicit FlowLayout(int spacing, Qt::Alignment side = Qt::AlignLeft);
  ~FlowLayout() override;

  void addItem(QLayoutItem* item) override { items_.append(item); }
  int count() const override { return static_cast<int>(items_.size()); }
  QLayoutItem* itemAt(int index) const override { return items_.value(index); }
  QLayoutItem* takeAt(int index) override;

  Qt::Orientations expandingDirections() const override { return {}; }
  bool hasHeightForWidth() const override { return true; }
  int heightForWidth(int width) const override { return arrange({0, 0, width, 0}, false); }
  /// Of one line with everything on it.
  QSize sizeHint() const override;
  /// Of a column with everything in it: the widest part.
  QSize minimumSize() const override;
  void setGeometry(const QRect& rect) override;

 private:
  int arrange(const QRect& rect, bool place) const;
  void place_line(const QList<QLayoutItem*>& line, const QRect& rect, int top, int height) const;

  QList<QLayoutItem*> items_;
  Qt::Alignment side_;
};

}  // namespace kvlink::ui
