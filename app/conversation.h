// SPDX-License-Identifier: Apache-2.0
// A conversation: its turns, and its context as KV in memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "app/context_reader.h"
#include "app/session.h"
#include "inference/engine.h"
#include "retrieval/library.h"

namespace kvlink::app {

struct PastTurn {
  std::string question;
  std::string answer;
};

/// What was asked and answered so far. Earlier turns stay in the context as KV and are not computed
/// again; a conversation taken up from the library reads their text once. One thread at a time;
/// must not outlive the engine that made its context.
class Conversation {
 public:
  Conversation() = default;
  /// Takes up a stored one; its turns are read into the context with the next question.
  explicit Conversation(const retrieval::Conversation& stored);

  /// Where turns are kept in the library; nothing: not kept.
  const std::optional<retrieval::ConversationId>& stored_id() const { return stored_id_; }
  void keep_as(retrieval::ConversationId id) { stored_id_ = id; }

  const std::vector<PastTurn>& turns() const { return turns_; }
  /// "" at the beginning.
  std::string previous_question() const;

  /// The context, made when there is none. Throws kOutOfMemory.
  inference::Context& context(inference::Engine& engine);
  /// Whether a passage is in the context already.
  bool holds(const Digest& content) const { return passages_.contains(content); }

  /// What is forwarded before new passages: at the beginning the prefix and, of a conversation
  /// taken up, the latest turns that fit in half the context; later what closes the last answer.
  struct Lead {
    std::vector<std::int32_t> token_ids;
    std::int64_t n_history_tokens = 0;  ///< of them, text of earlier turns
  };
  Lead lead(inference::Engine& engine, const ChunkEncoding& encoding) const;

  /// Forgets context and passages, and keeps earlier turns out of it from here on.
  void start_over();

  void add_passages(std::span<const Passage> passages);
  /// The turn is in the context, but for the tokens `unfed` at the end of its answer.
  void add_turn(PastTurn turn, std::vector<std::int32_t> unfed);

 private:
  std::optional<retrieval::ConversationId> stored_id_;
  std::vector<PastTurn> turns_;
  std::size_t first_turn_ = 0;  ///< earlier ones are not read into a new context
  std::unique_ptr<inference::Context> context_;
  std::set<Digest> passages_;
  std::vector<std::int32_t> unfed_;
};

}  // namespace kvlink::app
