// SPDX-License-Identifier: Apache-2.0
// A desk on a temporary library with tiny models, and waiting for its signals.
#pragma once

#include <QObject>
#include <QSemaphore>
#include <QTest>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <vector>

#include "app/desk/desk.h"
#include "tests/app/tiny_library.h"

namespace kvlink::ui::tests {

inline constexpr int kPatienceMs = 60'000;

/// What a signal of a worker brought, received in this thread. (QSignalSpy records in the
/// sender's.)
template <typename Sender, typename... A>
class Inbox : public QObject {
 public:
  Inbox(Sender* sender, void (Sender::*signal)(A...)) {
    connect(sender, signal, this, [this](A... values) { messages_.emplace_back(values...); });
  }

  int count() const { return static_cast<int>(messages_.size()); }
  bool is_empty() const { return messages_.empty(); }
  /// Waits for a message that no wait has returned for.
  bool wait() {
    const bool came = QTest::qWaitFor([this] { return messages_.size() > n_seen_; }, kPatienceMs);
    n_seen_ = messages_.size();
    return came;
  }
  template <std::size_t I = 0>
  const auto& last() const {
    return std::get<I>(messages_.back());
  }
  template <std::size_t I = 0>
  const auto& at(int message) const {
    return std::get<I>(messages_[static_cast<std::size_t>(message)]);
  }
  const auto& all() const { return messages_; }

 private:
  std::vector<std::tuple<std::decay_t<A>...>> messages_;
  std::size_t n_seen_ = 0;
};

/// Holds the answering thread at one of its signals while this lives: the tiny model may end its
/// answer before the test's thread hears of its first word. Made after whoever listens to the same
/// signal has been connected.
class HeldAnswer {
 public:
  template <typename... A>
  HeldAnswer(desk::AnswerWorker& answers, void (desk::AnswerWorker::*signal)(A...)) {
    connection_ = QObject::connect(
        &answers, signal, &answers, [turns = turns_] { turns->tryAcquire(1, kPatienceMs); },
        Qt::DirectConnection);
  }
  ~HeldAnswer() {
    QObject::disconnect(connection_);
    turns_->release(kMany);
  }
  HeldAnswer(const HeldAnswer&) = delete;
  HeldAnswer& operator=(const HeldAnswer&) = delete;

 private:
  static constexpr int kMany = 1'000'000;
  std::shared_ptr<QSemaphore> turns_ = std::make_shared<QSemaphore>();
  QMetaObject::Connection connection_;
};

class DeskFixture {
 public:
  explicit DeskFixture(int undo_ms = 60'000) : undo_ms_(undo_ms) {}

  app::tests::TinyLibrary& files() { return files_; }
  desk::Desk& desk() { return *desk_; }
  /// Writes documents/<name> and returns its path.
  QString write(const char* name, const std::string& text) {
    return desk::text_of(files_.write(name, text).string());
  }

  /// How long a desk that is made from here on waits for another process to give the folder back.
  void set_busy_ms(int milliseconds) { busy_ms_ = milliseconds; }
  /// Sessions from here on look for GPUs with this plugin; without one they use the processor.
  void use_plugin(std::filesystem::path plugin) { cuda_plugin_ = std::move(plugin); }
  /// A desk on the folder, not open yet.
  desk::Desk& make(std::function<void(app::Settings&)> adjust = {}) {
    desk::DeskOptions options;
    options.paths = files_.paths();
    options.paths.cuda_plugin = cuda_plugin_;
    options.undo_ms = undo_ms_;
    options.busy_ms = busy_ms_;
    options.adjust = [adjust, this](app::Settings& settings) {
      settings.threads = 1;
      settings.device = cuda_plugin_.empty() ? "cpu" : "auto";
      settings.system_prompt = "Answer.";
      settings.chunk_target_tokens = 80;
      settings.chunk_max_tokens = 120;
      settings.max_answer_tokens = 8;
      if (adjust) adjust(settings);
    };
    desk_ = std::make_unique<desk::Desk>(std::move(options));
    return *desk_;
  }

  /// Opens and waits. False: it failed, or took too long.
  bool open() {
    Inbox opened(desk_.get(), &desk::Desk::opened);
    desk_->open();
    return opened.wait();
  }

  /// Adds paths and waits for the end. False: failed or too slow.
  bool add(const std::vector<QString>& paths) {
    Inbox finished(&desk_->ingest(), &desk::IngestWorker::finished);
    desk_->ingest().add(desk::next_request_id(), {.paths = paths});
    return finished.wait();
  }

  void close() { desk_.reset(); }

 private:
  app::tests::TinyLibrary files_;
  int undo_ms_;
  int busy_ms_ = 0;
  std::filesystem::path cuda_plugin_;
  std::unique_ptr<desk::Desk> desk_;
};

}  // namespace kvlink::ui::tests
