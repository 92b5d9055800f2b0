// SPDX-License-Identifier: Apache-2.0
// The end of the desktop session, or Ctrl-C in the terminal: the window closes as by its own
// button.
#pragma once

#include <QObject>
#include <memory>

class QSocketNotifier;

namespace kvlink::ui {

/// Takes SIGINT, SIGTERM and SIGHUP while it lives; a second one ends the process at once. One per
/// process. GUI thread.
class QuitSignals : public QObject {
  Q_OBJECT

 public:
  explicit QuitSignals(QObject* parent = nullptr);
  ~QuitSignals() override;

 signals:
  void quit_requested();

 private:
  int pipe_[2] = {-1, -1};
  std::unique_ptr<QSocketNotifier> notifier_;
};

}  // namespace kvlink::ui
