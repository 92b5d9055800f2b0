// SPDX-License-Identifier: Apache-2.0
// Paints collections and documents: a check box, two lines, and a chip with the state.
#pragma once

#include <QStyledItemDelegate>

namespace kvlink::ui {

/// All rows are equally high, so that a hundred thousand of them cost no layout.
class DocumentDelegate : public QStyledItemDelegate {
  Q_OBJECT

 public:
  using QStyledItemDelegate::QStyledItemDelegate;

  void paint(QPainter* painter, const QStyleOptionViewItem& option,
             const QModelIndex& index) const override;
  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;
  bool editorEvent(QEvent* event, QAbstractItemModel* model, const QStyleOptionViewItem& option,
                   const QModelIndex& index) override;

 private:
  QRect check_rect(const QStyleOptionViewItem& option) const;
  void paint_check(QPainter& painter, const QStyleOptionViewItem& option,
                   const QModelIndex& index) const;
  void paint_document(QPainter& painter, const QStyleOptionViewItem& option,
                      const QModelIndex& index, QRect rect) const;
  void paint_collection(QPainter& painter, const QStyleOptionViewItem& option,
                        const QModelIndex& index, QRect rect) const;
  int paint_chip(QPainter& painter, const QStyleOptionViewItem& option, const QModelIndex& index,
                 const QRect& rect) const;
};

}  // namespace kvlink::ui
