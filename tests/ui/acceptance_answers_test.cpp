// SPDX-License-Identifier: Apache-2.0
// Acceptance of answers, with the default models and the guide: while documents are read, after a
// restart, over changing documents, stopped at every stage, and with every citation opened.
#include <QAbstractItemView>
#include <QElapsedTimer>
#include <QLabel>
#include <QTabWidget>
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/ui/model_window.h"
#include "ui/ask/passage_list.h"
#include "ui/ask/source_panel.h"
#include "ui/ask/source_view.h"
#include "ui/library/library_panel.h"
#include "ui/theme/colors.h"

namespace kvlink::ui::tests {

namespace fs = std::filesystem;

namespace {

const QString kQuestion = QStringLiteral("Where are the cache files kept?");
/// Far beyond every bound: what is measured is printed beside its aim.
constexpr double kCeilingMs = 10'000;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

std::int64_t computed_tokens(const app::ReadReport& reading) {
  return reading.n_document_tokens_prefilled + reading.n_document_tokens_encoded;
}

}  // namespace

class AcceptanceAnswersTest : public ModelWindow {
  Q_OBJECT

 public:
  AcceptanceAnswersTest() : ModelWindow(48) {}

 private slots:
  void initTestCase() {
    if (!has_models()) QSKIP("the default models are not fetched (./run)");
    const fs::path guide = fs::path(qgetenv("KVLINK_SOURCE_DIR").toStdString()) / "resources/guide";
    fs::create_directories(folder_.path() / "guide");
    int n = 0;
    for (const char* name : {"01-first-steps.md", "05-kv-caches.md", "10-where-files-are-kept.md",
                             "12-document-formats.md", "16-command-line.md"}) {
      fs::copy_file(guide / name, folder_.path() / "guide" / name);
      ++n;
    }
    open();
    Inbox finished(&desk_->ingest(), &desk::IngestWorker::finished);
    desk_->ingest().add(1, {.paths = {path_of("guide")}});
    QVERIFY(finished.wait());
    QCOMPARE(finished.last<1>().n_added, std::int64_t{n});
  }

  void init() {
    if (!desk_) open();
  }
  void cleanup() {
    if (QTest::currentTestFailed()) close();
  }
  void cleanupTestCase() { close(); }

  /// Check 5.
  void a_question_hardly_waits_for_documents_that_are_read() {
    ask(kQuestion);  // what it reads is in memory from here on
    for (int i = 0; i < 60; ++i) {
      std::ofstream(folder_.path() / ("more " + std::to_string(i) + ".md"))
          << app::tests::story("otter number " + std::to_string(i), 40);
    }
    Inbox finished(&desk_->ingest(), &desk::IngestWorker::finished);
    Inbox status(&desk_->ingest(), &desk::IngestWorker::status_changed);
    std::vector<QString> more;
    for (int i = 0; i < 60; ++i) more.push_back(path_of("more " + std::to_string(i) + ".md"));
    desk_->ingest().add(2, {.paths = more});
    const auto phase_begins = [&](desk::IngestState state) {
      return QTest::qWaitFor([&] { return !status.is_empty() && status.last().state == state; },
                             kPatienceMs);
    };
    QVERIFY(phase_begins(desk::IngestState::kIndexing));
    const double indexing = beside_and_alone("indexing");
    QVERIFY(phase_begins(desk::IngestState::kCaching));
    const double caching = beside_and_alone("caching");
    QVERIFY(finished.is_empty());
    QVERIFY(indexing < kCeilingMs && caching < kCeilingMs);
    desk_->ingest().cancel();
    QVERIFY(finished.wait());
  }

  /// Check 6.
  void after_a_restart_no_document_token_is_computed_and_the_screen_says_so() {
    close();
    open();
    const auto answer = ask(kQuestion);
    QVERIFY(answer.reading.n_document_tokens > 50);
    QCOMPARE(computed_tokens(answer.reading), std::int64_t{0});
    QCOMPARE(answer.reading.n_blocks_from_memory, std::int64_t{0});
    QVERIFY(answer.reading.bytes_read > 1'000'000);
    const QString meta = last_turn()->findChild<QLabel*>(QStringLiteral("meta"))->text();
    std::printf("after a restart: %s\n", qPrintable(meta));
    QVERIFY2(meta.contains(QLatin1String("TTFT")), qPrintable(meta));
    QVERIFY2(meta.contains(QLatin1String("% of context from cache")), qPrintable(meta));
    QVERIFY2(said_in_window(QStringLiteral("MB")),
             "the bytes that were read are nowhere to be seen");
  }

