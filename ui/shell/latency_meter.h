// SPDX-License-Identifier: Apache-2.0
// How long the window's event loop is away: --measure-latency.
#pragma once

#include <QElapsedTimer>
#include <QObject>
#include <QTimer>
#include <QWindow>
#include <vector>

namespace kvlink::ui {

/// A timer that should fire every 5 ms, and how late it is. What it costs is 200 wake-ups a second.
class LatencyMeter : public QObject {
  Q_OBJECT

 public:
  explicit LatencyMeter(QObject* parent = nullptr);

  struct Report {
    std::size_t n = 0;
    double p50_ms = 0;
    double p99_ms = 0;
    double max_ms = 0;
    double seconds = 0;
    struct Moment {
      double at_seconds = 0;  ///< since the start
      double late_ms = 0;
    };
    std::vector<Moment> worst;  ///< longest first, at most five
  };
  Report report() const;
  /// Two lines: the figures, and when it was away longest.
  QString words() const;
  void start_over();
  /// Starts over when the window has been painted for the first time: a window that is not there
  /// yet keeps nobody waiting for an answer to a key.
  void start_when_painted(QWindow& window);

 protected:
  bool eventFilter(QObject* window, QEvent* event) override;

 private:
  void tick();
  QTimer timer_;
  QElapsedTimer since_tick_;
  QElapsedTimer since_start_;
  std::vector<float> late_ms_;
  std::vector<Report::Moment> worst_;
};

}  // namespace kvlink::ui
