// SPDX-License-Identifier: Apache-2.0
// One bar per stage, from Enter to the first token, on one time axis.
#pragma once

#include <QRectF>
#include <QWidget>
#include <vector>

#include "ui/inspect/question_timing.h"

namespace kvlink::ui {

/// Painted; the table beside it says the same to whoever cannot see it. GUI thread.
class Waterfall : public QWidget {
  Q_OBJECT

 public:
  explicit Waterfall(QWidget* parent = nullptr);

  /// `total_ms`: where the axis ends at least (the TTFT, or the time that has passed).
  void set_bars(std::vector<StageBar> bars, double total_ms);
  void clear() { set_bars({}, 0); }

  const std::vector<StageBar>& bars() const { return bars_; }
  /// Where a piece of a bar is painted; never narrower than one pixel.
  QRectF piece_rect(std::size_t bar, std::size_t piece) const;
  double axis_ms() const { return axis_ms_; }

  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool event(QEvent* event) override;

 private:
  QRectF row_rect(std::size_t bar) const;
  int row_height() const;
  int label_width() const;
  int value_width() const;
  double x_of(double ms) const;
  void paint_axis(QPainter& painter) const;
  void paint_row(QPainter& painter, std::size_t index) const;

  std::vector<StageBar> bars_;
  double axis_ms_ = 0;
};

/// 1, 2 or 5 times a power of ten, so that about `n_ticks` fit into `span`.
double tick_step(double span, int n_ticks);

}  // namespace kvlink::ui
