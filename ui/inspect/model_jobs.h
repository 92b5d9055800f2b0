// SPDX-License-Identifier: Apache-2.0
// What the page of models asks for, carried out by the desk, and what comes back.
#pragma once

#include <QObject>
#include <vector>

#include "app/desk/settings_messages.h"

namespace kvlink::desk {
class Desk;
}

namespace kvlink::ui {

class ModelsPage;

/// Connects the page with the desk's worker for models. The page shows the oldest job that is not
/// done; jobs are carried out in turn. GUI thread.
class ModelJobs : public QObject {
  Q_OBJECT

 public:
  ModelJobs(desk::Desk& desk, ModelsPage& page, QObject* parent);

  void check(const QString& path);

 signals:
  /// What lies on the disk is other than it was. `added`: a model that was imported, else empty;
  /// `instead_of`: where it was brought from.
  void models_changed(const QString& added, const QString& instead_of);

 private:
  struct Job {
    desk::RequestId id = 0;
    QString what;
  };

  void import_model(const QString& path, app::ImportMethod method);
  void remove(const QString& name);
  desk::RequestId begin(const QString& what);
  void end(desk::RequestId id);
  void import_ended(const desk::ModelImported& imported);
  void removal_ended(const desk::ModelRemoved& removed);

  desk::Desk& desk_;
  ModelsPage& page_;
  std::vector<Job> jobs_;  ///< oldest first
};

}  // namespace kvlink::ui
