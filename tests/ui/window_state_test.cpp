// SPDX-License-Identifier: Apache-2.0
// What the window finds again: state, draft, history of times; and what it makes of damaged files.
#include <QDir>
#include <QFileInfo>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QPlainTextEdit>
#include <QSettings>
#include <QSplitter>
#include <QTimer>

#include "tests/ui/window_fixture.h"
#include "ui/ask/turn_widget.h"
#include "ui/inspect/timing_panel.h"
#include "ui/inspect/timing_record.h"
#include "ui/inspect/timing_view.h"

namespace kvlink::ui::tests {

class WindowStateTest : public QObject {
  Q_OBJECT

 private slots:
  void init() { window_ = std::make_unique<WindowFixture>(); }
  void cleanup() { window_.reset(); }

  void a_killed_window_loses_nothing_it_showed() {
    QVERIFY(window_->open());
    QVERIFY(window_->add({"otter.md", "seal.md"}));
    ask("otter?");
    const auto conversation = window_->window().ask().conversation();
    window_->model().set_checked({2});
    type("half a question");
    // As much as a process that is killed now would leave behind: close() was not called.
    QTRY_COMPARE_WITH_TIMEOUT(kept("session/conversation").toLongLong(), conversation, kPatienceMs);
    QTRY_COMPARE_WITH_TIMEOUT(kept("session/draft").toString(), QString("half a question"),
                              kPatienceMs);
    QTRY_COMPARE_WITH_TIMEOUT(kept("session/scope").toStringList().size(), 1, kPatienceMs);
    QVERIFY(window_->open());
    QTRY_COMPARE_WITH_TIMEOUT(window_->window().ask().conversation(), conversation, kPatienceMs);
    QTRY_COMPARE(window_->window().ask().findChildren<TurnWidget*>().size(), 1);
    QCOMPARE(window_->window().ask().draft(), QString("half a question"));
    QTRY_COMPARE(window_->model().checked(), std::vector<desk::DocumentId>{2});
  }

  void a_question_asked_while_the_library_opens_is_answered() {
    QVERIFY(window_->open());
    QVERIFY(window_->add({"otter.md"}));
    ask("otter?");
    const auto before = window_->window().ask().conversation();
    QTimer::singleShot(0, this, [this] {
      type("sooner");
      QTest::keyClick(window_->window().ask().findChild<QPlainTextEdit*>(), Qt::Key_Return);
    });
    QVERIFY(window_->open());
    QTRY_VERIFY_WITH_TIMEOUT(!window_->window().ask().is_answering(), kPatienceMs);
    const auto turns = window_->window().ask().findChildren<TurnWidget*>();
    QCOMPARE(turns.size(), 1);
    QCOMPARE(turns.front()->request().question, QString("sooner"));
    QVERIFY(window_->window().ask().conversation() > before);
  }

  void what_was_paused_waits_at_the_next_start_and_is_not_lost() {
    QVERIFY(window_->open());
    QVERIFY(window_->add({"otter.md"}));
    window_->desk().ingest().pause();
    window_->library().start(
        {.paths = {window_->desk_fixture().write("seal.md", app::tests::story("seal", 12))}});
    Inbox evicted(&window_->desk().cache(), &desk::CacheWorker::done);
    window_->desk().cache().evict(1, {.all = true}, true);
    QVERIFY(evicted.wait());
    window_->desk().ingest().encode(desk::next_request_id(), {});
    QTRY_VERIFY_WITH_TIMEOUT(kept("session/paused").toBool(), kPatienceMs);
    QTRY_VERIFY_WITH_TIMEOUT(kept("session/unfinished_runs").toByteArray().contains("encode"),
                             kPatienceMs);
    QVERIFY(window_->open());
    QVERIFY(window_->desk().ingest().is_paused());
    QTest::qWait(100);
    QCOMPARE(window_->counts().n_ready, 0);
    window_->desk().ingest().resume();
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_ready, 2, kPatienceMs);
    QTRY_VERIFY_WITH_TIMEOUT(!kept("session/paused").toBool(), kPatienceMs);
    QTRY_VERIFY_WITH_TIMEOUT(!kept("session/unfinished_runs").toByteArray().contains("encode"),
                             kPatienceMs);
  }

  void what_fails_is_told_once() {
    QVERIFY(window_->open());
    auto settings = window_->desk().facts().settings;
    settings.max_answer_tokens = -1;
    window_->desk().apply_settings(settings);
    QCOMPARE(window_->window().banners().texts().size(), 1);
  }

  void splitters_are_where_they_were() {
    QVERIFY(window_->open());
    auto* columns = window_->window().findChild<QSplitter*>("columns");
    columns->setSizes({250, 500, 530});
    const auto sizes = columns->sizes();
    QVERIFY(window_->open());
    QTRY_COMPARE(window_->window().findChild<QSplitter*>("columns")->sizes(), sizes);
  }

  void the_history_of_times_survives_a_restart() {
    QVERIFY(window_->open());
    QVERIFY(window_->add({"otter.md"}));
    ask("otter?");
    ask("and the otter?");
    QCOMPARE(history().questions().size(), std::size_t{2});
    const double ttft = history().questions().front().ttft_ms.value_or(0);
    QVERIFY(window_->open());
    QTRY_COMPARE(history().questions().size(), std::size_t{2});
    QCOMPARE(history().questions().front().question, QString("otter?"));
    QCOMPARE(history().questions().front().ttft_ms.value_or(0), ttft);
    QVERIFY(!history().questions().front().bars.empty());
    ask("once more, otter?");
    QCOMPARE(history().questions().size(), std::size_t{3});
  }

