// SPDX-License-Identifier: Apache-2.0
// The desk without its window, doing one kind of work until it is killed. What it prints was told
// by a signal: the parent holds it to its word. See desk_kill_test.cpp.
//
// Usage: desk_child ingest|answer|evict|settings DATA MODELS DOCUMENTS-FOLDER
#include <QCoreApplication>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "app/desk/desk.h"

namespace {

using namespace kvlink;

void say(const QString& line) {
  std::printf("%s\n", qPrintable(line));
  std::fflush(stdout);
}

/// Reads the folder once: documents are told as they become searchable, blocks with the end.
class Ingest : public QObject {
 public:
  Ingest(desk::Desk& desk, const QString& documents) : QObject(&desk) {
    connect(&desk.ingest(), &desk::IngestWorker::rows_in_progress, this,
            [](const std::vector<desk::DocumentRow>& rows) {
              for (const auto& row : rows) {
                if (row.stage == desk::DocumentStage::kSearchable) say("document " + row.path);
              }
            });
    connect(&desk.ingest(), &desk::IngestWorker::finished, this, [] { say("finished all"); });
    desk.ingest().add(desk::next_request_id(), {.paths = {documents}});
  }
};

/// Asks one question after the other; every block has to be computed anew for each.
class Answer : public QObject {
 public:
  explicit Answer(desk::Desk& desk) : QObject(&desk), desk_(desk) {
    connect(&desk.answers(), &desk::AnswerWorker::finished, this,
            [this](const desk::AnswerSummary& summary) {
              say(QStringLiteral("turn %1").arg(summary.conversation));
              conversation_ = ++n_turns_ % 3 == 0 ? 0 : summary.conversation;
              desk_.cache().evict(desk::next_request_id(), {.all = true}, true);
            });
    connect(&desk.cache(), &desk::CacheWorker::done, this, [this] { ask(); });
    ask();
  }

 private:
  void ask() {
    desk_.answers().ask({.id = desk::next_request_id(),
                         .question = QStringLiteral("What has the boat?"),
                         .conversation = conversation_});
  }

  desk::Desk& desk_;
  desk::ConversationId conversation_ = 0;
  int n_turns_ = 0;
};

/// Caches everything, then pins every other document and evicts the rest, one by one; over again.
class Evict : public QObject {
 public:
  explicit Evict(desk::Desk& desk) : QObject(&desk), desk_(desk) {
    connect(&desk.library(), &desk::LibraryWorker::documents_changed, this,
            [this](const desk::DocumentsChange& change) {
              if (!change.all || !documents_.empty()) return;
              for (const auto& row : *change.all) documents_.push_back(row.id);
              start_over();
            });
    connect(&desk.ingest(), &desk::IngestWorker::finished, this, [this] {
      say(QStringLiteral("cached all"));
      next();
    });
    connect(&desk.cache(), &desk::CacheWorker::done, this,
            [this](const desk::CacheReport& report) { note(report); });
    desk.library().refresh();
  }

 private:
  void start_over() {
    at_ = 0;
    say(QStringLiteral("over again"));
    desk_.cache().pin(desk::next_request_id(), {.all = true}, false);
  }

  void note(const desk::CacheReport& report) {
    if (report.action == desk::CacheAction::kUnpin) {
      desk_.ingest().encode(desk::next_request_id(), {});
      return;
    }
    const char* word = report.action == desk::CacheAction::kPin ? "pinned" : "evicted";
    say(QStringLiteral("%1 %2").arg(QLatin1String(word)).arg(documents_[at_++]));
    next();
  }

  void next() {
    if (at_ == documents_.size()) {
      start_over();
      return;
    }
    const desk::BlockSelection selection{.documents = {documents_[at_]}};
    if (at_ % 2 == 0) {
      desk_.cache().pin(desk::next_request_id(), selection, true);
    } else {
      desk_.cache().evict(desk::next_request_id(), selection, false);
    }
  }

  desk::Desk& desk_;
  std::vector<desk::DocumentId> documents_;
  std::size_t at_ = 0;
};

/// Counts a setting up; each value is told once the desk is open with it.
void change_settings(desk::Desk& desk) {
  auto settings = desk.facts().settings;
  ++settings.max_answer_tokens;
  desk.apply_settings(settings);
}

void begin(desk::Desk& desk, const QString& work, const QString& documents) {
  if (work == QLatin1String("ingest")) new Ingest(desk, documents);
  if (work == QLatin1String("answer")) new Answer(desk);
  if (work == QLatin1String("evict")) new Evict(desk);
}

}  // namespace

int main(int argc, char** argv) {
  QCoreApplication application(argc, argv);
  const QStringList arguments = QCoreApplication::arguments();
  if (arguments.size() != 5) return 2;
  const QString work = arguments[1];
  desk::DeskOptions options;
  options.paths = {.data = arguments[2].toStdString(), .models = arguments[3].toStdString()};
  desk::Desk desk(std::move(options));
  const auto give_up = [](const QString& why) {
    say("failed " + why);
    std::_Exit(1);
  };
  QObject::connect(&desk, &desk::Desk::failed,
                   [=](const desk::Problem& problem) { give_up(problem.message); });
  QObject::connect(&desk.answers(), &desk::AnswerWorker::answer_failed,
                   [=](const desk::AnswerFailure& why) { give_up(why.problem.message); });
  bool begun = false;
  QObject::connect(&desk, &desk::Desk::opened, [&](const desk::DeskFacts& facts) {
    say(QStringLiteral("open %1").arg(facts.settings.max_answer_tokens));
    if (work == QLatin1String("settings")) change_settings(desk);
    if (!std::exchange(begun, true)) begin(desk, work, arguments[4]);
  });
  desk.open();
  return QCoreApplication::exec();
}
