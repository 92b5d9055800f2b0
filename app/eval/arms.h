// SPDX-License-Identifier: Apache-2.0
// What is compared: modes with and without an adapter, on the same questions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app/eval/eval_model.h"

namespace kvlink::app {

/// Where the gold passage stands among K: at one place, at i mod K for question i, or at each of
/// the K in turn.
struct GoldPlaces {
  enum class Rule : std::uint8_t { kFixed, kWalk, kEach } rule = Rule::kWalk;
  std::int64_t place = 0;  ///< kFixed; the last one where there are fewer

  /// "walk", "each", or a number from 0. kInvalidInput otherwise (throws).
  static GoldPlaces parse(const std::string& text);
  std::string name() const;
  /// For question number i with n passages; one place, 0, for n = 0.
  std::vector<std::int64_t> of(std::int64_t question, std::int64_t n_passages) const;
};

/// What `qa`, `summary`, `turns` and `kl` have in common.
struct ReadingOptions {
  std::filesystem::path data;
  std::vector<ReadingMode> modes;
  std::vector<std::int64_t> passages = {3};  ///< numbers of passages; 0: none
  GoldPlaces gold_at;
  EvalPrompt prompt;
  std::int64_t limit = 0;  ///< questions; 0: all
  std::int32_t max_tokens = 32;
  std::filesystem::path out;  ///< work file; "": none
};

/// A mode with or without the adapter.
struct Arm {
  ReadingMode mode = inference::LinkMode::kFull;
  bool with_adapter = false;
  std::string adapter = "none";  ///< as it was asked for

  std::string mode_name() const { return reading_mode_name(mode); }
  std::string name() const { return mode_name() + "/" + adapter; }
};

/// Without an adapter ("none"): every mode once. With one: full and reposition twice, without and
/// with (its header and LoRA); link, and recompute with link tokens, with it; others without.
std::vector<Arm> arms_of(const std::vector<ReadingMode>& modes, const std::string& adapter);

/// Owns the models that the arms need: the base, and the base with the adapter. Both read the same
/// system text: the one that was asked for, else the adapter's, else the app's.
class Contest {
 public:
  Contest(const EvalSetup& setup, const ReadingOptions& options);

  const std::vector<Arm>& arms() const { return arms_; }
  EvalModel& model(const Arm& arm) { return arm.with_adapter ? *adapted_ : *base_; }
  EvalModel& base() { return *base_; }
  /// Everything that decides the answers: the head of work file and report.
  ReportRow parameters() const;

 private:
  const ReadingOptions& options_;
  std::unique_ptr<EvalModel> adapted_;  ///< null: no adapter fits the model
  std::vector<Arm> arms_;
  std::unique_ptr<EvalModel> base_;
};

/// Opens a row with mode, adapter and the number of passages.
ReportRow row_of(const Arm& arm, std::int64_t n_passages);

}  // namespace kvlink::app
