// SPDX-License-Identifier: Apache-2.0
// Which models there are, and what settings would change.
#pragma once

#include "app/desk/model_outlines.h"
#include "app/desk/request_stops.h"
#include "app/desk/settings_messages.h"
#include "app/desk/worker.h"

namespace kvlink::desk {

class SettingsWorker : public Worker {
  Q_OBJECT

 public:
  SettingsWorker(app::Paths paths, QString home, FileSystem* files, QObject* parent = nullptr)
      : Worker(parent), paths_(std::move(paths)), home_(std::move(home)), files_(files) {}

  /// Models in the own folder, in the places other programs keep theirs, and `extra` (dropped
  /// files or folders): models_listed, at once with what the folders say, and again when the
  /// headers of generators were read and, where an adapter may fit, weights were hashed. A later
  /// list and the end of the session stop that. Needs no session.
  void list_models(RequestId id, std::vector<QString> extra = {});
  /// What these settings would change: effect_estimated.
  void estimate(RequestId id, app::Settings settings);
  /// Writes settings.json and puts in force what app::take_changeable names; no model is loaded.
  /// What is too much leaves meanwhile. blocks_changed when that is done, or settings_refused.
  void set_in_place(app::Settings settings);

 signals:
  void models_listed(const kvlink::desk::ModelList& list);
  void effect_estimated(const kvlink::desk::SettingsEffect& effect);
  void settings_set(const kvlink::app::Settings& settings);
  void blocks_changed();
  void settings_refused(const kvlink::desk::Problem& problem);

 protected:
  void interrupt() override {
    removals_.stop();
    listing_.stop();
  }
  void session_opened() override { in_force_ = session().settings(); }

 private:
  void add_outlines(ModelList& list, const std::stop_token& stop);
  bool is_in_use(const app::FoundModel& found);

  app::Paths paths_;
  QString home_;
  FileSystem* files_;
  LatestStop removals_;
  LatestStop listing_;
  app::Settings in_force_;  // of the open session, with the budgets that were set since
  ModelOutlines outlines_;
};

}  // namespace kvlink::desk
