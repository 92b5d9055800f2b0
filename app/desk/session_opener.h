// SPDX-License-Identifier: Apache-2.0
// Opens sessions away from the window, and looks at this process's memory and at what it stands on.
// Internal to the desk.
#pragma once

#include <QObject>
#include <memory>
#include <optional>
#include <stop_token>

#include "app/desk/desk.h"
#include "app/desk/request_stops.h"
#include "app/desk/surroundings.h"

namespace kvlink::desk {

/// Lives in a thread of its own: loading a large model may take a while.
class SessionOpener : public QObject {
  Q_OBJECT

 public:
  explicit SessionOpener(DeskOptions options) : options_(std::move(options)) {}

  /// Any thread. `settings` is written first, when given. Without a model the stores alone are
  /// opened, and the facts say why.
  void open(std::optional<app::Settings> settings);
  /// Any thread, at once: a model that is being read is given up, and the stores alone are opened.
  void stop_loading();
  /// Any thread: memory_seen follows, and lost when something is gone that was there.
  void look_around();

 signals:
  /// At most ten a second, once loading takes longer than DeskOptions::quiet_loading_ms.
  void loading(qint64 bytes_done, qint64 bytes);
  void opened(std::shared_ptr<kvlink::app::Session> session, const kvlink::desk::DeskFacts& facts);
  void failed(const kvlink::desk::Problem& problem);
  void memory_seen(qint64 bytes);
  void lost(const kvlink::desk::Loss& loss);

 private:
  void open_now(const std::optional<app::Settings>& settings, const std::stop_token& stop);
  Result<std::unique_ptr<app::Session>> open_with_model(const std::stop_token& stop);
  inference::LoadWatch watch(std::stop_token stop);

  DeskOptions options_;
  Surroundings surroundings_;
  LatestStop stop_;
};

}  // namespace kvlink::desk
