// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/passage_list.h"

#include <QEvent>
#include <QKeyEvent>
#include <QPainter>
#include <QPushButton>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/ask/answer_words.h"
#include "ui/ask/visible_text.h"
#include "ui/theme/colors.h"

namespace kvlink::ui {
namespace {

constexpr int kGap = 8;
constexpr int kRowPadding = 4;
constexpr qsizetype kExcerpt = 400;
constexpr qsizetype kTooltip = 900;

}  // namespace

PassageRow::PassageRow(desk::PassageView passage, QWidget* parent)
    : QAbstractButton(parent), passage_(std::move(passage)) {
  place_ = place_words(passage_);
  excerpt_ = one_line(passage_.text, kExcerpt);
  setObjectName(QStringLiteral("passage-%1").arg(passage_.number));
  setCursor(Qt::PointingHandCursor);
  setFocusPolicy(Qt::StrongFocus);
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  setAttribute(Qt::WA_Hover);
  set_detail(PassageDetail::kExcerpts);
  setAccessibleDescription(excerpt_);
  QString tip = passage_.text.first(std::min(passage_.text.size(), kTooltip));
  if (tip.size() < passage_.text.size()) tip += QStringLiteral("\u2026");
  setToolTip(plain_tooltip(tip));
}

void PassageRow::set_detail(PassageDetail detail) {
  detail_ = detail;
  setAccessibleName(detail == PassageDetail::kNearest
                        ? tr("Near, but not used, %1: %2").arg(passage_.number).arg(place_)
                        : tr("Source %1: %2").arg(passage_.number).arg(place_));
  updateGeometry();
  update();
}

bool PassageRow::has_excerpt() const {
  return detail_ != PassageDetail::kNames && !excerpt_.isEmpty();
}

QSize PassageRow::sizeHint() const {
  const int n_lines = has_excerpt() ? 2 : 1;
  return {320, n_lines * fontMetrics().lineSpacing() + 2 * kRowPadding};
}

QSize PassageRow::minimumSizeHint() const { return {80, sizeHint().height()}; }

void PassageRow::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const QFontMetrics metrics = fontMetrics();
  const int line = metrics.lineSpacing();
  if (underMouse() || hasFocus()) {
    QColor fill = palette().color(QPalette::Highlight);
    fill.setAlpha(hasFocus() ? 60 : 30);
    painter.setPen(Qt::NoPen);
    painter.setBrush(fill);
    painter.drawRoundedRect(rect().adjusted(0, 0, -1, -1), 4, 4);
  }
  const QString number = QString::number(passage_.number);
  const int badge_width = std::max(line, metrics.horizontalAdvance(number) + kGap);
  const QRect badge(kRowPadding, kRowPadding, badge_width, line);
  paint_badge(painter, badge);
  const int left = badge.right() + kGap;
  const int width = this->width() - left - kRowPadding;
  painter.setPen(palette().color(QPalette::Text));
  painter.drawText(QRect(left, kRowPadding, width, line), Qt::AlignVCenter | Qt::TextSingleLine,
                   metrics.elidedText(place_, Qt::ElideMiddle, width));
  if (!has_excerpt()) return;
  painter.setPen(colors_of(palette()).quiet);
  painter.drawText(QRect(left, kRowPadding + line, width, line),
                   Qt::AlignVCenter | Qt::TextSingleLine,
                   metrics.elidedText(excerpt_, Qt::ElideRight, width));
}

/// A source's number stands on a filled ground; a passage that was only near has an outline.
void PassageRow::paint_badge(QPainter& painter, const QRect& badge) const {
  const bool is_source = detail_ != PassageDetail::kNearest;
  const QColor color = is_source ? palette().color(QPalette::Link) : colors_of(palette()).quiet;
  QColor fill = color;
  fill.setAlpha(is_source ? 36 : 0);
  painter.setPen(is_source ? QPen(Qt::NoPen) : QPen(color, 1, Qt::DashLine));
  painter.setBrush(fill);
  painter.drawRoundedRect(QRectF(badge).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4);
  painter.setPen(color);
  painter.drawText(badge, Qt::AlignCenter, QString::number(passage_.number));
}

bool PassageRow::event(QEvent* event) {
  if (event->type() == QEvent::HoverEnter || event->type() == QEvent::HoverLeave) update();
  return QAbstractButton::event(event);
}

void PassageRow::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) {
    click();
    return;
  }
  QAbstractButton::keyPressEvent(event);
}

PassageList::PassageList(QWidget* parent) : QWidget(parent) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  setAccessibleName(tr("Passages"));
}

void PassageList::set_passages(const std::vector<desk::PassageView>& passages) {
  qDeleteAll(findChildren<QAbstractButton*>(QString(), Qt::FindDirectChildrenOnly));
  rows_.clear();
  passages_ = passages;
  const auto n_first = std::min<std::size_t>(passages_.size(), kRowsAtFirst);
  add_rows(0, n_first);
  if (n_first == passages_.size()) return;
  auto* more = new QPushButton(
      tr("Show %n more passage(s)", "", static_cast<int>(passages_.size() - n_first)), this);
  more->setFlat(true);
  layout()->addWidget(more);
  connect(more, &QPushButton::clicked, this, [this, more] {
    more->deleteLater();
    add_rows(rows_.size(), passages_.size());
  });
}

void PassageList::add_rows(std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i) {
    auto* row = new PassageRow(passages_[i], this);
    row->set_detail(detail_);
    layout()->addWidget(row);
    rows_.push_back(row);
    connect(row, &PassageRow::clicked, this, [this, row] { emit activated(row->passage()); });
  }
}

void PassageList::set_detail(PassageDetail detail) {
  detail_ = detail;
  for (PassageRow* row : rows_) row->set_detail(detail);
}

const desk::PassageView* PassageList::find(std::int64_t number) const {
  const auto it = std::find_if(passages_.begin(), passages_.end(),
                               [number](const auto& p) { return p.number == number; });
  return it == passages_.end() ? nullptr : &*it;
}

}  // namespace kvlink::ui
