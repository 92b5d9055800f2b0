// SPDX-License-Identifier: Apache-2.0
// Reads likely blocks into memory while the user types.
#pragma once

#include "app/desk/answer_messages.h"
#include "app/desk/worker.h"

namespace kvlink::desk {

class PrefetchWorker : public Worker {
  Q_OBJECT

 public:
  explicit PrefetchWorker(QObject* parent = nullptr) : Worker(parent) {}

  /// Replaces what is being read for an earlier text. Debounce before calling. `text`: what the
  /// answer will search for, with the question before it where one is followed.
  void prefetch(RequestId id, QString text, std::vector<DocumentId> scope);
  /// Reads every stored block of these documents into memory, as far as its budget goes: warmed
  /// follows, unless somebody types meanwhile.
  void warm(RequestId id, std::vector<DocumentId> documents);
  /// How many passages the questions from here on read (app::take_changeable).
  void set_settings(app::Settings settings);
  /// The question was sent or cleared. Any thread, at once.
  void cancel();

 signals:
  void prefetched(const kvlink::desk::PrefetchReport& report);
  /// n_missing: passages that have no block.
  void warmed(kvlink::desk::RequestId id, qint64 n_blocks, qint64 n_missing);
  void failed(kvlink::desk::RequestId id, const kvlink::desk::Problem& problem);

 protected:
  void interrupt() override;
  void session_opened() override { n_passages_ = session().settings().chunks_per_answer; }

 private:
  std::stop_token begin();
  void warm_now(RequestId id, const std::vector<DocumentId>& documents, std::stop_token stop);
  void perform(RequestId id, const QString& text, const std::vector<DocumentId>& scope,
               std::stop_token stop);

  std::mutex current_mutex_;
  std::stop_source current_;  // guarded by current_mutex_
  std::int32_t n_passages_ = 0;
};

}  // namespace kvlink::desk
