// SPDX-License-Identifier: Apache-2.0
// The line under a question: stages with their numbers, and the clock to the first token.
#pragma once

#include <QElapsedTimer>
#include <QLabel>
#include <QTimer>
#include <QWidget>

#include "ui/ask/stage_words.h"

namespace kvlink::ui {

/// The clock runs in steps of 50 ms and freezes at the first token, with the time that was
/// measured where the token was made.
class StageLine : public QWidget {
  Q_OBJECT

 public:
  explicit StageLine(QWidget* parent = nullptr);

  void start(app::Timeline::Clock::time_point sent);
  /// Everything but the elapsed time, which is the clock's.
  void set_facts(const WaitingFacts& facts);
  void freeze(double ttft_ms);
  /// Over without a first token: stopped or failed.
  void give_up();
  bool is_running() const { return timer_.isActive(); }
  QString clock_text() const { return clock_->text(); }

 signals:
  /// Every 50 ms while it runs.
  void ticked(double elapsed_ms);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void tick();
  void draw();

  QLabel* steps_;
  QLabel* clock_;
  QTimer timer_;
  app::Timeline::Clock::time_point sent_;
  WaitingFacts facts_;
};

}  // namespace kvlink::ui