  /// Check 7.
  void another_order_or_choice_of_documents_still_hits() {
    const std::vector<std::vector<desk::DocumentId>> scopes = {{1, 2, 3}, {3}, {2, 3}, {5, 3, 1}};
    for (const auto& scope : scopes) {
      const auto answer = ask(kQuestion, scope);
      QVERIFY(answer.reading.n_document_tokens_reused > 0);
      QCOMPARE(computed_tokens(answer.reading), std::int64_t{0});
      QVERIFY(answer.reading.misses.empty());
    }
  }

  /// Check 8.
  void stops_data() {
    QTest::addColumn<QString>("stage");
    for (const char* stage : {"asked", "started", "sources", "stages", "prefill", "text"}) {
      QTest::newRow(stage) << QString::fromLatin1(stage);
    }
  }

  void stops() {
    QFETCH(QString, stage);
    auto& answers = desk_->answers();
    Inbox finished(&answers, &desk::AnswerWorker::finished);
    Inbox started(&answers, &desk::AnswerWorker::started);
    Inbox sources(&answers, &desk::AnswerWorker::sources_ready);
    Inbox stages(&answers, &desk::AnswerWorker::stages_changed);
    Inbox text(&answers, &desk::AnswerWorker::text_appended);
    desk::AskRequest request{.id = desk::next_request_id(),
                             .question = QStringLiteral("Explain every command in detail."),
                             .keep = false};
    const bool reads_anew = stage == QLatin1String("prefill");
    if (reads_anew) {
      request.whole = desk::DocumentId{5};
      request.without_cache = true;
    }
    auto held = hold_at(stage);
    answers.ask(request);
    const auto reached = [&] {
      if (stage == QLatin1String("asked")) return true;
      if (stage == QLatin1String("started")) return !started.is_empty();
      if (stage == QLatin1String("sources")) return !sources.is_empty();
      if (stage == QLatin1String("stages")) return !stages.is_empty();
      if (stage == QLatin1String("text")) return !text.is_empty();
      return !stages.is_empty() && !sources.is_empty();
    };
    QVERIFY(QTest::qWaitFor(reached, kPatienceMs));
    if (reads_anew) QTest::qWait(200);  // well into the prefill
    QVERIFY2(finished.is_empty(), "it was over before it could be stopped");
    QElapsedTimer timer;
    timer.start();
    answers.stop(request.id);
    held.reset();
    QVERIFY(finished.wait());
    std::printf("stop at \"%s\": idle after %lld ms; the aim is 300 ms\n", qPrintable(stage),
                timer.elapsed());
    QVERIFY(finished.last().end == app::AnswerEnd::kStopped);
    QVERIFY(double(timer.elapsed()) < kCeilingMs);
  }

  /// Check 9: today's documents have lines; pages and slides come with their formats.
  void every_citation_opens_its_passage_painted() {
    const auto answer = ask(QStringLiteral("Which two document formats can be added today?"));
    QVERIFY(answer.passages.size() > 1);
    auto* source = window_->findChild<SourceView*>();
    const auto rows = last_turn()->findChildren<PassageRow*>();
    QCOMPARE(rows.size(), static_cast<qsizetype>(answer.passages.size()));
    for (auto* row : rows) {
      QTest::mouseClick(row, Qt::LeftButton);
      QCOMPARE(window_->inspector().currentIndex(), 0);
      const auto& passage = row->passage();
      QTRY_COMPARE_WITH_TIMEOUT(source->marked_line(), passage.line_begin, kPatienceMs);
      QTRY_VERIFY(source->marked_text().contains(last_line(passage.text)));
      QVERIFY2(is_painted(*source), qPrintable(passage.title));
    }
  }

