// SPDX-License-Identifier: Apache-2.0
// The answer, token by token.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "app/answer_text.h"
#include "app/timeline.h"
#include "inference/engine.h"

namespace kvlink::app {

/// Why an answer ended. Persistent in JSON by name (answer_end_name).
enum class AnswerEnd : std::uint8_t {
  kComplete,      ///< the model said that it is done
  kMaxTokens,     ///< the limit of tokens was reached
  kContextFull,   ///< no room for another token
  kStopped,       ///< somebody pressed Stop
  kNothingFound,  ///< no passage is about the question; nothing was generated
};
std::string_view answer_end_name(AnswerEnd end);

struct GenerationOptions {
  std::int32_t max_tokens = 256;
  NextQuestion next_question = NextQuestion::kKeep;
  inference::SamplerOptions sampler;
};

struct Generated {
  std::string text;
  std::int64_t n_tokens = 0;
  AnswerEnd end = AnswerEnd::kComplete;
  /// Tokens of the answer that are not in the context yet: they go before what follows.
  std::vector<std::int32_t> unfed;
};

/// Decodes from `logits` (after the prompt's last token) until the model, the limit, the context or
/// the user ends it. Marks the first token in the timeline. Throws what the engine returns, but a
/// stop and a full context are ends like others.
Generated generate(inference::Engine& engine, inference::Context& context,
                   std::vector<float> logits, const GenerationOptions& options,
                   const TextCallback& on_text, Timeline& timeline, std::stop_token stop);

}  // namespace kvlink::app
