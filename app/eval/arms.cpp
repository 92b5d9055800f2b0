// SPDX-License-Identifier: Apache-2.0
#include "app/eval/arms.h"

#include <algorithm>
#include <charconv>

#include "app/file_bytes.h"
#include "kernels/base/sha256.h"

namespace kvlink::app {
namespace {

using inference::LinkMode;
constexpr std::int64_t kMaxDataBytes = std::int64_t{1} << 30;

std::string joined(const std::vector<std::int64_t>& numbers) {
  std::string text;
  for (const auto n : numbers) text += (text.empty() ? "" : ",") + std::to_string(n);
  return text;
}

}  // namespace

GoldPlaces GoldPlaces::parse(const std::string& text) {
  if (text == "walk") return {Rule::kWalk, 0};
  if (text == "each") return {Rule::kEach, 0};
  std::int64_t place = -1;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), place);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || place < 0) {
    fail(ErrorCode::kInvalidInput,
         "The gold passage's place must be walk, each or a number from 0, not \"" + text + "\".");
  }
  return {Rule::kFixed, place};
}

std::string GoldPlaces::name() const {
  if (rule == Rule::kFixed) return std::to_string(place);
  return rule == Rule::kWalk ? "walk" : "each";
}

std::vector<std::int64_t> GoldPlaces::of(std::int64_t question, std::int64_t n_passages) const {
  if (n_passages <= 1) return {0};
  if (rule == Rule::kFixed) return {std::min(place, n_passages - 1)};
  if (rule == Rule::kWalk) return {question % n_passages};
  std::vector<std::int64_t> places;
  for (std::int64_t i = 0; i < n_passages; ++i) places.push_back(i);
  return places;
}

std::vector<Arm> arms_of(const std::vector<ReadingMode>& modes, const std::string& adapter) {
  const bool given = adapter != "none";
  std::vector<Arm> arms;
  for (const auto& mode : modes) {
    const bool linked =
        mode.mode == LinkMode::kLink || (mode.mode == LinkMode::kRecompute && mode.links);
    if (!given || !linked) arms.push_back({mode, false, "none"});
    const bool both = mode.mode == LinkMode::kFull || mode.mode == LinkMode::kReposition;
    if (given && (linked || both)) arms.push_back({mode, true, adapter});
  }
  return arms;
}

Contest::Contest(const EvalSetup& setup, const ReadingOptions& options) : options_(options) {
  if (options.modes.empty()) fail(ErrorCode::kInvalidInput, "Nothing to measure: name modes.");
  EvalPrompt base = options.prompt;
  if (options.prompt.adapter != "none") {
    adapted_ = std::make_unique<EvalModel>(setup, options.prompt);
    if (!adapted_->has_adapter()) adapted_.reset();
  }
  if (adapted_) base.system = adapted_->system();
  base.adapter = "none";
  base_ = std::make_unique<EvalModel>(setup, base);
  arms_ = arms_of(options.modes, adapted_ ? options.prompt.adapter : "none");
}

ReportRow Contest::parameters() const {
  const FileBytes data = read_file(options_.data, kMaxDataBytes);
  if (data.too_large) {
    fail(ErrorCode::kUnsupported, options_.data.string() + " is larger than 1 GiB; split it.");
  }
  std::string modes;
  for (const auto& arm : arms_) modes += (modes.empty() ? "" : ",") + arm.name();
  ReportRow row;
  row.add("data", options_.data.filename().string());
  row.add("data_sha256", sha256(data.bytes).hex());
  row.add("arms", modes);
  row.add("passages", joined(options_.passages));
  row.add("gold_at", options_.gold_at.name());
  row.add("limit", options_.limit);
  row.add("max_tokens", std::int64_t{options_.max_tokens});
  row.add("system", base_->system());
  row.add("model", base_->identity());
  if (adapted_) row.add("adapted_model", adapted_->identity());
  return row;
}

ReportRow row_of(const Arm& arm, std::int64_t n_passages) {
  ReportRow row;
  row.add("mode", arm.mode_name());
  row.add("adapter", arm.adapter);
  row.add("passages", n_passages);
  return row;
}

}  // namespace kvlink::app
