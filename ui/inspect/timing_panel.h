// SPDX-License-Identifier: Apache-2.0
// The Timing tab: the live clock, the waterfall and the history.
#pragma once

#include <QWidget>

#include "app/desk/messages.h"

namespace kvlink::desk {
class Desk;
}

namespace kvlink::ui {

class TimingView;

/// Follows the desk's AnswerWorker by itself.
class TimingPanel : public QWidget {
  Q_OBJECT

 public:
  explicit TimingPanel(desk::Desk& desk, QWidget* parent = nullptr);
  ~TimingPanel() override;

 private:
  void follow_answers(desk::Desk& desk);
  void follow_rates(desk::Desk& desk);

  TimingView* view_;
  desk::RequestId current_ = 0;
  QString fingerprint_;  ///< of the model the rate was measured with
};

}  // namespace kvlink::ui
