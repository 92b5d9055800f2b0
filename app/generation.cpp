// SPDX-License-Identifier: Apache-2.0
#include "app/generation.h"

#include <algorithm>
#include <array>

#include "app/answer_text.h"

namespace kvlink::app {
namespace {

constexpr std::array<std::string_view, 5> kEndNames = {"complete", "max_tokens", "context_full",
                                                       "stopped", "nothing_found"};

bool contains(std::span<const std::int32_t> ids, std::int32_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

/// Of the steps behind the prefill only the first is timed by the GPU's events.
void record_first_decode(const inference::Context& context, Timeline& timeline) {
  for (const auto& span : context.device_spans()) {
    timeline.record(Stage::kFirstDecode, span.begin, span.end).tokens = 1;
  }
}

}  // namespace

std::string_view answer_end_name(AnswerEnd end) {
  return kEndNames.at(static_cast<std::size_t>(end));
}

Generated generate(inference::Engine& engine, inference::Context& context,
                   std::vector<float> logits, const GenerationOptions& options,
                   const TextCallback& on_text, Timeline& timeline, std::stop_token stop) {
  Generated made;
  inference::Sampler sampler(options.sampler);
  AnswerText stream(engine.tokenizer(), on_text, options.next_question);
  std::vector<std::int32_t> tokens;
  const auto stop_ids = engine.chat_format().stop_ids();
  auto stage = timeline.begin(Stage::kFirstToken);
  std::int32_t token = sampler.next(logits, tokens);
  while (true) {
    bool ended = contains(stop_ids, token);
    if (!ended) {
      tokens.push_back(token);
      ended = !stream.push(token);
      if (!ended) made.unfed = {token};
    }
    if (!timeline.ttft()) {
      timeline.end(stage).tokens = 1;
      timeline.mark_first_token();
      stage = timeline.begin(Stage::kDecode);
    }
    if (ended) break;
    if (static_cast<std::int64_t>(tokens.size()) >= options.max_tokens) {
      made.end = AnswerEnd::kMaxTokens;
      break;
    }
    const auto next =
        engine.next_token(context, token, sampler, tokens, inference::Priority::kQuestion, stop);
    if (!next) {
      const auto code = next.error().code;
      if (code != ErrorCode::kCancelled && code != ErrorCode::kOutOfMemory) {
        throw Exception(next.error());
      }
      made.end = code == ErrorCode::kCancelled ? AnswerEnd::kStopped : AnswerEnd::kContextFull;
      break;
    }
    record_first_decode(context, timeline);
    made.unfed.clear();
    token = *next;
  }
  made.n_tokens = static_cast<std::int64_t>(tokens.size());
  timeline.end(stage).tokens = std::max<std::int64_t>(made.n_tokens - 1, 0);
  made.text = stream.finish();
  return made;
}

}  // namespace kvlink::app
