// SPDX-License-Identifier: Apache-2.0
#include "app/block_encoder.h"

#include <chrono>
#include <utility>

#include "app/words.h"

namespace kvlink::app {
namespace {

constexpr std::int64_t kFileHeaderBytes = 2 * KvBlock::kPlaneAlignment;

KvLayout block_layout(inference::Engine& engine) {
  const auto& config = engine.model().config;
  return {config.n_layers, config.n_kv_heads, config.head_dim, engine.options().block_dtype};
}

std::string budget_sentence(Session& session) {
  return "The disk budget for caches (" +
         bytes_in_words(session.store().options().disk_budget_bytes) +
         ") is used up. Everything is searchable; passages without a cache are computed when a "
         "question needs them. Raise disk_budget_bytes in settings.json, or make room with "
         "`kvlink cache evict`.";
}

}  // namespace

bool BlockEncoder::has_room(std::int64_t n_rows) const {
  const std::int64_t needed =
      KvBlock::total_bytes(block_layout(session_.engine()), n_rows) + kFileHeaderBytes;
  const std::int64_t used = session_.store().totals().disk_bytes + session_.writer().queued_bytes();
  return used + needed <= session_.store().options().disk_budget_bytes;
}

/// False: no further passage can be encoded.
bool BlockEncoder::encode_chunk(const retrieval::StoredChunk& chunk, EncodeReport& report,
                                IngestMeter& meter, std::stop_token stop) {
  auto& engine = session_.engine();
  const auto tokens = engine.tokenizer().encode(chunk.prompt());
  const auto n_tokens = static_cast<std::int64_t>(tokens.size());
  const auto key = session_.encoding().key(tokens);
  if (session_.store().contains(key)) {
    ++report.n_found;
    return true;
  }
  if (!has_room(n_tokens + session_.encoding().n_header)) {
    report.stopped_because = budget_sentence(session_);
    return false;
  }
  const auto begin = std::chrono::steady_clock::now();
  auto block = engine.encode_chunk(session_.encoding().prefix, tokens,
                                   inference::Priority::kIngestion, stop);
  const auto took = std::chrono::steady_clock::now() - begin;
  if (!block) {
    if (block.error().code != ErrorCode::kCancelled) {
      report.stopped_because = block.error().message;
    }
    return false;
  }
  session_.writer().submit(
      {key, std::make_shared<const KvBlock>(std::move(*block)), chunk.content, took, chunk.id},
      BlockWriter::WhenFull::kWait);
  ++report.n_encoded;
  report.n_tokens_encoded += n_tokens;
  meter.add_computed_tokens(n_tokens);
  const auto failure = session_.writer().failure();
  if (failure) report.stopped_because = failure->message;
  return !failure;
}

void EncodeReport::add(const EncodeReport& other) {
  n_encoded += other.n_encoded;
  n_found += other.n_found;
  n_left += other.n_left;
  n_tokens_encoded += other.n_tokens_encoded;
  seconds += other.seconds;
  if (stopped_because.empty()) stopped_because = other.stopped_because;
  cancelled = cancelled || other.cancelled;
}

EncodeReport BlockEncoder::encode(std::span<const retrieval::DocumentId> documents,
                                  IngestMeter& meter, std::stop_token stop) {
  EncodeReport report;
  const auto begin = std::chrono::steady_clock::now();
  // What failed before this run, as an answer's block on a full disk, does not end it.
  static_cast<void>(session_.writer().drain());
  const std::int64_t n_failed_before = session_.writer().n_failed();
  std::int64_t n_chunks = 0;
  bool go_on = true;
  for (const auto id : documents) {
    meter.progress().document = id;
    for (const auto& chunk : value_or_throw(session_.library().chunks(id))) {
      ++n_chunks;
      if (!go_on) continue;
      go_on = !stop.stop_requested() && encode_chunk(chunk, report, meter, stop);
      meter.progress().n_tokens_done += chunk.chunk.n_tokens;
      meter.tell();
    }
  }
  // Blocks the writer could not keep were computed in vain and are pending again.
  const auto written = session_.writer().drain();
  if (!written && report.stopped_because.empty()) report.stopped_because = written.error().message;
  report.n_encoded -= session_.writer().n_failed() - n_failed_before;
  report.n_left = n_chunks - report.n_encoded - report.n_found;
  report.cancelled = stop.stop_requested();
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return report;
}

}  // namespace kvlink::app
