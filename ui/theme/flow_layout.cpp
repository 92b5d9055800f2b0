// SPDX-License-Identifier: Apache-2.0
#include "ui/theme/flow_layout.h"

#include <QApplication>
#include <QStyle>
#include <algorithm>

namespace kvlink::ui {

FlowLayout::FlowLayout(int spacing, Qt::Alignment side) : side_(side) {
  setContentsMargins(0, 0, 0, 0);
  setSpacing(spacing);
}

FlowLayout::~FlowLayout() { qDeleteAll(items_); }

QLayoutItem* FlowLayout::takeAt(int index) {
  return index >= 0 && index < items_.size() ? items_.takeAt(index) : nullptr;
}

QSize FlowLayout::sizeHint() const {
  QSize size(0, 0);
  for (const auto* item : items_) {
    if (item->isEmpty()) continue;
    const QSize hint = item->sizeHint();
    const int gap = size.width() > 0 ? spacing() : 0;
    size = {size.width() + gap + hint.width(), std::max(size.height(), hint.height())};
  }
  return size.grownBy(contentsMargins());
}

QSize FlowLayout::minimumSize() const {
  QSize size(0, 0);
  for (const auto* item : items_) {
    if (!item->isEmpty()) size = size.expandedTo(item->minimumSize());
  }
  return size.grownBy(contentsMargins());
}

void FlowLayout::setGeometry(const QRect& rect) {
  QLayout::setGeometry(rect);
  arrange(rect, true);
}

/// The height that the parts take in a rectangle of this width.
int FlowLayout::arrange(const QRect& rect, bool place) const {
  const QMargins margins = contentsMargins();
  const QRect room = rect.marginsRemoved(margins);
  QList<QLayoutItem*> line;
  int top = room.top();
  int width = 0;
  int height = 0;
  const auto end_line = [&](int gap) {
    if (place) place_line(line, room, top, height);
    top += height + gap;
    line.clear();
    width = height = 0;
  };
  for (auto* item : items_) {
    if (item->isEmpty()) continue;
    const QSize hint = item->sizeHint();
    if (!line.isEmpty() && width + spacing() + hint.width() > room.width()) end_line(spacing());
    width += (line.isEmpty() ? 0 : spacing()) + hint.width();
    height = std::max(height, hint.height());
    line.append(item);
  }
  end_line(0);
  return top - room.top() + margins.top() + margins.bottom();
}

void FlowLayout::place_line(const QList<QLayoutItem*>& line, const QRect& rect, int top,
                            int height) const {
  int n_all = 0;
  for (const auto* item : line) n_all += item->sizeHint().width() + spacing();
  int left = rect.left();
  if (side_.testFlag(Qt::AlignRight)) left = std::max(left, rect.right() + 1 - n_all + spacing());
  for (auto* item : line) {
    const QSize hint = item->sizeHint().boundedTo({rect.width(), height});
    const QRect wanted(left, top + (height - hint.height()) / 2, hint.width(), hint.height());
    item->setGeometry(QStyle::visualRect(QApplication::layoutDirection(), rect, wanted));
    left += hint.width() + spacing();
  }
}

}  // namespace kvlink::ui
