// SPDX-License-Identifier: Apache-2.0
// How long the start takes: --measure-latency.
#pragma once

#include <QElapsedTimer>
#include <QObject>
#include <QWindow>

namespace kvlink::desk {
class Desk;
}

namespace kvlink::ui {

/// Counts from its construction: make it first.
class StartClock : public QObject {
  Q_OBJECT

 public:
  StartClock() { clock_.start(); }

  /// Each is noted once. Both outlive this.
  void follow(QWindow& window, desk::Desk& desk);
  /// One line.
  QString words() const;

 protected:
  bool eventFilter(QObject* window, QEvent* event) override;

 private:
  void note(qint64& moment);

  QElapsedTimer clock_;
  qint64 painted_ms_ = -1;  ///< -1: not yet
  qint64 open_ms_ = -1;     ///< questions can be answered
  qint64 listed_ms_ = -1;   ///< every document is in the list
  qsizetype n_documents_ = 0;
};

}  // namespace kvlink::ui
