// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/clock_pair.h"

#include <QPainter>
#include <algorithm>

#include "ui/theme/colors.h"

namespace kvlink::ui {

ClockPair::ClockPair(QWidget* parent) : QWidget(parent) {
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  setAccessibleName(tr("Time to the first token with and without cache"));
}

void ClockPair::set_cached(double milliseconds) {
  cached_ms_ = milliseconds;
  describe();
}

void ClockPair::set_cold(double milliseconds, Cold state) {
  cold_ms_ = milliseconds;
  cold_ = state;
  describe();
}

void ClockPair::set_verdict(const QString& words) {
  verdict_ = words;
  describe();
}

std::optional<double> ClockPair::cold_ms() const {
  if (cold_ != Cold::kMeasured) return std::nullopt;
  return cold_ms_;
}

void ClockPair::describe() {
  QString words = tr("With cache: %1.").arg(time_words(cached_ms_, TimeUnit::kSeconds));
  if (cold_ == Cold::kMeasured) {
    words +=
        QLatin1Char(' ') + tr("Without cache: %1.").arg(time_words(cold_ms_, TimeUnit::kSeconds));
  }
  if (!verdict_.isEmpty()) words += QLatin1Char(' ') + verdict_;
  setAccessibleDescription(words);
  updateGeometry();
  update();
}

QSize ClockPair::sizeHint() const {
  int height = 2 * row_height();
  if (!verdict_.isEmpty()) {
    const QRect room(0, 0, std::max(width(), 160), 1'000);
    height += fontMetrics().boundingRect(room, Qt::TextWordWrap, verdict_).height() + 6;
  }
  return {360, height};
}

void ClockPair::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  updateGeometry();  // the verdict wraps elsewhere
}

void ClockPair::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  draw_row(painter, 0, tr("With cache"), cached_ms_, false);
  draw_row(painter, row_height(), tr("Without cache"), cold_ms_, true);
  if (verdict_.isEmpty()) return;
  painter.setPen(palette().color(QPalette::Text));
  const QRect area(0, 2 * row_height() + 2, width(), height() - 2 * row_height() - 2);
  painter.drawText(area, Qt::TextWordWrap | Qt::AlignTop, verdict_);
}

void ClockPair::draw_row(QPainter& painter, int top, const QString& name, double milliseconds,
                         bool cold) const {
  const QFontMetrics metrics = fontMetrics();
  const int name_width = std::max(metrics.horizontalAdvance(tr("With cache")),
                                  metrics.horizontalAdvance(tr("Without cache"))) +
                         12;
  const int time_width = metrics.horizontalAdvance(QStringLiteral("0000.00 s")) + 12;
  const Colors& colors = colors_of(palette());
  painter.setPen(colors.quiet);
  painter.drawText(QRect(0, top, name_width, row_height()), Qt::AlignVCenter, name);
  QString time = time_words(milliseconds, TimeUnit::kSeconds);
  if (cold && cold_ == Cold::kBrokenOff) time = tr("stopped");
  painter.setPen(palette().color(QPalette::Text));
  painter.drawText(QRect(width() - time_width, top, time_width, row_height()),
                   Qt::AlignVCenter | Qt::AlignRight, time);
  const double longest = std::max({cached_ms_, cold_ms_, 1.0});
  const int room = std::max(width() - name_width - time_width - 8, 1);
  const int length = std::max(2, static_cast<int>(room * milliseconds / longest));
  QRect bar(name_width, top + 5, length, row_height() - 10);
  // Hollow is cold, here as in the history of questions.
  const QColor colour = cold ? colors.quiet : palette().color(QPalette::Highlight);
  painter.setPen(cold ? QPen(colour) : QPen(Qt::NoPen));
  painter.setBrush(cold ? QBrush(Qt::NoBrush) : QBrush(colour));
  painter.drawRoundedRect(bar.adjusted(0, 0, -1, -1), 2, 2);
}

}  // namespace kvlink::ui
