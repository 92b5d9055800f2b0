// SPDX-License-Identifier: Apache-2.0
// The Timing tab: the live clock, the waterfall and the history.
#pragma once

#include <QWidget>

#include "app/desk/messages.h"
#include "ui/ask/read_ahead.h"

namespace kvlink::desk {
class Desk;
}

namespace kvlink::ui {

class TimingView;

/// Follows the desk's AnswerWorker by itself. The last questions are kept in timings.json in the
/// data folder and are there again at the next start.
class TimingPanel : public QWidget {
  Q_OBJECT

 public:
  explicit TimingPanel(desk::Desk& desk, QWidget* parent = nullptr);
  ~TimingPanel() override;

 private:
  void follow_answers(desk::Desk& desk);
  void follow_rates(desk::Desk& desk);
  void follow_typing(desk::Desk& desk);
  void restore_history(desk::Desk& desk);
  void keep_history(desk::Desk& desk);

  TimingView* view_;
  ReadAheadLedger ahead_;
  QString file_;          ///< where the history is kept
  double kept_rate_ = 0;  ///< of the history's model
  desk::RequestId current_ = 0;
  QString kept_fingerprint_;
  QString fingerprint_;  ///< of the model the rate was measured with
};

}  // namespace kvlink::ui
