// SPDX-License-Identifier: Apache-2.0
#include "app/context_reader.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "cache/load_all.h"

namespace kvlink::app {
namespace {

using inference::LinkMode;

void stop_here_if(const std::stop_token& stop) {
  if (stop.stop_requested()) fail(ErrorCode::kCancelled, "stopped");
}

void tell(const ReadRequest& request, const BlockLookup& lookup) {
  if (request.on_block) request.on_block(lookup);
}

void tell_stage(const ReadRequest& request, const Timeline& timeline) {
  if (request.on_stage) request.on_stage(timeline);
}

std::string tier_words(const ReadReport& report) {
  if (report.n_blocks_from_disk == 0) return report.n_blocks_from_memory == 0 ? "" : "memory";
  return report.n_blocks_from_memory == 0 ? "disk" : "memory+disk";
}

/// When a stage began, and what it took.
struct Interval {
  std::chrono::nanoseconds began, took;
};

/// Reading and verifying within the stage of loading. Several threads do both: what they took
/// together is laid end to end.
void record_reading(Interval stage, std::chrono::nanoseconds reading,
                    std::chrono::nanoseconds verifying, std::int64_t bytes, Timeline& timeline) {
  const auto together = reading + verifying;
  if (together > stage.took) {
    const double share =
        static_cast<double>(reading.count()) / static_cast<double>(together.count());
    reading = std::chrono::duration_cast<std::chrono::nanoseconds>(stage.took * share);
    verifying = stage.took - reading;
  }
  timeline.record(Stage::kRead, stage.began, reading).bytes = bytes;
  timeline.record(Stage::kVerify, stage.began + reading, verifying).bytes = bytes;
}

/// Stages of the processor, one behind the other from `began` on.
void record_work(const inference::PrefillReport& work, std::chrono::nanoseconds began,
                 Timeline& timeline) {
  if (work.n_loaded_tokens > 0) {
    auto& rotate = timeline.record(Stage::kRotate, began, work.rotate);
    rotate.tokens = work.n_loaded_tokens;
    rotate.bytes = work.loaded_bytes;
  }
  if (work.n_selection_tokens > 0) {
    timeline.record(Stage::kSelect, began + work.rotate, work.select).tokens =
        work.n_selection_tokens;
  }
  timeline.record(Stage::kPrefill, began + work.rotate + work.select, work.prefill).tokens =
      work.n_prefilled_tokens;
}

/// Stages of a GPU by its events: pieces of a layer each, which may overlap with the pass. Where
/// tokens were chosen to be computed again, the passes before the last did that.
void record_device(std::span<const inference::DeviceSpan> spans,
                   const inference::PrefillReport& work, Timeline& timeline) {
  using Work = inference::DeviceSpan::Work;
  auto n_passes = std::count_if(spans.begin(), spans.end(),
                                [](const auto& span) { return span.work == Work::kForward; });
  bool is_first_rotation = true;
  for (const auto& span : spans) {
    if (span.work == Work::kForward) {
      const bool is_last = --n_passes == 0;
      const bool selects = !is_last && work.n_selection_tokens > 0;
      auto& pass =
          timeline.record(selects ? Stage::kSelect : Stage::kPrefill, span.begin, span.end);
      if (is_last) pass.tokens = work.n_prefilled_tokens;
      continue;
    }
    const bool rotates = span.work == Work::kRotate;
    auto& piece = timeline.record(rotates ? Stage::kRotate : Stage::kCopy, span.begin, span.end);
    piece.bytes = span.bytes;
    if (rotates && std::exchange(is_first_rotation, false)) piece.tokens = work.n_loaded_tokens;
  }
}

}  // namespace

ReadResult ContextReader::read(inference::Context& context, const ReadRequest& request,
                               Timeline& timeline, std::stop_token stop) {
  ReadResult result;
  for (const auto& passage : request.passages) {
    result.report.n_document_tokens += static_cast<std::int64_t>(passage.token_ids.size());
  }
  const LinkMode mode = request.mode.mode;
  if (mode == LinkMode::kLink && encoding_.n_link == 0) {
    fail(ErrorCode::kUnsupported,
         "Mode link needs a link adapter trained for this model, and there is none. Use mode "
         "reposition, or full for the best answer.");
  }
  Blocks blocks(request.passages.size());
  if (mode != LinkMode::kFull && !request.passages.empty()) {
    blocks = load_blocks(request, timeline, result.report, stop);
    tell_stage(request, timeline);
    encode_missing(request, blocks, timeline, result.report, stop);
    tell_stage(request, timeline);
  }
  result.logits = prefill(context, request, blocks, timeline, result.report, stop);
  tell_stage(request, timeline);
  return result;
}

std::vector<cache::Lookup> ContextReader::look_up(std::span<const Passage> passages,
                                                  const std::stop_token& stop) const {
  std::vector<std::vector<std::int32_t>> ids;  // what the requests point at
  for (const Passage& passage : passages) ids.push_back(encoding_.block_ids(passage.token_ids));
  std::vector<cache::BlockRequest> requests;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    requests.push_back({encoding_.key(passages[i].token_ids), ids[i]});
  }
  auto lookups = cache::load_all(store_, requests, engine_.backend().n_threads(), stop);
  stop_here_if(stop);
  return lookups;
}

