// SPDX-License-Identifier: Apache-2.0
#include "app/desk/conversation_worker.h"

#include <QSaveFile>
#include <utility>

#include "app/desk/passage_views.h"

namespace kvlink::desk {

void ConversationWorker::attempt(RequestId id, const std::function<void()>& body) {
  if (const auto problem = why_not(false)) {
    emit failed(id, *problem);
    return;
  }
  const auto done = returning(body);
  if (!done) emit failed(id, problem_of(done.error()));
}

std::vector<ConversationRow> ConversationWorker::find(const QString& words) {
  const auto found = words.isEmpty()
                         ? value_or_throw(session().library().conversations())
                         : value_or_throw(session().library().find_conversations(utf8_of(words)));
  std::vector<ConversationRow> rows;
  for (const auto& one : found) rows.push_back({one.id, text_of(one.name), one.updated_unix});
  return rows;
}

void ConversationWorker::tell(const QString& words) {
  attempt(0, [&] {
    listed_words_ = words;
    emit changed(find(words), words);
  });
}

void ConversationWorker::list(QString words) {
  post([this, words = std::move(words)] { tell(words); });
}

void ConversationWorker::list_again() {
  post([this] { tell(listed_words_); });
}

void ConversationWorker::open(ConversationId id) {
  post([this, id] { attempt(0, [&] { emit opened(view_of_conversation(session(), id)); }); });
}

void ConversationWorker::rename(ConversationId id, QString name) {
  post([this, id, name = std::move(name)] {
    attempt(0, [&] {
      value_or_throw(session().library().rename_conversation(id, utf8_of(name)));
      tell(listed_words_);
    });
  });
}

void ConversationWorker::remove(ConversationId id) {
  post([this, id] {
    attempt(0, [&] {
      value_or_throw(session().library().remove_conversation(id));
      emit removed(id);
      tell(listed_words_);
    });
  });
}

void ConversationWorker::export_text(RequestId id, ConversationId conversation,
                                     ExportFormat format) {
  post([this, id, conversation, format] {
    attempt(id, [&] {
      const auto view = view_of_conversation(session(), conversation);
      emit exported(id, format == ExportFormat::kJson ? to_json(view) : to_markdown(view));
    });
  });
}

void ConversationWorker::write_file(RequestId id, QString path, QByteArray bytes) {
  post([this, id, path = std::move(path), bytes = std::move(bytes)] {
    QSaveFile file(path);
    const bool done =
        file.open(QIODevice::WriteOnly) && file.write(bytes) == bytes.size() && file.commit();
    if (done) {
      emit written(id, path);
    } else {
      emit failed(
          id, {ErrorCode::kIo, tr("%1 could not be written: %2.").arg(path, file.errorString())});
    }
  });
}

}  // namespace kvlink::desk
