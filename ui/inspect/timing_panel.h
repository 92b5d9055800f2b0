// SPDX-License-Identifier: Apache-2.0
// The Timing tab: the live clock, the waterfall and the history.
#pragma once

#include <QWidget>

namespace kvlink::desk {
class Desk;
}

namespace kvlink::ui {

/// Follows the desk's AnswerWorker by itself.
class TimingPanel : public QWidget {
  Q_OBJECT

 public:
  explicit TimingPanel(desk::Desk& desk, QWidget* parent = nullptr);
  ~TimingPanel() override;
};

}  // namespace kvlink::ui
