// SPDX-License-Identifier: Apache-2.0
#include "app/timeline.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/words.h"

namespace kvlink::app {
namespace {

constexpr std::array<std::string_view, 16> kStageNames = {
    "retrieve", "embed",  "search", "plan",    "load",        "read",   "verify", "encode_missing",
    "wait",     "rotate", "select", "prefill", "first_token", "decode", "copy",   "first_decode"};

bool is_after_first_token(Stage stage) {
  return stage == Stage::kDecode || stage == Stage::kFirstDecode;
}

double milliseconds(std::chrono::nanoseconds t) {
  return std::chrono::duration<double, std::milli>(t).count();
}

/// Spans of one stage as one, in the order of their first appearance.
std::vector<Timeline::Span> merged(const std::vector<Timeline::Span>& spans) {
  std::vector<Timeline::Span> rows;
  for (const auto& span : spans) {
    const auto same = std::find_if(rows.begin(), rows.end(), [&](const Timeline::Span& row) {
      return row.stage == span.stage;
    });
    if (same == rows.end()) {
      rows.push_back(span);
      continue;
    }
    same->end += span.end - span.begin;
    same->bytes += span.bytes;
    same->tokens += span.tokens;
    same->blocks += span.blocks;
  }
  return rows;
}

std::string table_row(const Timeline::Span& span) {
  char head[96];
  const double ms = milliseconds(span.end - span.begin);
  std::snprintf(
      head, sizeof(head), "  %-18s %10.1f ms",
      ((is_inner_stage(span.stage) ? "  " : "") + std::string(stage_name(span.stage))).c_str(), ms);
  std::string row = head;
  if (span.blocks > 0) row += "   " + std::to_string(span.blocks) + " blocks";
  if (span.tokens > 0) row += "   " + std::to_string(span.tokens) + " tokens";
  if (span.bytes > 0) row += "   " + bytes_in_words(span.bytes);
  if (!span.tier.empty()) row += "   from " + span.tier;
  const bool computing = span.stage == Stage::kPrefill || span.stage == Stage::kDecode ||
                         span.stage == Stage::kEncodeMissing;
  if (computing && span.tokens > 0 && ms > 0) {
    char rate[48];
    std::snprintf(rate, sizeof(rate), "   %.0f tokens/s",
                  static_cast<double>(span.tokens) * 1000.0 / ms);
    row += rate;
  }
  return row + "\n";
}

}  // namespace

std::string_view stage_name(Stage stage) { return kStageNames.at(static_cast<std::size_t>(stage)); }

bool is_inner_stage(Stage stage) {
  return stage == Stage::kEmbed || stage == Stage::kSearch || stage == Stage::kRead ||
         stage == Stage::kVerify || stage == Stage::kFirstDecode;
}

std::size_t Timeline::begin(Stage stage) {
  const auto at = elapsed();
  spans_.push_back(Span{.stage = stage, .begin = at, .end = at, .tier = {}});
  return spans_.size() - 1;
}

Timeline::Span& Timeline::end(std::size_t index) {
  spans_.at(index).end = elapsed();
  return spans_[index];
}

Timeline::Span& Timeline::record(Stage stage, std::chrono::nanoseconds begin,
                                 std::chrono::nanoseconds duration) {
  spans_.push_back(Span{.stage = stage, .begin = begin, .end = begin + duration, .tier = {}});
  return spans_.back();
}

Timeline::Span& Timeline::record(Stage stage, Clock::time_point begin, Clock::time_point end) {
  const auto from = std::max(begin, sent_);
  return record(stage, from - sent_, std::max(end, from) - from);
}

void Timeline::mark_first_token() {
  if (!ttft_) ttft_ = elapsed();
}

std::chrono::nanoseconds Timeline::total(Stage stage) const {
  std::chrono::nanoseconds sum{0};
  for (const auto& span : spans_) {
    if (span.stage == stage) sum += span.end - span.begin;
  }
  return sum;
}

std::string Timeline::to_json() const {
  nlohmann::json stages = nlohmann::json::array();
  for (const auto& span : spans_) {
    nlohmann::json row = {{"stage", stage_name(span.stage)},
                          {"begin_ms", milliseconds(span.begin)},
                          {"end_ms", milliseconds(span.end)}};
    if (span.bytes > 0) row["bytes"] = span.bytes;
    if (span.tokens > 0) row["tokens"] = span.tokens;
    if (span.blocks > 0) row["blocks"] = span.blocks;
    if (!span.tier.empty()) row["tier"] = span.tier;
    stages.push_back(std::move(row));
  }
  nlohmann::json object = {{"ttft_ms", nullptr}, {"stages", std::move(stages)}};
  if (ttft_) object["ttft_ms"] = milliseconds(*ttft_);
  return object.dump();
}

std::string Timeline::to_table() const {
  std::string table;
  const auto rows = merged(spans_);
  for (const auto& span : rows) {
    if (!is_after_first_token(span.stage)) table += table_row(span);
  }
  if (ttft_) {
    char line[64];
    std::snprintf(line, sizeof(line), "  %-18s %10.1f ms\n", "= first token at",
                  milliseconds(*ttft_));
    table += line;
  }
  for (const auto& span : rows) {
    if (is_after_first_token(span.stage)) table += table_row(span);
  }
  return table;
}

}  // namespace kvlink::app
