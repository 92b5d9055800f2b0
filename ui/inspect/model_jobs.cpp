// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/model_jobs.h"

#include <QFileInfo>
#include <algorithm>

#include "app/desk/desk.h"
#include "ui/inspect/models_page.h"
#include "ui/inspect/quantities.h"

namespace kvlink::ui {
namespace {

QString name_of(const QString& path) { return QFileInfo(path).fileName(); }

Tone tone_of(const desk::Problem& problem) {
  return problem.code == ErrorCode::kCancelled ? Tone::kPlain : Tone::kProblem;
}

}  // namespace

ModelJobs::ModelJobs(desk::Desk& desk, ModelsPage& page, QObject* parent)
    : QObject(parent), desk_(desk), page_(page) {
  auto* worker = &desk.models();
  connect(&page, &ModelsPage::check_wanted, this, &ModelJobs::check);
  connect(&page, &ModelsPage::import_wanted, this, &ModelJobs::import_model);
  connect(&page, &ModelsPage::remove_wanted, this, &ModelJobs::remove);
  connect(&page, &ModelsPage::stop_wanted, this, [this] {
    if (!jobs_.empty()) desk_.models().cancel(jobs_.front().id);
  });
  connect(worker, &desk::ModelWorker::progress, this, [this](const desk::ModelProgress& progress) {
    if (jobs_.empty() || jobs_.front().id != progress.id) return;
    page_.show_job_bytes(progress.n_bytes_done, progress.n_bytes);
  });
  connect(worker, &desk::ModelWorker::checked, this, [this](const desk::ModelChecked& checked) {
    end(checked.id);
    page_.show_check(checked);
  });
  connect(worker, &desk::ModelWorker::imported, this, &ModelJobs::import_ended);
  connect(worker, &desk::ModelWorker::removed, this, &ModelJobs::removal_ended);
}

void ModelJobs::check(const QString& path) {
  page_.tell({}, Tone::kPlain);
  desk_.models().check(begin(tr("Trying %1").arg(name_of(path))), path);
}

void ModelJobs::import_model(const QString& path, app::ImportMethod method) {
  page_.tell({}, Tone::kPlain);
  const bool copy = method == app::ImportMethod::kCopy;
  desk_.models().import_model(
      begin((copy ? tr("Copying %1") : tr("Linking %1")).arg(name_of(path))), path, method);
}

void ModelJobs::remove(const QString& name) {
  desk_.models().remove(begin(tr("Removing %1").arg(name)), name);
}

desk::RequestId ModelJobs::begin(const QString& what) {
  jobs_.push_back({desk::next_request_id(), what});
  if (jobs_.size() == 1) page_.show_job(what);
  return jobs_.back().id;
}

void ModelJobs::end(desk::RequestId id) {
  const auto job =
      std::find_if(jobs_.begin(), jobs_.end(), [&](const Job& j) { return j.id == id; });
  if (job == jobs_.end()) return;
  jobs_.erase(job);
  if (jobs_.empty()) {
    page_.show_no_job();
  } else {
    page_.show_job(jobs_.front().what);
  }
}

void ModelJobs::import_ended(const desk::ModelImported& imported) {
  end(imported.id);
  if (imported.problem) {
    page_.tell(imported.problem->message, tone_of(*imported.problem));
    return;
  }
  const bool copy = imported.method == app::ImportMethod::kCopy;
  page_.tell((copy ? tr("%1 is a copy of %2.") : tr("%1 is a link to %2."))
                 .arg(imported.path, imported.source),
             Tone::kPlain);
  emit models_changed(imported.path, imported.source);
}

void ModelJobs::removal_ended(const desk::ModelRemoved& removed) {
  end(removed.id);
  if (removed.problem) {
    page_.tell(removed.problem->message, tone_of(*removed.problem));
  } else if (removed.removed.was_reference) {
    page_.tell(tr("The link %1 is gone; the model itself is untouched.").arg(removed.name),
               Tone::kPlain);
  } else {
    page_.tell(tr("%1 is gone, %2. Blocks that it had cached stay until room is needed.")
                   .arg(removed.name, bytes_text(removed.removed.n_bytes)),
               Tone::kPlain);
  }
  emit models_changed({}, {});
}

}  // namespace kvlink::ui
