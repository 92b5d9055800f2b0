// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/shortcuts_sheet.h"

#include <QApplication>
#include <QGridLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QScrollArea>
#include <QScrollBar>
#include <QVBoxLayout>

namespace kvlink::ui {
namespace {

constexpr int kMostColumns = 2;
constexpr int kEdge = 12;  // of the window, around it

QLabel* label(const QString& text, QWidget* parent, bool strong) {
  auto* made = new QLabel(text, parent);
  made->setTextFormat(Qt::PlainText);
  if (strong) {
    QFont font = made->font();
    font.setWeight(QFont::DemiBold);
    made->setFont(font);
  }
  return made;
}

}  // namespace

ShortcutsSheet::ShortcutsSheet(QWidget* window) : QFrame(window), area_(new QScrollArea(this)) {
  setObjectName(QStringLiteral("shortcutsSheet"));
  setFrameShape(QFrame::StyledPanel);
  setAutoFillBackground(true);
  setFocusPolicy(Qt::StrongFocus);
  setAccessibleName(tr("Keyboard shortcuts"));
  area_->setFrameShape(QFrame::NoFrame);
  area_->setWidgetResizable(true);
  area_->setFocusPolicy(Qt::NoFocus);
  area_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->addWidget(area_);
  hide();
}

void ShortcutsSheet::open(const QList<QAction*>& actions, const Lines& more) {
  Lines lines;
  for (const auto* action : actions) {
    if (action->shortcut().isEmpty()) continue;
    QString name = action->text();
    lines.append({action->shortcut().toString(QKeySequence::NativeText),
                  name.remove(QLatin1Char('&')).remove(QChar(0x2026))});
  }
  lines += more;
  QStringList spoken;
  for (const auto& [keys, name] : lines) spoken += keys + QStringLiteral(": ") + name;
  setAccessibleDescription(spoken.join(QStringLiteral("; ")));
  if (!isVisible()) before_ = QApplication::focusWidget();
  // Beside each other where there is room for that; what is too long then is scrolled.
  const QSize room = parentWidget()->size() - QSize(2 * kEdge, 2 * kEdge);
  int n_columns = kMostColumns;
  fill(lines, n_columns);
  while (area_->widget()->sizeHint().width() > room.width() && n_columns > 1) {
    fill(lines, --n_columns);
  }
  const int frame = 2 * frameWidth();
  QSize wanted = area_->widget()->sizeHint() + QSize(frame, frame);
  if (wanted.height() > room.height()) {
    wanted.rwidth() += area_->verticalScrollBar()->sizeHint().width();
  }
  resize(wanted.boundedTo(room));
  move((parentWidget()->width() - width()) / 2, (parentWidget()->height() - height()) / 2);
  raise();
  show();
  setFocus();
}

void ShortcutsSheet::fill(const Lines& lines, int n_columns) {
  auto* page = new QWidget;
  auto* grid = new QGridLayout(page);
  grid->setContentsMargins(24, 20, 24, 20);
  grid->setHorizontalSpacing(10);
  grid->setVerticalSpacing(6);
  grid->addWidget(label(tr("Keyboard shortcuts"), page, true), 0, 0, 1, 3 * n_columns - 1);
  const int per_column = (static_cast<int>(lines.size()) + n_columns - 1) / n_columns;
  for (int i = 0; i < lines.size(); ++i) {
    const int column = 3 * (i / per_column);
    const int row = 1 + i % per_column;
    grid->addWidget(label(lines[i].first, page, true), row, column);
    grid->addWidget(label(lines[i].second, page, false), row, column + 1);
  }
  for (int i = 1; i < n_columns; ++i) grid->setColumnMinimumWidth(3 * i - 1, 24);
  grid->activate();
  area_->setWidget(page);
  area_->viewport()->setAutoFillBackground(false);
  page->setAutoFillBackground(false);
}

bool ShortcutsSheet::event(QEvent* event) {
  // Esc closes the sheet; the window's own Esc must not see it.
  if (event->type() == QEvent::ShortcutOverride) event->accept();
  return QFrame::event(event);
}

void ShortcutsSheet::keyPressEvent(QKeyEvent* event) {
  auto* bar = area_->verticalScrollBar();
  switch (event->key()) {
    case Qt::Key_Down:
    case Qt::Key_Up:
      bar->setValue(bar->value() + (event->key() == Qt::Key_Down ? 1 : -1) * bar->singleStep());
      return;
    case Qt::Key_PageDown:
    case Qt::Key_PageUp:
      bar->setValue(bar->value() + (event->key() == Qt::Key_PageDown ? 1 : -1) * bar->pageStep());
      return;
    case Qt::Key_Escape:
    case Qt::Key_Return:
    case Qt::Key_Enter:
    case Qt::Key_F1:
      hide();
      return;
    default:
      QFrame::keyPressEvent(event);
  }
}

void ShortcutsSheet::mousePressEvent(QMouseEvent*) { hide(); }
void ShortcutsSheet::focusOutEvent(QFocusEvent*) { hide(); }

void ShortcutsSheet::hideEvent(QHideEvent* event) {
  QFrame::hideEvent(event);
  // A click elsewhere has taken the focus already.
  const auto* now = QApplication::focusWidget();
  if (before_ && (now == nullptr || now == this)) before_->setFocus();
}

}  // namespace kvlink::ui
