// SPDX-License-Identifier: Apache-2.0
// A link mode with everything that goes with it, under one name.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "inference/link/context_plan.h"
#include "inference/link/recompute_method.h"

namespace kvlink::app {

/// How passages enter a context. Plain value.
struct ReadingMode {
  inference::LinkMode mode = inference::LinkMode::kReposition;
  /// Mode recompute: how tokens are chosen and which share of them; nothing: as the settings say.
  std::optional<inference::RecomputeMethod> recompute = {};
  std::optional<double> share = {};
  /// Mode recompute: link tokens where the adapter has some. Mode link always has them.
  bool links = true;
  /// `eval qa` only: passages come with priors (app/passage_prior.h), as the app's own answers do.
  bool prior = false;

  ReadingMode() = default;
  ReadingMode(inference::LinkMode m) : mode(m) {}  // NOLINT: a mode alone is a way to read
  bool operator==(const ReadingMode&) const = default;
};

/// "full", "concat", "reposition", "link", "recompute"; or a method with a share in percent:
/// "first-k15", "deviation15", "query5", and with link tokens "link+query5"; "full+prior",
/// "reposition+prior", "link+prior". Nothing for others.
std::optional<ReadingMode> parse_reading_mode(std::string_view name);
std::string reading_mode_name(const ReadingMode& mode);

}  // namespace kvlink::app