ContextReader::Blocks ContextReader::load_blocks(const ReadRequest& request, Timeline& timeline,
                                                 ReadReport& report, std::stop_token stop) {
  Blocks blocks(request.passages.size());
  const auto stage = timeline.begin(Stage::kLoad);
  const auto began = timeline.elapsed();
  std::chrono::nanoseconds reading{0};
  std::chrono::nanoseconds verifying{0};
  auto lookups = look_up(request.passages, stop);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const Passage& passage = request.passages[i];
    auto& found = lookups[i];
    if (auto* miss = std::get_if<cache::Miss>(&found)) {
      tell(request, {&passage, BlockLookup::Outcome::kMissed, 0, miss->detail});
      report.misses.push_back({passage.chunk, miss->reason, std::move(miss->detail)});
      continue;
    }
    auto& hit = std::get<cache::Hit>(found);
    blocks[i] = std::move(hit.block);
    const bool from_memory = hit.tier == cache::Tier::kMemory;
    tell(request,
         {&passage,
          from_memory ? BlockLookup::Outcome::kFromMemory : BlockLookup::Outcome::kFromDisk,
          hit.bytes_read,
          {}});
    ++(from_memory ? report.n_blocks_from_memory : report.n_blocks_from_disk);
    report.bytes_read += hit.bytes_read;
    report.n_document_tokens_reused += static_cast<std::int64_t>(passage.token_ids.size());
    reading += hit.read;
    verifying += hit.verify;
  }
  auto& span = timeline.end(stage);
  span.blocks = report.n_blocks_from_memory + report.n_blocks_from_disk;
  span.tokens = report.n_document_tokens_reused;
  span.bytes = report.bytes_read;
  span.tier = tier_words(report);
  if (report.n_blocks_from_disk > 0) {
    record_reading({began, timeline.elapsed() - began}, reading, verifying, report.bytes_read,
                   timeline);
  }
  return blocks;
}

void ContextReader::encode_missing(const ReadRequest& request, Blocks& blocks, Timeline& timeline,
                                   ReadReport& report, std::stop_token stop) {
  if (report.misses.empty()) return;
  const auto stage = timeline.begin(Stage::kEncodeMissing);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i]) continue;
    const Passage& passage = request.passages[i];
    const auto begin = Timeline::Clock::now();
    blocks[i] = std::make_shared<const KvBlock>(value_or_throw(engine_.encode_chunk(
        encoding_.prefix, passage.token_ids, inference::Priority::kQuestion, stop)));
    const auto took = Timeline::Clock::now() - begin;
    report.n_document_tokens_encoded += static_cast<std::int64_t>(passage.token_ids.size());
    tell(request, {&passage, BlockLookup::Outcome::kEncoded, 0, {}});
    if (writer_ != nullptr) {
      writer_->submit(
          {encoding_.key(passage.token_ids), blocks[i], passage.content, took, passage.chunk},
          BlockWriter::WhenFull::kDrop);
    }
  }
  auto& span = timeline.end(stage);
  span.blocks = static_cast<std::int64_t>(report.misses.size());
  span.tokens = report.n_document_tokens_encoded;
}

inference::ContextPlan ContextReader::make_plan(
    const inference::Context& context, const ReadRequest& request,
    std::span<const inference::PlannedChunk> chunks) const {
  const LinkMode mode = request.mode.mode;
  const auto method = request.mode.recompute.value_or(request.recompute);
  const double share = request.mode.share.value_or(request.recompute_share);
  const bool links =
      mode == LinkMode::kLink || (mode == LinkMode::kRecompute && request.mode.links);
  const inference::Adapter* adapter = engine_.adapter();
  inference::PlanRequest plan;
  plan.mode = mode;
  plan.chunks = chunks;
  plan.lead = request.lead;
  plan.question = request.question;
  plan.first_row = context.n_rows();
  plan.first_position = context.next_position();
  plan.encode_position = encoding_.encode_position;
  plan.max_rows = context.capacity();
  plan.n_link_tokens = links ? encoding_.n_link : 0;
  plan.parallel = adapter != nullptr && adapter->parallel_passages;
  if (adapter != nullptr && adapter->link_ids) plan.link_ids = &*adapter->link_ids;
  const auto first = inference::first_tokens_of_chunks(chunks, share);
  if (mode == LinkMode::kRecompute && method == inference::RecomputeMethod::kFirstK) {
    plan.recompute = first;
  } else if (mode == LinkMode::kRecompute) {
    plan.selection = {.method = method, .share = share};
  }
  return value_or_throw(inference::plan_context(plan));
}

std::vector<float> ContextReader::prefill(inference::Context& context, const ReadRequest& request,
                                          const Blocks& blocks, Timeline& timeline,
                                          ReadReport& report, std::stop_token stop) {
  const auto planning = timeline.begin(Stage::kPlan);
  std::vector<inference::PlannedChunk> chunks;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const Passage& passage = request.passages[i];
    chunks.push_back({passage.token_ids, blocks[i].get(), blocks[i], passage.log_prior,
                      encoding_.key(passage.token_ids).id()});
  }
  const auto plan = make_plan(context, request, chunks);
  timeline.end(planning);

  inference::PrefillReport work;
  const auto began = timeline.elapsed();
  auto logits = value_or_throw(
      engine_.prefill(context, plan, chunks, inference::Priority::kQuestion, work, stop));
  if (work.wait > std::chrono::microseconds(100)) timeline.record(Stage::kWait, began, work.wait);
  if (context.device_spans().empty()) {
    record_work(work, began + work.wait, timeline);
  } else {
    record_device(context.device_spans(), work, timeline);
  }
  report.n_link_tokens = plan.n_link_tokens;
  report.n_selection_tokens = work.n_selection_tokens;
  report.n_document_tokens_prefilled = work.n_document_tokens_prefilled;
  report.n_prefilled_tokens = work.n_prefilled_tokens;
  return logits;
}

}  // namespace kvlink::app