  void a_timing_is_the_same_after_writing_and_reading() {
    QuestionTiming timing;
    timing.question = QStringLiteral("Wo? \u202e<b>");
    timing.asked_unix = 1'790'000'000;
    timing.ttft_ms = 123.25;
    timing.mode = "link";
    timing.model = "abc";
    timing.read_ahead = "3 blocks";
    timing.n_document_tokens = 900;
    timing.n_reused_tokens = 800;
    timing.bytes_read = std::int64_t{5} << 30;
    timing.bars = {{.bar = Bar::kPrefill, .pieces = {{1, 2.5}}, .total_ms = 1.5, .tier = {}}};
    QuestionTiming stopped;
    stopped.question = "stopped";
    const auto kept = kept_timings_of(
        to_json({.model = "abc", .tokens_per_second = 321.5, .questions = {timing, stopped}}));
    QCOMPARE(kept.model, QString("abc"));
    QCOMPARE(kept.tokens_per_second, 321.5);
    QCOMPARE(kept.questions.size(), std::size_t{2});
    const auto& read = kept.questions.front();
    QCOMPARE(read.question, timing.question);
    QCOMPARE(read.ttft_ms.value_or(0), 123.25);
    QCOMPARE(read.bytes_read, timing.bytes_read);
    QCOMPARE(read.bars.size(), std::size_t{1});
    QVERIFY(read.bars[0].bar == Bar::kPrefill);
    QCOMPARE(read.bars[0].pieces[0].end_ms, 2.5);
    QVERIFY(!kept.questions.back().ttft_ms);
  }

  void damaged_timings_are_left_out() {
    QVERIFY(kept_timings_of("{").questions.empty());
    QVERIFY(kept_timings_of("[]").questions.empty());
    const QJsonObject good{{"question", "a"}};
    const QJsonArray questions = {
        good,
        QJsonObject{{"question", "b"}, {"ttft_ms", -5}},
        QJsonObject{{"question", "c"}, {"document_tokens", 1e300}},
        QJsonObject{{"question", "d"}, {"bars", QJsonArray{QJsonObject{{"bar", "no such bar"}}}}},
        QJsonObject{{"question", "e"},
                    {"bars", QJsonArray{QJsonObject{{"bar", "read"},
                                                    {"pieces", QJsonArray{QJsonArray{5, 1}}}}}}},
        7};
    const auto kept = kept_timings_of(
        QJsonDocument(QJsonObject{{"questions", questions}, {"tokens_per_second", -1}}).toJson());
    QCOMPARE(kept.tokens_per_second, 0.0);
    QCOMPARE(kept.questions.size(), std::size_t{1});
    QCOMPARE(kept.questions.front().question, QString("a"));
    QJsonArray many;
    for (int i = 0; i < 500; ++i) many.append(QJsonObject{{"question", QString::number(i)}});
    const auto last =
        kept_timings_of(QJsonDocument(QJsonObject{{"questions", many}}).toJson()).questions;
    QCOMPARE(last.size(), TimingHistory::kCapacity);
    QCOMPARE(last.back().question, QString("499"));
  }

  void a_folder_that_went_away_is_not_made_anew() {
    QVERIFY(window_->open());
    const QDir folder(QFileInfo(window_->state_file()).path() + "/gone");
    Inbox failed(&window_->desk().keeper(), &desk::Keeper::failed);
    window_->desk().keeper().keep_values(folder.filePath("a.ini"), {{"key", 1}});
    window_->desk().keeper().keep_bytes(folder.filePath("b.json"), "{}");
    window_->desk().keeper().keep_values(folder.filePath("a.ini"), {{"key", 2}});
    QVERIFY(failed.wait());
    QTRY_COMPARE(failed.count(), 2);  // one for each file
    QVERIFY(!folder.exists());
    QTRY_VERIFY(window_->banners_text().contains("gone"));
  }

  void what_is_kept_is_for_the_owner_only() {
    QVERIFY(window_->open());
    type("x");
    QTRY_VERIFY_WITH_TIMEOUT(kept("window/geometry").isValid(), kPatienceMs);
    const auto others = QFile::ReadGroup | QFile::WriteGroup | QFile::ReadOther | QFile::WriteOther;
    QTRY_VERIFY(!(QFile::permissions(window_->state_file()) & others));
  }

  void a_damaged_state_file_opens_a_plain_window() {
    QFile file(window_->state_file());
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(
        "[window]\ngeometry=@ByteArray(\\x1\\x2junk)\ncolumns=7\ntab=99\n[session]\n"
        "conversation=123456\nscope=@Invalid()\nunfinished_runs=@ByteArray([{]\n");
    file.close();
    QVERIFY(window_->open());
    QVERIFY(window_->window().isVisible());
    QVERIFY(window_->add({"otter.md"}));
    ask("otter?");
  }

 private:
  QVariant kept(const char* key) {
    return QSettings(window_->state_file(), QSettings::IniFormat).value(QLatin1String(key));
  }

  void type(const char* words) {
    auto* question = window_->window().ask().findChild<QPlainTextEdit*>();
    question->setFocus();
    QTest::keyClicks(question, words);
  }

  void ask(const char* words) {
    Inbox finished(&window_->desk().answers(), &desk::AnswerWorker::finished);
    type(words);
    QTest::keyClick(window_->window().ask().findChild<QPlainTextEdit*>(), Qt::Key_Return);
    QVERIFY(finished.wait());
    QTRY_VERIFY(!window_->window().ask().is_answering());
  }

  const TimingHistory& history() { return window_->window().findChild<TimingView*>()->history(); }

  std::unique_ptr<WindowFixture> window_;
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::WindowStateTest)
#include "window_state_test.moc"
