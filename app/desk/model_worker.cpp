// SPDX-License-Identifier: Apache-2.0
#include "app/desk/model_worker.h"

#include <chrono>
#include <utility>

#include "app/model_check.h"

namespace kvlink::desk {
namespace {

constexpr auto kTellInterval = std::chrono::milliseconds(100);

Problem stopped_before_it_began() {
  return {ErrorCode::kCancelled, ModelWorker::tr("Stopped before it began.")};
}

}  // namespace

void ModelWorker::start(RequestId id, std::function<void(std::stop_token)> body) {
  std::stop_token stop;
  {
    const std::lock_guard lock(requests_mutex_);
    stop = requests_[id].get_token();
  }
  QMetaObject::invokeMethod(
      this,
      [this, id, stop = std::move(stop), body = std::move(body)] {
        body(stop);
        const std::lock_guard lock(requests_mutex_);
        requests_.erase(id);
      },
      Qt::QueuedConnection);
}

std::function<void(std::int64_t, std::int64_t)> ModelWorker::teller(RequestId id) {
  using Clock = std::chrono::steady_clock;
  return [this, id, last = Clock::time_point()](std::int64_t done, std::int64_t total) mutable {
    const auto now = Clock::now();
    if (done < total && now - last < kTellInterval) return;
    last = now;
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

void ModelWorker::cancel(RequestId id) {
  const std::lock_guard lock(requests_mutex_);
  const auto found = requests_.find(id);
  if (found != requests_.end()) found->second.request_stop();
}

void ModelWorker::cancel_all() {
  const std::lock_guard lock(requests_mutex_);
  for (auto& [id, stop] : requests_) stop.request_stop();
}

}  // namespace kvlink::desk
