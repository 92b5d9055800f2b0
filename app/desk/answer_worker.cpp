// SPDX-License-Identifier: Apache-2.0
#include "app/desk/answer_worker.h"

#include <QSaveFile>
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
    auto made = value_or_throw(app::AnswerPipeline(session()).answer(
        question, conversation, delivery.events(), std::move(stop)));
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
  if (conversation != 0) tell_conversations(listed_words_);
}

// --- conversations

void AnswerWorker::attempt(RequestId id, const std::function<void()>& body) {
  if (const auto problem = why_not(false)) {
    emit failed(id, *problem);
    return;
  }
  const auto done = returning(body);
  if (!done) emit failed(id, problem_of(done.error()));
}

std::vector<ConversationRow> AnswerWorker::find_conversations(const QString& words) {
  const auto found = words.isEmpty()
                         ? value_or_throw(session().library().conversations())
                         : value_or_throw(session().library().find_conversations(utf8_of(words)));
  std::vector<ConversationRow> rows;
  for (const auto& one : found) rows.push_back({one.id, text_of(one.name), one.updated_unix});
  return rows;
}

void AnswerWorker::tell_conversations(const QString& words) {
  attempt(0, [&] {
    listed_words_ = words;
    emit conversations_changed(find_conversations(words), words);
  });
}

void AnswerWorker::list_conversations(QString words) {
  post([this, words = std::move(words)] { tell_conversations(words); });
}

void AnswerWorker::open_conversation(ConversationId id) {
  post([this, id] {
    attempt(0, [&] { emit conversation_opened(view_of_conversation(session(), id)); });
  });
}

void AnswerWorker::rename_conversation(ConversationId id, QString name) {
  post([this, id, name = std::move(name)] {
    attempt(0, [&] {
      value_or_throw(session().library().rename_conversation(id, utf8_of(name)));
      tell_conversations(listed_words_);
    });
  });
}

void AnswerWorker::remove_conversation(ConversationId id) {
  post([this, id] {
    attempt(0, [&] {
      if (current_ && current_->stored_id() == id) current_.reset();
      value_or_throw(session().library().remove_conversation(id));
      tell_conversations(listed_words_);
    });
  });
}

void AnswerWorker::export_conversation(RequestId id, ConversationId conversation,
                                       ExportFormat format) {
  post([this, id, conversation, format] {
    attempt(id, [&] {
      const auto view = view_of_conversation(session(), conversation);
      emit exported(id, format == ExportFormat::kJson ? to_json(view) : to_markdown(view));
    });
  });
}

void AnswerWorker::write_file(RequestId id, QString path, QByteArray bytes) {
  post([this, id, path = std::move(path), bytes = std::move(bytes)] {
    QSaveFile file(path);
    const bool written =
        file.open(QIODevice::WriteOnly) && file.write(bytes) == bytes.size() && file.commit();
    if (written) {
      emit this->written(id, path);
    } else {
      emit failed(
          id, {ErrorCode::kIo, tr("%1 could not be written: %2.").arg(path, file.errorString())});
    }
  });
}

}  // namespace kvlink::desk
