// SPDX-License-Identifier: Apache-2.0
#include "app/desk/answer_worker.h"

#include <algorithm>
#include <utility>

#include "app/desk/answer_delivery.h"
#include "app/desk/passage_views.h"

namespace kvlink::desk {
namespace {

constexpr qsizetype kMaxNameLength = 60;

/// A conversation is called after its first question.
QString name_of(const QString& question) {
  const QString words = question.simplified();
  if (words.size() <= kMaxNameLength) return words;
  const qsizetype space = words.lastIndexOf(QLatin1Char(' '), kMaxNameLength);
  return words.left(space > kMaxNameLength / 2 ? space : kMaxNameLength) + QChar(0x2026);
}

}  // namespace

// --- asking

void AnswerWorker::ask(AskRequest request) {
  const auto stop = requests_.begin(request.id);
  emit asked(request.id, request.sent);
  post([this, request = std::move(request), stop] {
    emit started(request.id);
    perform(request, stop);
    requests_.end(request.id);
  });
}

void AnswerWorker::stop(RequestId id) { requests_.stop(id); }

void AnswerWorker::interrupt() { requests_.stop_all(); }

void AnswerWorker::session_closing() { current_.reset(); }

void AnswerWorker::forget_conversation(ConversationId id) {
  post([this, id] {
    if (current_ && current_->stored_id() == id) current_.reset();
  });
}

void AnswerWorker::set_settings(app::Settings settings) {
  post([this, settings = std::move(settings)] { settings_ = settings; });
}

void AnswerWorker::set_hidden_documents(std::vector<DocumentId> hidden) {
  post([this, hidden = std::move(hidden)]() mutable {
    std::sort(hidden.begin(), hidden.end());
    hidden_ = std::move(hidden);
  });
}

app::Question AnswerWorker::question_of(const AskRequest& request) {
  app::Question question;
  question.text = utf8_of(request.question);
  question.sent = request.sent;
  question.mode = request.mode;
  question.whole = request.whole;
  question.nearest = request.nearest;
  question.documents = request.scope;
  question.cache_use = request.without_cache ? app::CacheUse::kIgnore : app::CacheUse::kUse;
  question.cache_state = request.from_disk ? app::CacheState::kCold : app::CacheState::kAsIs;
  if (!hidden_.empty()) leave_out_hidden(question);
  return question;
}

void AnswerWorker::leave_out_hidden(app::Question& question) {
  const auto is_hidden = [&](DocumentId id) {
    return std::binary_search(hidden_.begin(), hidden_.end(), id);
  };
  if (question.documents.empty() && !question.whole) {
    for (const auto& document : value_or_throw(session().library().documents())) {
      question.documents.push_back(document.id);
    }
  }
  std::erase_if(question.documents, is_hidden);
  if (question.whole ? is_hidden(*question.whole) : question.documents.empty()) {
    fail(ErrorCode::kInvalidInput,
         tr("The documents in scope were removed. Choose others, or undo.").toStdString());
  }
}

app::Conversation& AnswerWorker::conversation_for(const AskRequest& request,
                                                  app::Conversation& aside) {
  if (!request.keep) return aside;
  const bool is_current =
      current_ && request.conversation != 0 && current_->stored_id() == request.conversation;
  if (is_current) return *current_;
  current_.reset();  // frees its context before another is made
  if (request.conversation != 0) {
    current_ = std::make_unique<app::Conversation>(
        value_or_throw(session().library().conversation(request.conversation)));
  } else {
    const auto id =
        value_or_throw(session().library().new_conversation(utf8_of(name_of(request.question))));
    current_ = std::make_unique<app::Conversation>();
    current_->keep_as(id);
  }
  return *current_;
}

void AnswerWorker::perform(const AskRequest& request, std::stop_token stop) {
  if (const auto problem = why_not(true)) {
    emit answer_failed({request.id, *problem});
    return;
  }
  app::Conversation aside;
  ConversationId id = 0;
  bool is_empty = true;
  const auto answer = returning([&] {
    const app::Question question = question_of(request);
    app::Conversation& conversation = conversation_for(request, aside);
    id = conversation.stored_id().value_or(0);
    Delivery delivery(*this, request);
    auto made =
        value_or_throw(app::AnswerPipeline(session(), settings_)
                           .answer(question, conversation, delivery.events(), std::move(stop)));
    delivery.flush();
    is_empty = conversation.turns().empty();
    return made;
  });
  if (id != 0 && request.conversation == 0 && is_empty) {
    // Nothing was answered: no conversation begins.
    current_.reset();
    static_cast<void>(session().library().remove_conversation(id));
    id = 0;
  }
  if (answer) {
    finish(request, *answer, id);
  } else {
    emit answer_failed({request.id, problem_of(answer.error())});
  }
}

void AnswerWorker::finish(const AskRequest& request, app::Answer answer,
                          ConversationId conversation) {
  AnswerSummary summary;
  summary.id = request.id;
  summary.conversation = conversation;
  summary.question = request.question;
  summary.text = text_of(answer.text);
  summary.end = answer.end;
  summary.mode = answer.mode;
  summary.without_cache = request.without_cache;
  summary.from_disk = request.from_disk;
  summary.passages = passages_of(answer.sources);
  summary.nearest = passages_of(answer.nearest);
  summary.reading = std::move(answer.reading);
  summary.n_history_tokens = answer.n_history_tokens;
  summary.n_tokens = answer.n_tokens;
  summary.timeline = std::move(answer.timeline);
  for (const auto& notice : answer.notices) summary.notices.push_back(text_of(notice));
  emit finished(summary);
  emit blocks_changed();
  if (conversation != 0) emit turn_kept();
}

}  // namespace kvlink::desk
