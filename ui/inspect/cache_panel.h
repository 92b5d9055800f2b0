// SPDX-License-Identifier: Apache-2.0
// The Cache tab: every document's blocks, the budgets, and what is done to them.
#pragma once

#include <QElapsedTimer>
#include <QWidget>
#include <deque>
#include <functional>
#include <vector>

#include "app/desk/cache_messages.h"
#include "app/settings.h"

class QTimer;

namespace kvlink::desk {
class Desk;
}

namespace kvlink::ui {

class CacheView;

/// Takes snapshots only while it is visible.
class CachePanel : public QWidget {
  Q_OBJECT

 public:
  explicit CachePanel(desk::Desk& desk, QWidget* parent = nullptr);
  ~CachePanel() override;

 public slots:
  /// Selects a document's row and shows its strip.
  void show_document(kvlink::desk::DocumentId document);

 signals:
  /// For the window's banner.
  void problem(const QString& message);

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  void follow_store();
  void follow_answers();
  void follow_view();
  void want_snapshot();
  void request_snapshot();
  void request_done(const desk::CacheReport& report);
  QString report_sentence(const desk::CacheReport& report) const;
  void offer_budget(const QString& question, std::int64_t app::Settings::*field,
                    std::int64_t bytes);
  void in_turn(std::function<void()> action);
  void next();
  desk::RequestId begin_request();
  void rebuild(const std::vector<Digest>& blocks, const std::vector<desk::DocumentId>& documents);
  void rebuilt(desk::RequestId run);

  desk::Desk& desk_;
  CacheView* view_;
  QTimer* snapshot_timer_;
  QElapsedTimer snapshot_took_;
  desk::RequestId snapshot_ = 0;               ///< under way; 0: none
  bool snapshot_is_old_ = true;                ///< something has changed since
  desk::RequestId request_ = 0;                ///< what is being done; 0: nothing
  std::vector<Digest> verifying_;              ///< by request_
  std::vector<desk::DocumentId> rebuilding_;   ///< encoded again once request_ has evicted
  std::deque<std::function<void()>> waiting_;  ///< for the end of request_
  desk::RequestId encoding_ = 0;               ///< a run that makes evicted blocks again; 0: none
  std::vector<Digest> to_pin_;                 ///< once it has: they were pinned before
  desk::DocumentId wanted_document_ = 0;       ///< to be shown with the next snapshot
};

}  // namespace kvlink::ui
