// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/command_palette.h"

#include <QApplication>
#include <QKeyEvent>
#include <QLineEdit>
#include <QListWidget>
#include <QPixmap>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>

namespace kvlink::ui {
namespace {

constexpr int kWidth = 520;
constexpr int kHeight = 360;
constexpr int kIconSize = 16;
constexpr int kActionRole = Qt::UserRole;

QString name_of(const QAction& action) {
  QString name = action.text();
  return name.remove(QLatin1Char('&')).remove(QChar(0x2026));
}

}  // namespace

CommandPalette::CommandPalette(QWidget* window)
    : QFrame(window), input_(new QLineEdit(this)), list_(new QListWidget(this)) {
  setObjectName(QStringLiteral("commandPalette"));
  setFrameShape(QFrame::StyledPanel);
  setAutoFillBackground(true);
  input_->setPlaceholderText(tr("What do you want to do?"));
  input_->setAccessibleName(tr("Search commands"));
  list_->setAccessibleName(tr("Commands"));
  list_->setFocusPolicy(Qt::NoFocus);
  list_->setUniformItemSizes(true);
  list_->setIconSize({kIconSize, kIconSize});
  list_->setFrameShape(QFrame::NoFrame);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(8, 8, 8, 8);
  column->addWidget(input_);
  column->addWidget(list_);
  input_->installEventFilter(this);
  connect(input_, &QLineEdit::textChanged, this, &CommandPalette::narrow);
  connect(list_, &QListWidget::itemClicked, this, &CommandPalette::run_current);
  hide();
}

void CommandPalette::open(const QList<QAction*>& actions) {
  actions_.clear();
  for (auto* action : actions) actions_.append(action);
  before_ = QApplication::focusWidget();
  const QRect area = parentWidget()->rect();
  const int width = std::min(kWidth, area.width() - 40);
  const int height = std::min(kHeight, area.height() - 80);
  setGeometry((area.width() - width) / 2, area.height() / 10, width, height);
  input_->clear();
  narrow({});
  raise();
  show();
  input_->setFocus();
}

void CommandPalette::narrow(const QString& words) {
  list_->clear();
  QPixmap empty(kIconSize, kIconSize);
  empty.fill(Qt::transparent);
  const QIcon blank(empty);  // names begin at one place
  const QStringList parts = words.split(QLatin1Char(' '), Qt::SkipEmptyParts);
  for (int i = 0; i < actions_.size(); ++i) {
    const auto& action = actions_[i];
    if (!action || !action->isEnabled()) continue;
    const QString name = name_of(*action);
    const bool fits = std::all_of(parts.begin(), parts.end(), [&](const QString& part) {
      return name.contains(part, Qt::CaseInsensitive);
    });
    if (!fits || name.isEmpty()) continue;
    const QString keys = action->shortcut().toString(QKeySequence::NativeText);
    auto* item = new QListWidgetItem(action->icon().isNull() ? blank : action->icon(),
                                     keys.isEmpty() ? name : name + QStringLiteral("   ") + keys);
    item->setSizeHint({0, list_->fontMetrics().height() + 10});
    item->setData(kActionRole, i);
    list_->addItem(item);
  }
  list_->setCurrentRow(0);
}

void CommandPalette::run_current() {
  const auto* item = list_->currentItem();
  const QPointer<QAction> action =
      item == nullptr ? nullptr : actions_.value(item->data(kActionRole).toInt());
  close_palette();
  if (action) action->trigger();
}

void CommandPalette::close_palette() {
  hide();
  if (before_) before_->setFocus();
}

bool CommandPalette::eventFilter(QObject* watched, QEvent* event) {
  if (watched != input_) return QFrame::eventFilter(watched, event);
  if (event->type() == QEvent::FocusOut) {
    hide();
    return false;
  }
  const bool is_override = event->type() == QEvent::ShortcutOverride;
  if (event->type() != QEvent::KeyPress && !is_override) return false;
  const auto* key = static_cast<QKeyEvent*>(event);
  switch (key->key()) {
    case Qt::Key_Escape:
      // Taken before the window's own Esc (stop) sees it.
      is_override ? event->accept() : close_palette();
      return true;
    case Qt::Key_Return:
    case Qt::Key_Enter:
      if (!is_override) run_current();
      return !is_override;
    case Qt::Key_Down:
    case Qt::Key_Up: {
      if (is_override || list_->count() == 0) return false;
      const int step = key->key() == Qt::Key_Down ? 1 : -1;
      list_->setCurrentRow((list_->currentRow() + step + list_->count()) % list_->count());
      return true;
    }
    default:
      return false;
  }
}

}  // namespace kvlink::ui
