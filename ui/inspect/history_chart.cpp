// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/history_chart.h"

#include <QHelpEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "ui/inspect/quantities.h"
#include "ui/theme/colors.h"

namespace kvlink::ui {
namespace {

constexpr double kDotRadius = 4;

}  // namespace

HistoryChart::HistoryChart(QWidget* parent) : QWidget(parent) {
  setAccessibleName(tr("Time to first token of the last questions"));
  setAccessibleDescription(tr("The table below has the same numbers."));
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
  setMouseTracking(true);
}

void HistoryChart::set_questions(const std::deque<QuestionTiming>& questions) {
  questions_ = questions;
  double low = 1e300;
  double high = 0;
  for (const auto& question : questions_) {
    if (!question.ttft_ms || *question.ttft_ms <= 0) continue;
    low = std::min(low, *question.ttft_ms);
    high = std::max(high, *question.ttft_ms);
  }
  if (high > 0) {
    min_ms_ = std::pow(10.0, std::floor(std::log10(low)));
    max_ms_ = std::pow(10.0, std::ceil(std::log10(high * 1.0001)));
  }
  selected_ = static_cast<int>(questions_.size()) - 1;
  update();
}

void HistoryChart::select(int index) {
  selected_ = index;
  update();
}

QRectF HistoryChart::plot_rect() const {
  const double left = fontMetrics().horizontalAdvance(duration_text(10000)) + 8;
  const double top = fontMetrics().height() + 6;
  return {left, top, std::max(10.0, width() - left - 8), std::max(10.0, height() - top - 8)};
}

double HistoryChart::y_of(double ms) const {
  const auto plot = plot_rect();
  const double share = std::log(ms / min_ms_) / std::log(max_ms_ / min_ms_);
  return plot.bottom() - share * plot.height();
}

std::optional<QPointF> HistoryChart::dot(int index) const {
  const auto& question = questions_.at(static_cast<std::size_t>(index));
  if (!question.ttft_ms || *question.ttft_ms <= 0) return std::nullopt;
  const auto plot = plot_rect();
  // Few questions stand close together on the left, so that a new one does not move the others.
  const double step = plot.width() / TimingHistory::kCapacity;
  return QPointF(plot.left() + step * (index + 0.5), y_of(*question.ttft_ms));
}

int HistoryChart::dot_at(const QPointF& point) const {
  for (int i = static_cast<int>(questions_.size()) - 1; i >= 0; --i) {
    const auto center = dot(i);
    if (!center) continue;
    const auto away = point - *center;
    if (std::hypot(away.x(), away.y()) <= kDotRadius + 3) return i;
  }
  return -1;
}

void HistoryChart::paint_axis(QPainter& painter) const {
  const auto plot = plot_rect();
  const auto& colors = colors_of(palette());
  for (double at = min_ms_; at <= max_ms_ * 1.001; at *= 10) {
    const double y = std::floor(y_of(at)) + 0.5;
    painter.setPen(colors.grid);
    painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y));
    painter.setPen(colors.quiet);
    const double height = fontMetrics().height();
    painter.drawText(QRectF(0, y - height / 2, plot.left() - 6, height),
                     Qt::AlignRight | Qt::AlignVCenter,
                     at >= 1000 ? tr("%1 s").arg(decimal_text(at / 1000, 0))
                                : tr("%1 ms").arg(decimal_text(at, at < 1 ? 1 : 0)));
  }
}

void HistoryChart::paint_dots(QPainter& painter) const {
  const auto& colors = colors_of(palette());
  for (int i = 0; i < static_cast<int>(questions_.size()); ++i) {
    const auto center = dot(i);
    if (!center) continue;
    const auto& question = questions_[static_cast<std::size_t>(i)];
    const auto color = question.without_cache ? colors.quiet : colors.memory;
    if (i == selected_) {
      painter.setPen(QPen(palette().color(QPalette::WindowText), 1));
      painter.setBrush(Qt::NoBrush);
      painter.drawEllipse(*center, kDotRadius + 3, kDotRadius + 3);
    }
    painter.setPen(QPen(color, 1.6));
    painter.setBrush(question.without_cache ? QBrush(Qt::NoBrush) : QBrush(color));
    painter.drawEllipse(*center, kDotRadius, kDotRadius);
  }
}

void HistoryChart::paint_legend(QPainter& painter) const {
  const auto& colors = colors_of(palette());
  const double middle = fontMetrics().height() / 2.0 + 1;
  double x = plot_rect().left() + kDotRadius;
  const auto entry = [&](const QString& text, const QColor& color, bool filled) {
    painter.setPen(QPen(color, 1.6));
    painter.setBrush(filled ? QBrush(color) : QBrush(Qt::NoBrush));
    painter.drawEllipse(QPointF(x, middle), kDotRadius, kDotRadius);
    painter.setPen(colors.quiet);
    const int wide = fontMetrics().horizontalAdvance(text);
    painter.drawText(QRectF(x + 10, 0, wide + 4, 2 * middle), Qt::AlignVCenter, text);
    x += wide + 34;
  };
  entry(tr("with caches"), colors.memory, true);
  entry(tr("without, measured"), colors.quiet, false);
}

void HistoryChart::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  paint_axis(painter);
  paint_dots(painter);
  paint_legend(painter);
}

void HistoryChart::mousePressEvent(QMouseEvent* event) {
  const int index = dot_at(event->position());
  if (index < 0) return;
  select(index);
  emit activated(index);
}

bool HistoryChart::event(QEvent* event) {
  if (event->type() != QEvent::ToolTip) return QWidget::event(event);
  const auto* help = static_cast<QHelpEvent*>(event);
  const int index = dot_at(help->pos());
  if (index < 0) {
    QToolTip::hideText();
    return true;
  }
  const auto& question = questions_[static_cast<std::size_t>(index)];
  const auto kind = question.without_cache ? tr("without caches, measured") : tr("with caches");
  // Plain text: a question may contain anything.
  QToolTip::showText(
      help->globalPos(),
      QStringLiteral("<span>%1</span><br>%2, %3")
          .arg(question.question.left(200).toHtmlEscaped(), duration_text(*question.ttft_ms), kind),
      this);
  return true;
}

}  // namespace kvlink::ui
