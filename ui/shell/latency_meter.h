// SPDX-License-Identifier: Apache-2.0
// How long the window's event loop is away: --measure-latency.
#pragma once

#include <QElapsedTimer>
#include <QObject>
#include <QTimer>
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
  };
  Report report() const;
  /// One line.
  QString words() const;
  void start_over();

 private:
  void tick();
  QTimer timer_;
  QElapsedTimer since_tick_;
  QElapsedTimer since_start_;
  std::vector<float> late_ms_;
};

}  // namespace kvlink::ui
