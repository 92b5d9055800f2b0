// SPDX-License-Identifier: Apache-2.0
#include "app/conversation.h"

#include <utility>

namespace kvlink::app {
namespace {

using Ids = std::vector<std::int32_t>;

void append(Ids& ids, const Ids& more) { ids.insert(ids.end(), more.begin(), more.end()); }

Ids turn_tokens(const inference::Engine& engine, const PastTurn& turn) {
  const auto& format = engine.chat_format();
  Ids ids = format.question(turn.question);
  append(ids, engine.tokenizer().encode(turn.answer));
  append(ids, format.next_turn());
  return ids;
}

}  // namespace

Conversation::Conversation(const retrieval::Conversation& stored) : stored_id_(stored.id) {
  for (const auto& turn : stored.turns) turns_.push_back({turn.question, turn.answer});
}

std::string Conversation::previous_question() const {
  return turns_.empty() ? std::string() : turns_.back().question;
}

inference::Context& Conversation::context(inference::Engine& engine) {
  if (!context_) context_ = value_or_throw(engine.new_context());
  return *context_;
}

Conversation::Lead Conversation::lead(inference::Engine& engine,
                                      const ChunkEncoding& encoding) const {
  Lead lead;
  if (context_ && context_->n_rows() > 0) {
    lead.token_ids = unfed_;
    append(lead.token_ids, engine.chat_format().next_turn());
    return lead;
  }
  const std::int64_t room = engine.max_context() / 2;
  std::vector<Ids> history;  // latest first
  for (std::size_t i = turns_.size(); i > first_turn_; --i) {
    Ids ids = turn_tokens(engine, turns_[i - 1]);
    const auto n = static_cast<std::int64_t>(ids.size());
    if (lead.n_history_tokens + n > room) break;
    lead.n_history_tokens += n;
    history.push_back(std::move(ids));
  }
  lead.token_ids = encoding.prefix;
  for (auto it = history.rbegin(); it != history.rend(); ++it) append(lead.token_ids, *it);
  return lead;
}

void Conversation::start_over() {
  context_.reset();
  passages_.clear();
  unfed_.clear();
  first_turn_ = turns_.size();
}

void Conversation::add_passages(std::span<const Passage> passages) {
  for (const auto& passage : passages) passages_.insert(passage.content);
}

void Conversation::add_turn(PastTurn turn, Ids unfed) {
  turns_.push_back(std::move(turn));
  unfed_ = std::move(unfed);
}

}  // namespace kvlink::app
