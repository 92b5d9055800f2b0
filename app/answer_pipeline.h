// SPDX-License-Identifier: Apache-2.0
// From a question to a cited answer: retrieve, plan, load, rotate, prefill, stream.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/context_reader.h"
#include "app/conversation.h"
#include "app/generation.h"
#include "app/session.h"
#include "app/timeline.h"

namespace kvlink::app {

/// kIgnore: every document token is prefilled, as a program without KV reuse does it (mode full).
enum class CacheUse : std::uint8_t { kUse, kIgnore };
/// kCold: blocks are dropped from memory and from the page cache before the clock starts.
enum class CacheState : std::uint8_t { kAsIs, kCold };

struct Question {
  std::string text;
  Timeline::Clock::time_point sent = Timeline::Clock::now();
  std::optional<inference::LinkMode> mode;       ///< nothing: Session::default_mode
  std::vector<retrieval::DocumentId> documents;  ///< restrict to these; empty: all
  std::optional<retrieval::DocumentId> whole;    ///< read this document instead of searching
  bool nearest = false;  ///< where no passage fits: answer from those that come nearest
  CacheUse cache_use = CacheUse::kUse;
  CacheState cache_state = CacheState::kAsIs;
  std::optional<std::int32_t> max_tokens;            ///< nothing: the setting's
  std::optional<inference::SamplerOptions> sampler;  ///< nothing: the setting's
};

/// A passage the answer was made from.
struct Source {
  std::int64_t number = 0;  ///< 1-based, best first (with `whole`: in reading order)
  retrieval::StoredChunk chunk;
  std::string path;
  double score = 0;
  float log_prior = 0;      ///< see passage_priors
  bool in_context = false;  ///< was read for an earlier question of the conversation
};

/// Each may be empty; called on the answering thread, which waits meanwhile.
struct AnswerEvents {
  std::function<void(const std::vector<Source>&)> on_sources;  ///< before the first token
  TextCallback on_text;
  std::function<void(const BlockLookup&)> on_block = {};  ///< every block that is looked for
  std::function<void(const Timeline&)> on_stage = {};  ///< stages that ended before the first token
  /// What became of the GPU, as soon as it is known; it is among the answer's notices too.
  std::function<void(const std::string& sentence)> on_device = {};
};

struct Answer {
  std::string text;
  AnswerEnd end = AnswerEnd::kComplete;
  inference::LinkMode mode = inference::LinkMode::kReposition;
  std::vector<Source> sources;
  std::vector<Source> nearest;  ///< kNothingFound: what comes nearest, not read
  ReadReport reading;
  std::int64_t n_history_tokens = 0;  ///< text of earlier turns read again (a stored conversation)
  std::int64_t n_tokens = 0;          ///< of the answer
  Timeline timeline;
  std::vector<std::string> notices;  ///< for the user: what was left out and why
};

/// Blocking and cancellable; events come on the calling thread. One pipeline may serve several
/// threads with different conversations. Needs Parts::kAnswer.
class AnswerPipeline {
 public:
  explicit AnswerPipeline(Session& session) : AnswerPipeline(session, session.settings()) {}
  /// With other values of what take_changeable() names than the session was opened with.
  AnswerPipeline(Session& session, const Settings& settings)
      : session_(session), settings_(settings) {}

  /// A stop gives an Answer with end kStopped, at any stage. Errors: kInvalidInput (empty question,
  /// or one longer than the context), kUnsupported (mode), kOutOfMemory, kIo. The conversation
  /// stays usable whatever happens; a turn that was not read is not part of it.
  Result<Answer> answer(const Question& question, Conversation& conversation,
                        const AnswerEvents& events, std::stop_token stop);

 private:
  Session& session_;
  Settings settings_;
};

}  // namespace kvlink::app
