// SPDX-License-Identifier: Apache-2.0
// Whether the texts of a page have the room they ask for.
#pragma once

#include <QAbstractButton>
#include <QAbstractScrollArea>
#include <QLabel>
#include <QTest>

namespace kvlink::ui::tests {

/// A text that is meant to be cut where there is no room: its size hint does not count. Whoever
/// sees less than all of it finds the rest in the tooltip.
inline bool may_be_cut(const QWidget& widget) {
  return widget.sizePolicy().horizontalPolicy() == QSizePolicy::Ignored;
}

/// Whether some of it lies outside of what it is in. What is scrolled away can be scrolled to.
inline bool sticks_out(const QWidget& widget) {
  QRect rect = widget.rect();
  const QWidget* at = &widget;
  while (!at->isWindow()) {
    const QWidget* parent = at->parentWidget();
    rect.translate(at->pos());
    if (qobject_cast<const QAbstractScrollArea*>(parent->parentWidget()) != nullptr) {
      return rect.right() >= parent->width() && at->width() > parent->width();
    }
    if (!parent->rect().contains(rect)) return true;
    at = parent;
  }
  return false;
}

/// "" or what is wrong with a button or label.
inline QString clipping_of(const QWidget& widget, const QString& text) {
  const auto say = [&](const char* what, QSize needed) {
    return QStringLiteral("\u201c%1\u201d %2: %3 x %4 of %5 x %6 (%7)")
        .arg(text.left(70), QLatin1String(what))
        .arg(widget.width())
        .arg(widget.height())
        .arg(needed.width())
        .arg(needed.height())
        .arg(QLatin1String(widget.parentWidget()->metaObject()->className()));
  };
  QSize needed = widget.sizeHint();
  const auto* label = qobject_cast<const QLabel*>(&widget);
  const bool wraps = label != nullptr && label->wordWrap();
  if (wraps) needed = {widget.minimumSizeHint().width(), label->heightForWidth(label->width())};
  if (widget.height() < needed.height()) return say("is too low", needed);
  if (sticks_out(widget)) return say("sticks out", needed);
  if (widget.width() >= needed.width()) return {};
  if (!may_be_cut(widget)) return say("is too narrow", needed);
  return widget.toolTip().isEmpty() ? say("is cut and has no tooltip", needed) : QString();
}

/// Every button and label on `page` whose text has too little room, in words.
inline QStringList clipped_texts(const QWidget& page) {
  QStringList found;
  const auto look = [&](const QWidget* widget, const QString& text) {
    if (!widget->isVisible() || text.isEmpty() || widget->maximumWidth() == 1) return;
    const QString wrong = clipping_of(*widget, text);
    if (!wrong.isEmpty()) found += wrong;
  };
  for (const auto* button : page.findChildren<QAbstractButton*>()) look(button, button->text());
  for (const auto* label : page.findChildren<QLabel*>()) look(label, label->text());
  return found;
}

inline void check_not_clipped(QWidget& page, int width) {
  page.resize(width, 900);
  page.show();
  QVERIFY(QTest::qWaitForWindowExposed(&page));
  QVERIFY(!page.findChildren<QLabel*>().isEmpty());
  const auto found = clipped_texts(page);
  QVERIFY2(found.isEmpty(), qPrintable(found.join(QLatin1Char('\n'))));
}

}  // namespace kvlink::ui::tests
