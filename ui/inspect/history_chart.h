// SPDX-License-Identifier: Apache-2.0
// The last questions as dots on a logarithmic axis: cached filled, cold hollow.
#pragma once

#include <QPointF>
#include <QWidget>
#include <deque>
#include <optional>

#include "ui/inspect/question_timing.h"

namespace kvlink::ui {

/// Painted; the table has the same numbers. Questions without a first token have no dot. GUI
/// thread.
class HistoryChart : public QWidget {
  Q_OBJECT

 public:
  explicit HistoryChart(QWidget* parent = nullptr);

  /// Copied; oldest first.
  void set_questions(const std::deque<QuestionTiming>& questions);
  /// The dot that is shown with a ring; -1: none.
  void select(int index);

  /// Centre of a dot; nothing when the question has none.
  std::optional<QPointF> dot(int index) const;
  double min_ms() const { return min_ms_; }
  double max_ms() const { return max_ms_; }

  QSize sizeHint() const override { return {420, 8 * fontMetrics().height()}; }
  QSize minimumSizeHint() const override { return {220, 6 * fontMetrics().height()}; }

 signals:
  void activated(int index);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  bool event(QEvent* event) override;

 private:
  QRectF plot_rect() const;
  double y_of(double ms) const;
  void paint_axis(QPainter& painter) const;
  void paint_dots(QPainter& painter) const;
  void paint_legend(QPainter& painter) const;
  int dot_at(const QPointF& point) const;

  std::deque<QuestionTiming> questions_;
  double min_ms_ = 10;
  double max_ms_ = 10000;
  int selected_ = -1;
};

}  // namespace kvlink::ui
