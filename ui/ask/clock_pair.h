// SPDX-License-Identifier: Apache-2.0
// Two clocks side by side: the time to the first token with the cache and without.
#pragma once

#include <QWidget>
#include <optional>

#include "ui/ask/answer_words.h"

namespace kvlink::ui {

/// Only measured times are shown; the second bar grows while its run is under way.
class ClockPair : public QWidget {
  Q_OBJECT

 public:
  explicit ClockPair(QWidget* parent = nullptr);

  void set_cached(double milliseconds);
  /// Of the run under way; `is_final` once its first token is there.
  enum class Cold : std::uint8_t { kRunning, kMeasured, kBrokenOff };
  void set_cold(double milliseconds, Cold state);
  void set_verdict(const QString& words);
  QString verdict() const { return verdict_; }
  std::optional<double> cold_ms() const;

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override { return {160, sizeHint().height()}; }

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  void describe();
  void draw_row(class QPainter& painter, int top, const QString& name, double milliseconds,
                bool cold) const;
  int row_height() const { return fontMetrics().lineSpacing() + 6; }

  double cached_ms_ = 0;
  double cold_ms_ = 0;
  Cold cold_ = Cold::kRunning;
  QString verdict_;
};

}  // namespace kvlink::ui
