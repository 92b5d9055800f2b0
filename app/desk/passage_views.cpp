// SPDX-License-Identifier: Apache-2.0
#include "app/desk/passage_views.h"

#include <QDateTime>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <map>

#include "app/place_words.h"

namespace kvlink::desk {
namespace {

PassageView passage_of(const retrieval::StoredChunk& chunk, std::int64_t number, QString path) {
  PassageView view;
  view.number = number;
  view.chunk = chunk.id;
  view.document = chunk.document;
  view.path = std::move(path);
  view.title = text_of(chunk.title);
  view.heading = text_of(chunk.chunk.heading);
  view.text = text_of(chunk.chunk.text);
  const auto& anchor = chunk.chunk.anchor;
  if (anchor.place == retrieval::PlaceKind::kLine) {
    view.line_begin = anchor.line_begin;
    view.line_end = anchor.line_end;
    return view;
  }
  const QString place = text_of(app::place_in_words(anchor));
  view.heading += view.heading.isEmpty() ? place : QStringLiteral(" \u00B7 ") + place;
  return view;
}

QString place_of(const PassageView& passage) {
  if (passage.line_begin <= 0) return passage.path + QStringLiteral(", ") + passage.heading;
  return QStringLiteral("%1, lines %2–%3")
      .arg(passage.path)
      .arg(passage.line_begin)
      .arg(passage.line_end);
}

}  // namespace

PassageView passage_of(const app::Source& source) {
  PassageView view = passage_of(source.chunk, source.number, text_of(source.path));
  view.score = source.score;
  view.in_context = source.in_context;
  return view;
}

std::vector<PassageView> passages_of(const std::vector<app::Source>& sources) {
  std::vector<PassageView> views;
  for (const auto& source : sources) views.push_back(passage_of(source));
  return views;
}

ConversationView view_of_conversation(app::Session& session, ConversationId id) {
  const auto stored = value_or_throw(session.library().conversation(id));
  std::map<DocumentId, QString> paths;
  for (const auto& document : value_or_throw(session.library().documents())) {
    paths[document.id] = text_of(document.path);
  }
  ConversationView view{.id = id, .name = text_of(stored.name), .turns = {}};
  for (const auto& turn : stored.turns) {
    ConversationTurn shown;
    shown.question = text_of(turn.question);
    shown.answer = text_of(turn.answer);
    shown.mode = text_of(turn.mode);
    shown.timeline_json = text_of(turn.timeline_json);
    shown.created_unix = turn.created_unix;
    for (std::size_t i = 0; i < turn.sources.size(); ++i) {
      const auto chunk = value_or_throw(session.library().chunk(turn.sources[i]));
      if (!chunk) continue;
      const auto number = static_cast<std::int64_t>(i) + 1;
      shown.passages.push_back(passage_of(*chunk, number, paths[chunk->document]));
    }
    view.turns.push_back(std::move(shown));
  }
  return view;
}

QByteArray to_markdown(const ConversationView& conversation) {
  QString text = QStringLiteral("# %1\n").arg(conversation.name);
  for (const auto& turn : conversation.turns) {
    text += QStringLiteral("\n## %1\n\n%2\n").arg(turn.question.simplified(), turn.answer);
    if (!turn.passages.empty()) text += QLatin1Char('\n');
    for (const auto& passage : turn.passages) {
      text += QStringLiteral("[%1] %2: %3\n")
                  .arg(QString::number(passage.number), passage.title, place_of(passage));
    }
  }
  return text.toUtf8();
}

QByteArray to_json(const ConversationView& conversation) {
  QJsonArray turns;
  for (const auto& turn : conversation.turns) {
    QJsonArray passages;
    for (const auto& passage : turn.passages) {
      passages.append(QJsonObject{{"number", qint64(passage.number)},
                                  {"path", passage.path},
                                  {"title", passage.title},
                                  {"heading", passage.heading},
                                  {"line_begin", qint64(passage.line_begin)},
                                  {"line_end", qint64(passage.line_end)},
                                  {"text", passage.text}});
    }
    const auto created = QDateTime::fromSecsSinceEpoch(turn.created_unix, Qt::UTC);
    turns.append(
        QJsonObject{{"question", turn.question},
                    {"answer", turn.answer},
                    {"mode", turn.mode},
                    {"created", created.toString(Qt::ISODate)},
                    {"timeline", QJsonDocument::fromJson(turn.timeline_json.toUtf8()).object()},
                    {"passages", passages}});
  }
  return QJsonDocument(QJsonObject{{"name", conversation.name}, {"turns", turns}}).toJson();
}

}  // namespace kvlink::desk
