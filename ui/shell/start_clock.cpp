// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/start_clock.h"

#include <QEvent>
#include <QTimer>

#include "app/desk/desk.h"

namespace kvlink::ui {

void StartClock::follow(QWindow& window, desk::Desk& desk) {
  window.installEventFilter(this);
  connect(&desk, &desk::Desk::opened, this, [this] { note(open_ms_); });
  connect(&desk.library(), &desk::LibraryWorker::documents_changed, this,
          [this](const desk::DocumentsChange& change) {
            if (!change.all) return;
            n_documents_ = static_cast<qsizetype>(change.all->size());
            note(listed_ms_);
          });
}

bool StartClock::eventFilter(QObject* window, QEvent* event) {
  if (event->type() == QEvent::Expose) {
    window->removeEventFilter(this);
    QTimer::singleShot(0, this, [this] { note(painted_ms_); });
  }
  return QObject::eventFilter(window, event);
}

/// Noted behind what the window does with it.
void StartClock::note(qint64& moment) {
  if (moment >= 0) return;
  moment = clock_.elapsed();
  QTimer::singleShot(0, this, [this, &moment] { moment = clock_.elapsed(); });
}

QString StartClock::words() const {
  return QStringLiteral("start: painted after %1 ms, open after %2 ms, %3 documents after %4 ms")
      .arg(painted_ms_)
      .arg(open_ms_)
      .arg(n_documents_)
      .arg(listed_ms_);
}

}  // namespace kvlink::ui
