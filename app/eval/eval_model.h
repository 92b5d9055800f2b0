// SPDX-License-Identifier: Apache-2.0
// A generator that reads chosen passages in any mode, their blocks in a temporary folder.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "app/context_reader.h"
#include "app/eval/eval_run.h"
#include "app/eval/questions.h"
#include "app/generation.h"
#include "app/scratch_folder.h"
#include "app/session.h"

namespace kvlink::app {

/// How prompts are made and what is loaded beside the base weights.
struct EvalPrompt {
  std::string adapter = "none";  ///< "none", "default" (the one made for the model), or a file
  std::string system;            ///< "": the app's default
};

/// Fails when a named adapter file did not load: kUnsupported with the session's reason (throws).
void check_adapter(Session& session, const EvalPrompt& prompt);
/// Of generator, prompt and adapter: which blocks and answers belong together.
std::string identity_of(Session& session);

/// Settings are the program's defaults, never the user's: figures must not depend on them. Owns a
/// session on a temporary folder inside the data folder. One thread.
class EvalModel {
 public:
  /// Throws what opening a session returns; kUnsupported for an adapter that cannot be loaded.
  EvalModel(const EvalSetup& setup, const EvalPrompt& prompt);

  /// As the app's chunks: title, then the whole text. kInvalidInput for one without text.
  Passage passage(const EvalDocument& document) const;
  std::vector<Passage> passages(std::span<const EvalDocument* const> documents) const;
  /// With the priors that the app would give them, by its embedder and its settings.
  std::vector<Passage> weighed_passages(std::span<const EvalDocument* const> documents,
                                        const std::string& question);

  /// A conversation's context and what the next turn must forward first.
  struct Dialogue {
    std::unique_ptr<inference::Context> context;
    std::vector<std::int32_t> lead;
  };
  Dialogue start();

  /// What a question is asked with.
  struct Ask {
    ReadingMode mode;
    std::span<const Passage> passages;
    std::string question;
    std::int32_t max_tokens = 32;
  };
  /// Logits of the first answer token. Blocks are encoded before the clock starts.
  std::vector<float> read(Dialogue& dialogue, const Ask& ask, std::stop_token stop);
  /// Answers greedily, without a penalty, up to a stop id or max_tokens, and leaves the dialogue
  /// ready for another question. "tokens", "ttft_ms" and "prompt_tokens" are in the record.
  RunRecord answer(Dialogue& dialogue, const Ask& ask, std::stop_token stop);

  Session& session() { return *session_; }
  bool has_adapter() { return session_->engine().adapter() != nullptr; }
  /// The system text in use.
  const std::string& system() const { return session_->settings().system_prompt; }
  std::string identity() const { return identity_of(*session_); }

 private:
  const std::vector<float>& vector_of(const std::string& text, inference::Priority priority);
  void ensure_blocks(std::span<const Passage> passages, std::stop_token stop);
  ReadResult read_into(Dialogue& dialogue, const Ask& ask, Timeline& timeline,
                       std::stop_token stop);

  ScratchFolder folder_;
  std::unique_ptr<Session> session_;
  std::map<std::string, std::vector<float>> vectors_;  // of texts that were embedded
};

/// "full", "link", "link+query5", …; throws kInvalidInput for a name that is none.
ReadingMode mode_named(const std::string& name);

}  // namespace kvlink::app
