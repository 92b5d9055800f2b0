// SPDX-License-Identifier: Apache-2.0
// What every worker of the desk is: a QObject on a thread of its own, with the session in hand.
#pragma once

#include <QObject>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include "app/desk/messages.h"
#include "app/session.h"

namespace kvlink::desk {

/// Lives in its thread. Public requests of the workers may be called from any thread, return at
/// once and are carried out in turn there; everything comes back as signals. A request while no
/// session is open fails with a sentence, never silently.
class Worker : public QObject {
  Q_OBJECT

 public:
  explicit Worker(QObject* parent = nullptr) : QObject(parent) {}

  /// Gives the worker the session, or takes it away (null): what runs is stopped first, and
  /// session_released() follows once nothing here uses it. Any thread.
  void set_session(std::shared_ptr<app::Session> session);

 signals:
  void session_released();

 protected:
  /// Runs `body` in this worker's thread, after what was posted before.
  template <typename F>
  void post(F&& body) {
    QMetaObject::invokeMethod(this, std::forward<F>(body), Qt::QueuedConnection);
  }

  /// Called in any thread: what runs here and what waits is asked to stop.
  virtual void interrupt() {}
  /// Called in the worker's thread when a session came.
  virtual void session_opened() {}
  /// Called in the worker's thread before the session goes: everything borrowed from it ends here.
  virtual void session_closing() {}

  /// Whether requests can be carried out. Worker's thread.
  bool has_session() const { return session_ != nullptr; }
  bool has_model() const;
  app::Session& session() { return *session_; }
  /// Why a request cannot be carried out now; `needs_model`: asking and adding do.
  std::optional<Problem> why_not(bool needs_model) const;

 private:
  std::shared_ptr<app::Session> session_;
};

}  // namespace kvlink::desk
