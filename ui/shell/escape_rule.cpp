// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/escape_rule.h"

#include <QAbstractItemView>
#include <QApplication>
#include <QKeyEvent>
#include <algorithm>
#include <utility>

namespace kvlink::ui {
namespace {

/// Whether the widget edits a row in place.
bool is_row_editor(const QWidget* widget) {
  const QWidget* viewport = widget == nullptr ? nullptr : widget->parentWidget();
  const auto* view = viewport == nullptr
                         ? nullptr
                         : qobject_cast<const QAbstractItemView*>(viewport->parentWidget());
  return view != nullptr && view->viewport() == viewport;
}

}  // namespace

EscapeRule::EscapeRule(QWidget& window, std::vector<Layer> layers, Layer answer)
    : QObject(&window), window_(window), layers_(std::move(layers)), answer_(std::move(answer)) {
  qApp->installEventFilter(this);
}

EscapeRule::~EscapeRule() { qApp->removeEventFilter(this); }

const EscapeRule::Layer* EscapeRule::meant() const {
  const auto open =
      std::find_if(layers_.begin(), layers_.end(), [](const Layer& l) { return l.is_open(); });
  if (open != layers_.end()) return &*open;
  return answer_.is_open() ? &answer_ : nullptr;
}

bool EscapeRule::eventFilter(QObject* watched, QEvent* event) {
  const auto type = event->type();
  if (type != QEvent::ShortcutOverride && type != QEvent::KeyPress) return false;
  const auto* key = static_cast<QKeyEvent*>(event);
  if (key->key() != Qt::Key_Escape || key->modifiers() != Qt::NoModifier) return false;
  const auto* widget = qobject_cast<QWidget*>(watched);
  // Menus, lists of combo boxes and dialogs are windows of their own.
  if (widget == nullptr || widget->window() != &window_ || is_row_editor(widget)) return false;
  const Layer* layer = meant();
  if (layer == nullptr) return false;
  event->accept();  // of an override: no shortcut takes the key, it comes again as a press
  if (type == QEvent::KeyPress) layer->close();
  return true;
}

}  // namespace kvlink::ui
