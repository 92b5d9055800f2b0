// SPDX-License-Identifier: Apache-2.0
// What a running answer tells, in batches that a window can keep up with. Internal to the desk.
#pragma once

#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include "app/desk/answer_worker.h"

namespace kvlink::desk {

/// Lives as long as one answer, on the answering thread.
class AnswerWorker::Delivery {
 public:
  Delivery(AnswerWorker& worker, const AskRequest& request)
      : worker_(worker), id_(request.id), sent_(request.sent) {}

  app::AnswerEvents events();
  /// Tells what is still untold.
  void flush();

 private:
  using Clock = app::Timeline::Clock;
  void text(std::string_view piece);
  void block(const app::BlockLookup& lookup);
  void flush_text();
  void flush_blocks();

  AnswerWorker& worker_;
  RequestId id_;
  Clock::time_point sent_;
  std::string text_;
  bool is_first_ = true;
  double ttft_ms_ = 0;
  Clock::time_point last_text_;
  std::vector<BlockEvent> blocks_;
  /// Of the passages found: document and place in it.
  std::map<ChunkId, std::pair<DocumentId, std::int64_t>> places_;
  Clock::time_point last_blocks_;
};

}  // namespace kvlink::desk
