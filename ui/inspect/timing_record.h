// SPDX-License-Identifier: Apache-2.0
// The history of times as a file.
#pragma once

#include <QByteArray>
#include <vector>

#include "ui/inspect/question_timing.h"

namespace kvlink::ui {

struct KeptTimings {
  QString model;                          ///< fingerprint of the one the rate was measured with
  double tokens_per_second = 0;           ///< fastest prefill; 0: not measured
  std::vector<QuestionTiming> questions;  ///< oldest first
};

QByteArray to_json(const KeptTimings& timings);
/// What can be read of it, at most TimingHistory::kCapacity questions; numbers that cannot be are
/// left out with their question.
KeptTimings kept_timings_of(const QByteArray& json);

}  // namespace kvlink::ui