 private:
  /// Keeps an answer at its stage, however late this thread hears of it. Null: the stage is long.
  std::unique_ptr<HeldAnswer> hold_at(const QString& stage) {
    auto& answers = desk_->answers();
    using desk::AnswerWorker;
    if (stage == QLatin1String("asked") || stage == QLatin1String("started")) {
      return std::make_unique<HeldAnswer>(answers, &AnswerWorker::started);
    }
    if (stage == QLatin1String("sources")) {
      return std::make_unique<HeldAnswer>(answers, &AnswerWorker::sources_ready);
    }
    if (stage == QLatin1String("stages")) {
      return std::make_unique<HeldAnswer>(answers, &AnswerWorker::stages_changed);
    }
    if (stage == QLatin1String("text")) {
      return std::make_unique<HeldAnswer>(answers, &AnswerWorker::text_appended);
    }
    return nullptr;
  }

  QString path_of(const std::string& name) const {
    return desk::text_of((folder_.path() / name).string());
  }

  /// Through the window, as a user does.
  desk::AnswerSummary ask(const QString& question,
                          const std::vector<desk::DocumentId>& scope = {}) {
    window_->library().model().set_checked(scope);
    window_->findChild<QAction*>("newQuestion")->trigger();
    type(question);
    return send();
  }

  /// Asks beside the ingestion and while it pauses, by turns: what else the machine does meets both
  /// alike. The median beside it.
  double beside_and_alone(const char* phase) {
    constexpr int kTurns = 5;
    constexpr int kSettleMs = 250;
    std::vector<double> beside, alone;
    for (int i = 0; i < kTurns; ++i) {
      QTest::qWait(kSettleMs);
      beside.push_back(ttft());
      desk_->ingest().pause();
      QTest::qWait(kSettleMs);
      alone.push_back(ttft());
      desk_->ingest().resume();
    }
    const double ms = median(beside);
    std::printf("TTFT alone %.0f ms, while %s %.0f ms (%+.0f %%); the aim is +20 %%\n",
                median(alone), phase, ms, 100 * (ms / median(alone) - 1));
    return ms;
  }

  /// Of a question nothing of which is kept; milliseconds.
  double ttft() {
    Inbox finished(&desk_->answers(), &desk::AnswerWorker::finished);
    desk_->answers().ask({.id = desk::next_request_id(),
                          .question = kQuestion,
                          .scope = {1, 2, 3, 4, 5},
                          .keep = false});
    if (!finished.wait()) return kCeilingMs;
    const auto time = finished.last().timeline.ttft();
    return time ? std::chrono::duration<double, std::milli>(*time).count() : kCeilingMs;
  }

  /// Whether a label, a tooltip or a table of the timing says the words.
  bool said_in_window(const QString& words) {
    window_->inspector().setCurrentIndex(2);
    for (auto* view : window_->inspector().findChildren<QAbstractItemView*>()) {
      const auto* model = view->model();
      for (int row = 0; model != nullptr && row < model->rowCount(); ++row) {
        for (int column = 0; column < model->columnCount(); ++column) {
          if (model->index(row, column).data().toString().contains(words)) return true;
        }
      }
    }
    return false;
  }

  /// A passage of a long table begins with its column names, which stand elsewhere; its end is the
  /// document's.
  static QString last_line(const QString& text) {
    return text.trimmed().section(QLatin1Char('\n'), -1);
  }

  /// Whether the line of the marked passage is painted in the colour of the mark.
  static bool is_painted(SourceView& view) {
    const QColor base = view.palette().color(QPalette::Base);
    const QColor mark = view.extraSelections().front().format.background().color();
    const auto blend = [&](int below, int above) {
      return below + (above - below) * mark.alpha() / 255;
    };
    const QColor expected(blend(base.red(), mark.red()), blend(base.green(), mark.green()),
                          blend(base.blue(), mark.blue()));
    QTextCursor begin = view.extraSelections().front().cursor;
    begin.setPosition(begin.selectionStart());
    const QRect place = view.cursorRect(begin);
    if (!view.viewport()->rect().intersects(place)) return false;
    const QImage picture = view.viewport()->grab().toImage();
    int n = 0;
    for (int y = place.top(); y <= place.bottom() && y < picture.height(); ++y) {
      for (int x = place.left(); x < picture.width(); ++x) {
        const QColor pixel = picture.pixelColor(x, y);
        const int distance = std::abs(pixel.red() - expected.red()) +
                             std::abs(pixel.green() - expected.green()) +
                             std::abs(pixel.blue() - expected.blue());
        n += distance < 8;
      }
    }
    return n > 100;
  }
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::AcceptanceAnswersTest)
#include "acceptance_answers_test.moc"
