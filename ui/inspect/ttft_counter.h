// SPDX-License-Identifier: Apache-2.0
// The big clock: counts up from Enter and stands still at the first token.
#pragma once

#include <QLabel>
#include <QTimer>
#include <QWidget>
#include <chrono>

#include "app/timeline.h"

namespace kvlink::ui {

/// Shows elapsed time while it runs, 20 times a second; then the figure that was measured, never
/// its own. GUI thread.
class TtftCounter : public QWidget {
  Q_OBJECT

 public:
  explicit TtftCounter(QWidget* parent = nullptr);

  /// `sent`: when Enter was pressed, which may be a moment ago.
  void start(app::Timeline::Clock::time_point sent = app::Timeline::Clock::now());
  /// The first token came, `ttft_ms` after Enter.
  void freeze(double ttft_ms);
  /// It ended without a token.
  void abandon(const QString& why);
  /// A line below the number: what is being done, or how it compares.
  void set_note(const QString& note);

  bool is_running() const { return timer_->isActive(); }
  double elapsed_ms() const {
    return std::chrono::duration<double, std::milli>(app::Timeline::Clock::now() - sent_).count();
  }
  QString number() const { return number_->text(); }
  QString note() const { return note_->text(); }

 signals:
  /// While it runs: time for whatever is drawn along.
  void ticked(double elapsed_ms);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void tick();
  void size_letters();

  QLabel* number_;
  QLabel* caption_;
  QLabel* note_;
  QTimer* timer_;
  app::Timeline::Clock::time_point sent_;
};

}  // namespace kvlink::ui
