// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/shortcuts_sheet.h"

#include <QGridLayout>
#include <QKeyEvent>
#include <QLabel>

namespace kvlink::ui {
namespace {

constexpr int kColumns = 2;

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

ShortcutsSheet::ShortcutsSheet(QWidget* window) : QFrame(window), grid_(new QGridLayout(this)) {
  setObjectName(QStringLiteral("shortcutsSheet"));
  setFrameShape(QFrame::StyledPanel);
  setAutoFillBackground(true);
  setFocusPolicy(Qt::StrongFocus);
  setAccessibleName(tr("Keyboard shortcuts"));
  grid_->setContentsMargins(24, 20, 24, 20);
  grid_->setHorizontalSpacing(10);
  grid_->setVerticalSpacing(6);
  hide();
}

void ShortcutsSheet::open(const QList<QAction*>& actions,
                          const QList<QPair<QString, QString>>& more) {
  while (auto* item = grid_->takeAt(0)) {
    delete item->widget();
    delete item;
  }
  QList<QPair<QString, QString>> lines;
  for (const auto* action : actions) {
    if (action->shortcut().isEmpty()) continue;
    QString name = action->text();
    lines.append({action->shortcut().toString(QKeySequence::NativeText),
                  name.remove(QLatin1Char('&')).remove(QChar(0x2026))});
  }
  lines += more;
  grid_->addWidget(label(tr("Keyboard shortcuts"), this, true), 0, 0, 1, 3 * kColumns - 1);
  const int per_column = static_cast<int>(lines.size() + kColumns - 1) / kColumns;
  for (int i = 0; i < lines.size(); ++i) {
    const int column = 3 * (i / per_column);
    const int row = 1 + i % per_column;
    grid_->addWidget(label(lines[i].first, this, true), row, column);
    grid_->addWidget(label(lines[i].second, this, false), row, column + 1);
  }
  grid_->setColumnMinimumWidth(2, 24);
  grid_->activate();
  resize(sizeHint().boundedTo(parentWidget()->size()));
  move((parentWidget()->width() - width()) / 2, (parentWidget()->height() - height()) / 2);
  raise();
  show();
  setFocus();
}

bool ShortcutsSheet::event(QEvent* event) {
  // Esc closes the sheet; the window's own Esc must not see it.
  if (event->type() == QEvent::ShortcutOverride) event->accept();
  return QFrame::event(event);
}

void ShortcutsSheet::keyPressEvent(QKeyEvent*) { hide(); }
void ShortcutsSheet::mousePressEvent(QMouseEvent*) { hide(); }
void ShortcutsSheet::focusOutEvent(QFocusEvent*) { hide(); }

}  // namespace kvlink::ui
