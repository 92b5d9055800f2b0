// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/latency_meter.h"

#include <QEvent>
#include <QString>
#include <QStringList>
#include <algorithm>

namespace kvlink::ui {
namespace {

constexpr int kIntervalMs = 5;
constexpr std::size_t kMoments = 5;

double quantile(std::vector<float>& values, double q) {
  const auto at = static_cast<std::size_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return static_cast<double>(values[at]);
}

}  // namespace

LatencyMeter::LatencyMeter(QObject* parent) : QObject(parent) {
  timer_.setTimerType(Qt::PreciseTimer);
  connect(&timer_, &QTimer::timeout, this, &LatencyMeter::tick);
  start_over();
  timer_.start(kIntervalMs);
}

void LatencyMeter::start_over() {
  late_ms_.clear();
  worst_.clear();
  since_start_.start();
  since_tick_.start();
}

void LatencyMeter::start_when_painted(QWindow& window) { window.installEventFilter(this); }

bool LatencyMeter::eventFilter(QObject* window, QEvent* event) {
  if (event->type() == QEvent::Expose) {
    window->removeEventFilter(this);
    QTimer::singleShot(0, this, &LatencyMeter::start_over);
  }
  return QObject::eventFilter(window, event);
}

void LatencyMeter::tick() {
  const auto gap = static_cast<float>(since_tick_.nsecsElapsed()) / 1e6F;
  since_tick_.restart();
  const float late = std::max(0.0F, gap - static_cast<float>(kIntervalMs));
  late_ms_.push_back(late);
  const Report::Moment moment{static_cast<double>(since_start_.elapsed()) / 1000.0,
                              static_cast<double>(late)};
  const auto place =
      std::upper_bound(worst_.begin(), worst_.end(), moment,
                       [](const auto& a, const auto& b) { return a.late_ms > b.late_ms; });
  if (worst_.size() == kMoments && place == worst_.end()) return;
  worst_.insert(place, moment);
  if (worst_.size() > kMoments) worst_.pop_back();
}

LatencyMeter::Report LatencyMeter::report() const {
  Report report;
  report.n = late_ms_.size();
  report.worst = worst_;
  report.seconds = static_cast<double>(since_start_.elapsed()) / 1000.0;
  if (late_ms_.empty()) return report;
  std::vector<float> values = late_ms_;
  report.p50_ms = quantile(values, 0.50);
  report.p99_ms = quantile(values, 0.99);
  report.max_ms = static_cast<double>(*std::max_element(values.begin(), values.end()));
  return report;
}

QString LatencyMeter::words() const {
  const Report r = report();
  QStringList moments;
  for (const auto& moment : r.worst) {
    moments += QStringLiteral("%1 ms at %2 s")
                   .arg(moment.late_ms, 0, 'f', 1)
                   .arg(moment.at_seconds, 0, 'f', 1);
  }
  return QStringLiteral(
             "event loop over %1 s (%2 ticks): p50 %3 ms, p99 %4 ms, max %5 ms late\n"
             "longest: %6")
      .arg(r.seconds, 0, 'f', 1)
      .arg(r.n)
      .arg(r.p50_ms, 0, 'f', 2)
      .arg(r.p99_ms, 0, 'f', 2)
      .arg(r.max_ms, 0, 'f', 2)
      .arg(moments.join(QLatin1String(", ")));
}

}  // namespace kvlink::ui
