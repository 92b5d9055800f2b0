// SPDX-License-Identifier: Apache-2.0
// Opens sessions away from the window, and looks at this process's memory. Internal to the desk.
#pragma once

#include <QObject>
#include <memory>
#include <optional>

#include "app/desk/desk.h"

namespace kvlink::desk {

/// Lives in a thread of its own: loading a large model may take a while.
class SessionOpener : public QObject {
  Q_OBJECT

 public:
  explicit SessionOpener(DeskOptions options) : options_(std::move(options)) {}

  /// Any thread. `settings` is written first, when given. Without a model the stores alone are
  /// opened, and the facts say why.
  void open(std::optional<app::Settings> settings);
  /// Any thread: memory_seen follows.
  void look_at_memory();

 signals:
  void opened(std::shared_ptr<kvlink::app::Session> session, const kvlink::desk::DeskFacts& facts);
  void failed(const kvlink::desk::Problem& problem);
  void memory_seen(qint64 bytes);

 private:
  void open_now(const std::optional<app::Settings>& settings);
  DeskOptions options_;
};

}  // namespace kvlink::desk
