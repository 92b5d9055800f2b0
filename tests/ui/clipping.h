// SPDX-License-Identifier: Apache-2.0
// Whether the texts of a page have the room they ask for.
#pragma once

#include <QAbstractButton>
#include <QLabel>
#include <QTest>

namespace kvlink::ui::tests {

/// A label that is meant to be cut where there is no room: its size hint does not count.
inline bool may_be_cut(const QWidget& widget) {
  return widget.sizePolicy().horizontalPolicy() == QSizePolicy::Ignored;
}

/// "" or the first button or label on `page` whose text has too little room.
inline QString clipped_text(const QWidget& page) {
  for (const auto* button : page.findChildren<QAbstractButton*>()) {
    if (!button->isVisible() || button->text().isEmpty() || may_be_cut(*button)) continue;
    const bool fits = button->width() >= button->sizeHint().width() &&
                      button->geometry().right() <= button->parentWidget()->width();
    if (!fits) return button->text();
  }
  for (const auto* label : page.findChildren<QLabel*>()) {
    if (!label->isVisible() || label->text().isEmpty()) continue;
    const int needed =
        label->wordWrap() ? label->heightForWidth(label->width()) : label->sizeHint().height();
    if (label->height() < needed) return label->text();
    const bool may_be_narrow = label->wordWrap() || may_be_cut(*label);
    if (!may_be_narrow && label->width() < label->sizeHint().width()) return label->text();
  }
  return {};
}

inline void check_not_clipped(QWidget& page, int width) {
  page.resize(width, 900);
  page.show();
  QVERIFY(QTest::qWaitForWindowExposed(&page));
  QVERIFY(!page.findChildren<QLabel*>().isEmpty());
  QCOMPARE(clipped_text(page), QString());
}

}  // namespace kvlink::ui::tests
