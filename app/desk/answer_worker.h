// SPDX-License-Identifier: Apache-2.0
// Questions, on the thread that owns the conversations' contexts.
#pragma once

#include <memory>

#include "app/conversation.h"
#include "app/desk/answer_messages.h"
#include "app/desk/request_stops.h"
#include "app/desk/worker.h"

namespace kvlink::desk {

class AnswerWorker : public Worker {
  Q_OBJECT

 public:
  explicit AnswerWorker(QObject* parent = nullptr) : Worker(parent) {}

  /// sources_ready, text_appended…, then finished or failed; always one of the two.
  void ask(AskRequest request);
  /// Any thread, at once: the answer ends with what it has (finished, end kStopped). A request
  /// that still waits ends without a token.
  void stop(RequestId id);

  /// Its context is freed: the conversation is no more.
  void forget_conversation(ConversationId id);

  /// How the questions from here on are answered (app::take_changeable), until another session.
  void set_settings(app::Settings settings);
  /// Documents no question may use (their removal waits for its undo time).
  void set_hidden_documents(std::vector<DocumentId> hidden);

 signals:
  /// The request was made; told by ask() itself, in the thread that calls it.
  void asked(kvlink::desk::RequestId id, kvlink::app::Timeline::Clock::time_point sent);
  /// The request left the queue.
  void started(kvlink::desk::RequestId id);
  void sources_ready(const kvlink::desk::AnswerSources& sources);
  /// At most ten a second.
  void blocks_looked_up(const std::vector<kvlink::desk::BlockEvent>& events);
  void stages_changed(const kvlink::desk::AnswerStages& stages);
  void text_appended(const kvlink::desk::AnswerText& text);
  void finished(const kvlink::desk::AnswerSummary& summary);
  void answer_failed(const kvlink::desk::AnswerFailure& failure);

  /// A turn was kept, perhaps the first of a new conversation.
  void turn_kept();
  /// What became of the GPU, as soon as it is known: the answer goes on without it.
  void device_changed(const QString& sentence);
  /// Blocks may have been made or read into memory.
  void blocks_changed();

 protected:
  void session_opened() override { settings_ = session().settings(); }
  void session_closing() override;
  void interrupt() override;

 private:
  /// What a running answer tells, in batches.
  class Delivery;

  void perform(const AskRequest& request, std::stop_token stop);
  app::Question question_of(const AskRequest& request);
  /// Throws when nothing is left.
  void leave_out_hidden(app::Question& question);
  /// Where the turn belongs; made when the request asks for a new one. Throws.
  app::Conversation& conversation_for(const AskRequest& request, app::Conversation& aside);
  void finish(const AskRequest& request, app::Answer answer, ConversationId conversation);

  RequestStops requests_;
  app::Settings settings_;
  std::vector<DocumentId> hidden_;              ///< ascending
  std::unique_ptr<app::Conversation> current_;  ///< whose KV is kept between questions
};

}  // namespace kvlink::desk
