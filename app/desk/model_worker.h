// SPDX-License-Identifier: Apache-2.0
// Trying models, bringing them into the models folder, and taking them out of it.
#pragma once

#include <QObject>
#include <functional>
#include <stop_token>

#include "app/desk/request_stops.h"
#include "app/desk/settings_messages.h"
#include "kernels/base/file_system.h"

namespace kvlink::desk {

/// Lives in a thread of its own and needs no session, so that a copy of many gigabytes goes on
/// while the library is opened anew. Requests may be made from any thread, return at once, and are
/// carried out in turn; each is answered once.
class ModelWorker : public QObject {
  Q_OBJECT

 public:
  ModelWorker(app::Paths paths, FileSystem* files) : paths_(std::move(paths)), files_(files) {}

  /// Loads the model for a moment and computes with it: checked follows.
  void check(RequestId id, QString path);
  /// A link to the model, or a copy, in the models folder: imported follows.
  void import_model(RequestId id, QString source, app::ImportMethod method);
  /// By its name in the models folder: removed follows.
  void remove(RequestId id, QString name);
  /// Any thread, at once: the request ends as kCancelled, whether it runs or waits.
  void cancel(RequestId id);
  void cancel_all();

 signals:
  /// At most ten a second.
  void progress(const kvlink::desk::ModelProgress& progress);
  void checked(const kvlink::desk::ModelChecked& checked);
  void imported(const kvlink::desk::ModelImported& imported);
  void removed(const kvlink::desk::ModelRemoved& removed);

 private:
  void start(RequestId id, std::function<void(std::stop_token)> body);
  std::function<void(std::int64_t, std::int64_t)> teller(RequestId id);

  app::Paths paths_;
  FileSystem* files_;
  RequestStops requests_;
};

}  // namespace kvlink::desk
