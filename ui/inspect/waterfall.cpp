// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/waterfall.h"

#include <QEvent>
#include <QHelpEvent>
#include <QPainter>
#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "ui/inspect/quantities.h"
#include "ui/theme/colors.h"

namespace kvlink::ui {
namespace {

constexpr double kMinPiecePixels = 1.5;
constexpr int kTicks = 4;

}  // namespace

double tick_step(double span, int n_ticks) {
  if (span <= 0 || n_ticks <= 0) return 1;
  const double rough = span / n_ticks;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (rough <= factor * power) return factor * power;
  }
  return 10 * power;
}

Waterfall::Waterfall(QWidget* parent) : QWidget(parent) {
  setAccessibleName(tr("Stages up to the first token"));
  setAccessibleDescription(tr("The table below has the same numbers."));
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  setMouseTracking(true);
}

void Waterfall::set_bars(std::vector<StageBar> bars, double total_ms) {
  const bool other_rows = bars.size() != bars_.size();
  bars_ = std::move(bars);
  axis_ms_ = total_ms;
  for (const auto& bar : bars_) {
    for (const auto& piece : bar.pieces) axis_ms_ = std::max(axis_ms_, piece.end_ms);
  }
  if (other_rows) updateGeometry();
  update();
}

int Waterfall::row_height() const { return fontMetrics().height() + 7; }

int Waterfall::label_width() const {
  int widest = 0;
  for (const auto& bar : bars_) {
    widest = std::max(widest, fontMetrics().horizontalAdvance(bar_name(bar.bar)));
  }
  return std::min(widest + 10, std::max(40, width() / 2));
}

int Waterfall::value_width() const {
  return fontMetrics().horizontalAdvance(duration_text(888.8)) + 14;
}

double Waterfall::x_of(double ms) const {
  const int left = label_width();
  const int room = std::max(1, width() - left - value_width());
  return axis_ms_ > 0 ? left + ms / axis_ms_ * room : left;
}

QRectF Waterfall::row_rect(std::size_t bar) const {
  return {0, static_cast<double>(bar) * row_height(), static_cast<double>(width()),
          static_cast<double>(row_height())};
}

QRectF Waterfall::piece_rect(std::size_t bar, std::size_t piece) const {
  const auto& span = bars_.at(bar).pieces.at(piece);
  const auto row = row_rect(bar);
  const double begin = x_of(span.begin_ms);
  const double wide = std::max(kMinPiecePixels, x_of(span.end_ms) - begin);
  return {begin, row.top() + 4, wide, row.height() - 8};
}

QSize Waterfall::sizeHint() const {
  const int n_rows = bars_.empty() ? 8 : static_cast<int>(bars_.size());
  return {420, n_rows * row_height() + fontMetrics().height() + 8};
}

QSize Waterfall::minimumSizeHint() const { return {220, sizeHint().height()}; }

void Waterfall::paint_axis(QPainter& painter) const {
  const double bottom = static_cast<double>(bars_.size()) * row_height();
  const double step = tick_step(axis_ms_, kTicks);
  const auto& colors = colors_of(palette());
  double free_from = 0;  // where the last number ends
  for (double at = 0; at <= axis_ms_ * 1.0001; at += step) {
    const double x = std::floor(x_of(at)) + 0.5;
    painter.setPen(colors.grid);
    painter.drawLine(QPointF(x, 0), QPointF(x, bottom + 3));
    painter.setPen(colors.quiet);
    const auto text = at == 0 ? QStringLiteral("0") : duration_text(at);
    const double half = fontMetrics().horizontalAdvance(text) / 2.0 + 2;
    if (x - half < free_from) continue;
    free_from = x + half + 4;
    painter.drawText(QRectF(x - half, bottom + 4, 2 * half, fontMetrics().height()),
                     Qt::AlignCenter, text);
  }
}

void Waterfall::paint_row(QPainter& painter, std::size_t index) const {
  const auto& bar = bars_[index];
  const auto& colors = colors_of(palette());
  const auto row = row_rect(index);
  const QRectF label(0, row.top(), label_width() - 8, row.height());
  painter.setPen(bar.pieces.empty() ? colors.quiet : palette().color(QPalette::WindowText));
  painter.drawText(
      label, Qt::AlignLeft | Qt::AlignVCenter,
      fontMetrics().elidedText(bar_name(bar.bar), Qt::ElideRight, static_cast<int>(label.width())));
  painter.setPen(Qt::NoPen);
  painter.setBrush(colors.stages[static_cast<std::size_t>(bar.bar)]);
  double end = x_of(0);
  for (std::size_t i = 0; i < bar.pieces.size(); ++i) {
    const auto rect = piece_rect(index, i);
    const double radius = std::min(2.0, rect.width() / 2);
    painter.drawRoundedRect(rect, radius, radius);
    end = rect.right();
  }
  if (bar.pieces.empty()) return;
  painter.setPen(colors.quiet);
  painter.drawText(QRectF(end + 6, row.top(), value_width(), row.height()),
                   Qt::AlignLeft | Qt::AlignVCenter, duration_text(bar.total_ms));
}

void Waterfall::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  if (axis_ms_ <= 0) {
    painter.setPen(colors_of(palette()).quiet);
    painter.drawText(rect(), Qt::AlignCenter, tr("No question yet"));
    return;
  }
  paint_axis(painter);
  for (std::size_t i = 0; i < bars_.size(); ++i) paint_row(painter, i);
}

bool Waterfall::event(QEvent* event) {
  if (event->type() != QEvent::ToolTip) return QWidget::event(event);
  const auto* help = static_cast<QHelpEvent*>(event);
  for (std::size_t i = 0; i < bars_.size(); ++i) {
    if (!row_rect(i).contains(help->pos())) continue;
    QToolTip::showText(help->globalPos(), bar_details(bars_[i]), this, row_rect(i).toRect());
    return true;
  }
  QToolTip::hideText();
  return true;
}

}  // namespace kvlink::ui
