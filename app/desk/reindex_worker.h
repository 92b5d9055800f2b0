// SPDX-License-Identifier: Apache-2.0
// Lets a newly chosen embedder read every passage, in the background.
#pragma once

#include <stop_token>

#include "app/desk/request_stops.h"
#include "app/desk/settings_messages.h"
#include "app/desk/worker.h"

namespace kvlink::desk {

/// Begins by itself whenever a session comes whose passages lack vectors; what is done is kept when
/// the session goes.
class ReindexWorker : public Worker {
  Q_OBJECT

 public:
  explicit ReindexWorker(QObject* parent = nullptr) : Worker(parent) {}

 signals:
  /// At most one a second, then once with everything done.
  void progress(const kvlink::desk::ReindexStatus& status);
  /// What was done is kept; the embedder before goes on.
  void failed(const kvlink::desk::Problem& problem);

 protected:
  void session_opened() override;
  void interrupt() override;

 private:
  void perform(std::stop_token stop);

  LatestStop stop_;
};

}  // namespace kvlink::desk
