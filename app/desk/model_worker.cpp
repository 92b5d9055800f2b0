// SPDX-License-Identifier: Apache-2.0
#include "app/desk/model_worker.h"

#include <chrono>
#include <utility>

#include "app/model_check.h"
#include "app/throttle.h"

namespace kvlink::desk {
namespace {

constexpr auto kTellInterval = std::chrono::milliseconds(100);

Problem stopped_before_it_began() {
  return {ErrorCode::kCancelled, ModelWorker::tr("Stopped before it began.")};
}

}  // namespace

void ModelWorker::start(RequestId id, std::function<void(std::stop_token)> body) {
  QMetaObject::invokeMethod(
      this,
      [this, id, stop = requests_.begin(id), body = std::move(body)] {
        body(stop);
        requests_.end(id);
      },
      Qt::QueuedConnection);
}

std::function<void(std::int64_t, std::int64_t)> ModelWorker::teller(RequestId id) {
  return [this, id, throttle = app::Throttle(kTellInterval)](std::int64_t done,
                                                             std::int64_t total) mutable {
    if (!throttle.is_due() && done < total) return;
    emit progress({.id = id, .n_bytes_done = done, .n_bytes = total});
  };
}

void ModelWorker::check(RequestId id, QString path) {
  start(id, [this, id, path = std::move(path)](std::stop_token stop) {
    ModelChecked answer{.id = id, .path = path, .check = {}, .problem = {}};
    if (stop.stop_requested()) {
      answer.problem = stopped_before_it_began();
    } else if (auto check = app::check_model(utf8_of(path),
                                             {.progress = teller(id), .stop = std::move(stop)},
                                             paths_.adapters)) {
      answer.check = std::move(*check);
    } else {
      answer.problem = problem_of(check.error());
    }
    emit checked(answer);
  });
}

void ModelWorker::import_model(RequestId id, QString source, app::ImportMethod method) {
  start(id, [this, id, method, source = std::move(source)](std::stop_token stop) {
    ModelImported answer{.id = id, .source = source, .method = method, .path = {}, .problem = {}};
    const app::ModelImport request{.source = utf8_of(source), .method = method};
    if (stop.stop_requested()) {
      answer.problem = stopped_before_it_began();
    } else if (const auto path = app::import_model(request, paths_.models, *files_, teller(id),
                                                   std::move(stop))) {
      answer.path = text_of(path->string());
    } else {
      answer.problem = problem_of(path.error());
    }
    emit imported(answer);
  });
}

void ModelWorker::remove(RequestId id, QString name) {
  start(id, [this, id, name = std::move(name)](std::stop_token stop) {
    ModelRemoved answer{.id = id, .name = name, .removed = {}, .problem = {}};
    if (stop.stop_requested()) {
      answer.problem = stopped_before_it_began();
    } else if (const auto gone = app::remove_model(paths_.models, utf8_of(name), *files_)) {
      answer.removed = *gone;
    } else {
      answer.problem = problem_of(gone.error());
    }
    emit removed(answer);
  });
}

void ModelWorker::cancel(RequestId id) { requests_.stop(id); }

void ModelWorker::cancel_all() { requests_.stop_all(); }

}  // namespace kvlink::desk
