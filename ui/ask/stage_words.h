// SPDX-License-Identifier: Apache-2.0
// What is happening between Enter and the first token, in words and numbers.
#pragma once

#include <QString>
#include <array>
#include <cstdint>
#include <vector>

#include "app/desk/answer_messages.h"

namespace kvlink::ui {

enum class StepState : std::uint8_t { kPending, kRunning, kDone };

struct Step {
  QString words;  ///< "load 61 ms, 4.2 MB"
  StepState state = StepState::kPending;
};

/// Everything a running answer has told so far. Plain value.
struct WaitingFacts {
  bool started = false;  ///< it left the queue
  bool sources_known = false;
  bool first_token = false;
  bool without_cache = false;
  double elapsed_ms = 0;
  std::vector<app::Timeline::Span> spans;
  std::vector<desk::PassageView> passages;
  std::vector<desk::BlockEvent> blocks;
};

/// Retrieve, load, prefill, first token.
std::array<Step, 4> steps_of(const WaitingFacts& facts);
/// The same in one line, for screen readers.
QString steps_words(const std::array<Step, 4>& steps);

/// After this long a sentence says what takes the time.
inline constexpr double kPatienceMs = 3'000;
/// "guide.md has no cache yet: reading 3,900 tokens."
QString waiting_reason(const WaitingFacts& facts);

}  // namespace kvlink::ui
