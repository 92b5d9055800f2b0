// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/conversation_view.h"

#include <QScrollBar>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>

#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

constexpr int kNearEnd = 24;     // pixels
constexpr int kMaxWidth = 1100;  // lines stay readable in a wide window

}  // namespace

ConversationView::ConversationView(QWidget* parent)
    : QScrollArea(parent),
      column_(new QWidget(this)),
      layout_(new QVBoxLayout(column_)),
      hint_(new QLabel(column_)),
      earlier_button_(new QPushButton(column_)),
      end_button_(new QToolButton(this)) {
  setWidgetResizable(true);
  setFrameShape(QFrame::NoFrame);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  setAccessibleName(tr("Conversation"));
  setFocusPolicy(Qt::NoFocus);
  viewport()->setBackgroundRole(QPalette::Base);
  column_->setBackgroundRole(QPalette::Base);
  column_->setMaximumWidth(kMaxWidth);
  layout_->setContentsMargins(16, 12, 16, 12);
  layout_->setSpacing(10);
  hint_->setTextFormat(Qt::PlainText);
  hint_->setAlignment(Qt::AlignCenter);
  hint_->setWordWrap(true);
  hint_->setForegroundRole(QPalette::PlaceholderText);
  hint_->setText(
      tr("Ask a question about your documents.\nThe passages it is answered from "
         "appear first, and every step is timed."));
  earlier_button_->setFlat(true);
  earlier_button_->hide();
  connect(earlier_button_, &QPushButton::clicked, this, &ConversationView::insert_earlier);
  layout_->addWidget(hint_, 1);
  layout_->addWidget(earlier_button_);
  layout_->addStretch(0);
  setWidget(column_);
  end_button_->setIcon(icon(QStringLiteral("pointer-end")));
  end_button_->setText(tr("Jump to the end"));
  end_button_->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  end_button_->setObjectName(QStringLiteral("jump-to-end"));
  end_button_->hide();
  connect(end_button_, &QToolButton::clicked, this, &ConversationView::jump_to_end);
  auto* bar = verticalScrollBar();
  connect(bar, &QScrollBar::valueChanged, this, [this, bar](int value) {
    at_end_ = value >= bar->maximum() - kNearEnd;
    place_button();
  });
  connect(bar, &QScrollBar::rangeChanged, this, [this, bar](int, int maximum) {
    if (at_end_) bar->setValue(maximum);
    place_button();
  });
}

TurnWidget* ConversationView::add_turn(const desk::AskRequest& request) {
  auto* turn = new TurnWidget(request, column_);
  turns_.push_back(turn);
  layout_->insertWidget(layout_->count() - 1, turn);
  show_hint();
  emit turn_made(turn);
  jump_to_end();
  return turn;
}

void ConversationView::show_turns(const std::vector<desk::ConversationTurn>& turns) {
  clear();
  earlier_ = turns;
  insert_earlier();
  jump_to_end();
}

void ConversationView::insert_earlier() {
  const std::size_t n = std::min(earlier_.size(), kTurnsAtOnce);
  const std::size_t first = earlier_.size() - n;
  std::vector<TurnWidget*> made;
  const int place = layout_->indexOf(earlier_button_) + 1;
  for (std::size_t i = 0; i < n; ++i) {
    auto* turn = new TurnWidget(earlier_[first + i], column_);
    layout_->insertWidget(place + static_cast<int>(i), turn);
    made.push_back(turn);
    emit turn_made(turn);
  }
  turns_.insert(turns_.begin(), made.begin(), made.end());
  earlier_.resize(first);
  earlier_button_->setText(tr("Show %n earlier question(s)", "", static_cast<int>(first)));
  earlier_button_->setVisible(first > 0);
  show_hint();
}

void ConversationView::clear() {
  for (TurnWidget* turn : turns_) {
    turn->hide();
    turn->deleteLater();
  }
  turns_.clear();
  earlier_.clear();
  earlier_button_->hide();
  at_end_ = true;
  show_hint();
}

void ConversationView::show_hint() { hint_->setVisible(turns_.empty()); }

void ConversationView::jump_to_end() {
  at_end_ = true;
  verticalScrollBar()->setValue(verticalScrollBar()->maximum());
  place_button();
}

void ConversationView::scroll_page(int step) {
  auto* bar = verticalScrollBar();
  bar->setValue(bar->value() + step * bar->pageStep());
}

void ConversationView::resizeEvent(QResizeEvent* event) {
  QScrollArea::resizeEvent(event);
  place_button();
}

void ConversationView::place_button() {
  const bool shown = !at_end_ && verticalScrollBar()->maximum() > 0;
  end_button_->setVisible(shown);
  if (!shown) return;
  const QSize size = end_button_->sizeHint();
  const QRect area = viewport()->geometry();
  end_button_->setGeometry(area.right() - size.width() - 12, area.bottom() - size.height() - 12,
                           size.width(), size.height());
  end_button_->raise();
}

}  // namespace kvlink::ui
