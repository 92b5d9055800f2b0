// SPDX-License-Identifier: Apache-2.0
#include "app/desk/answer_delivery.h"

#include <tuple>
#include <utility>

#include "app/desk/passage_views.h"

namespace kvlink::desk {
namespace {

constexpr auto kTextInterval = std::chrono::milliseconds(40);
constexpr auto kBlockInterval = std::chrono::milliseconds(100);

BlockEvent::Outcome outcome_of(app::BlockLookup::Outcome outcome) {
  switch (outcome) {
    case app::BlockLookup::Outcome::kFromMemory:
      return BlockEvent::Outcome::kFromMemory;
    case app::BlockLookup::Outcome::kFromDisk:
      return BlockEvent::Outcome::kFromDisk;
    case app::BlockLookup::Outcome::kMissed:
      return BlockEvent::Outcome::kMissed;
    case app::BlockLookup::Outcome::kEncoded:
      return BlockEvent::Outcome::kEncoded;
  }
  return BlockEvent::Outcome::kMissed;
}

}  // namespace

app::AnswerEvents AnswerWorker::Delivery::events() {
  app::AnswerEvents events;
  events.on_sources = [this](const std::vector<app::Source>& sources) {
    for (const auto& source : sources) {
      places_[source.chunk.id] = {source.chunk.document, source.chunk.ordinal};
    }
    emit worker_.sources_ready({id_, passages_of(sources)});
  };
  events.on_text = [this](std::string_view piece) { text(piece); };
  events.on_block = [this](const app::BlockLookup& lookup) { block(lookup); };
  events.on_stage = [this](const app::Timeline& timeline) {
    flush_blocks();
    emit worker_.stages_changed({id_, timeline.spans()});
  };
  events.on_device = [this](const std::string& sentence) {
    emit worker_.device_changed(text_of(sentence));
  };
  return events;
}

void AnswerWorker::Delivery::text(std::string_view piece) {
  text_ += piece;
  if (is_first_) {
    ttft_ms_ = std::chrono::duration<double, std::milli>(Clock::now() - sent_).count();
    flush_text();
  } else if (Clock::now() - last_text_ >= kTextInterval) {
    flush_text();
  }
}

void AnswerWorker::Delivery::block(const app::BlockLookup& lookup) {
  BlockEvent event;
  event.id = id_;
  event.chunk = lookup.passage->chunk;
  if (const auto place = places_.find(event.chunk); place != places_.end()) {
    std::tie(event.document, event.ordinal) = place->second;
  }
  event.content = lookup.passage->content;
  event.outcome = outcome_of(lookup.outcome);
  event.n_tokens = static_cast<std::int64_t>(lookup.passage->token_ids.size());
  event.n_bytes = lookup.bytes;
  event.reason = text_of(lookup.reason);
  blocks_.push_back(std::move(event));
  if (Clock::now() - last_blocks_ >= kBlockInterval) flush_blocks();
}

void AnswerWorker::Delivery::flush() {
  flush_blocks();
  flush_text();
}

void AnswerWorker::Delivery::flush_text() {
  if (text_.empty()) return;
  emit worker_.text_appended({id_, text_of(text_), is_first_, ttft_ms_});
  text_.clear();
  is_first_ = false;
  last_text_ = Clock::now();
}

void AnswerWorker::Delivery::flush_blocks() {
  if (blocks_.empty()) return;
  emit worker_.blocks_looked_up(blocks_);
  blocks_.clear();
  last_blocks_ = Clock::now();
}

}  // namespace kvlink::desk
