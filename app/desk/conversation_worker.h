// SPDX-License-Identifier: Apache-2.0
// The kept conversations, on a thread of their own: the list does not wait for an answer.
#pragma once

#include <QByteArray>
#include <functional>
#include <vector>

#include "app/desk/answer_messages.h"
#include "app/desk/worker.h"

namespace kvlink::desk {

class ConversationWorker : public Worker {
  Q_OBJECT

 public:
  enum class ExportFormat : std::uint8_t { kMarkdown, kJson };

  explicit ConversationWorker(QObject* parent = nullptr) : Worker(parent) {}

  /// Any of these answers with changed, opened, exported, written or failed.
  void list(QString words = {});  ///< those that contain the words; empty: all
  /// The list that was asked for last, again.
  void list_again();
  void open(ConversationId id);
  void rename(ConversationId id, QString name);
  void remove(ConversationId id);
  /// The conversation as text.
  void export_text(RequestId id, ConversationId conversation, ExportFormat format);
  /// Writes bytes to a file the user chose.
  void write_file(RequestId id, QString path, QByteArray bytes);

 signals:
  void changed(const std::vector<kvlink::desk::ConversationRow>& rows, const QString& words);
  void opened(const kvlink::desk::ConversationView& conversation);
  void removed(kvlink::desk::ConversationId id);
  void exported(kvlink::desk::RequestId id, const QByteArray& text);
  void written(kvlink::desk::RequestId id, const QString& path);
  /// `id` is 0 where nobody gave one.
  void failed(kvlink::desk::RequestId id, const kvlink::desk::Problem& problem);

 private:
  void tell(const QString& words);
  std::vector<ConversationRow> find(const QString& words);
  /// Runs `body` with a session; what it throws becomes failed(id).
  void attempt(RequestId id, const std::function<void()>& body);

  QString listed_words_;
};

}  // namespace kvlink::desk
