// SPDX-License-Identifier: Apache-2.0
// The line at the bottom: what runs, what is used, which model.
#pragma once

#include <QWidget>

#include "app/desk/cache_messages.h"
#include "app/desk/library_messages.h"
#include "app/desk/settings_messages.h"

class QLabel;
class QProgressBar;
class QToolButton;

namespace kvlink::desk {
class Desk;
}

namespace kvlink::ui {

/// Follows the desk by itself.
class StatusLine : public QWidget {
  Q_OBJECT

 public:
  explicit StatusLine(desk::Desk& desk, QWidget* parent = nullptr);

  QString work_words() const;
  void set_answering(bool answering);

 signals:
  void cache_clicked();
  void model_clicked();

 private:
  void ingest_changed(const desk::IngestStatus& status);
  void totals_changed(const desk::CacheTotals& totals);
  void desk_changed();
  void loading(qint64 bytes_done, qint64 bytes);
  void show_parts(bool bar, bool pause, bool cancel);
  void tell_idle();

  desk::Desk& desk_;
  QLabel* work_;
  QProgressBar* bar_;
  QToolButton* pause_;
  QToolButton* cancel_;
  QToolButton* cache_;
  QLabel* memory_;
  QToolButton* model_;
  bool ingesting_ = false;
  bool paused_ = false;
  bool answering_ = false;
};

/// "Indexing notes.md: 12 of 40 files, 310 kB/s, about 2 min left"
QString ingest_words(const desk::IngestStatus& status);

}  // namespace kvlink::ui
