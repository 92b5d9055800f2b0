// SPDX-License-Identifier: Apache-2.0
// The real window with the default models over pages of the guide: every panel says what happened.
#include <QLabel>
#include <QTabWidget>
#include <QTableView>

#include "tests/ui/model_window.h"
#include "ui/ask/clock_pair.h"
#include "ui/ask/inline_message.h"
#include "ui/ask/passage_list.h"
#include "ui/ask/source_view.h"
#include "ui/inspect/cache_view.h"
#include "ui/inspect/model_table.h"
#include "ui/inspect/settings_panel.h"
#include "ui/inspect/timing_view.h"
#include "ui/library/library_panel.h"

namespace kvlink::ui::tests {

class LivePanelsTest : public ModelWindow {
  Q_OBJECT

 public:
  LivePanelsTest() : ModelWindow(24) {}

 private slots:
  void initTestCase() {
    if (!has_models()) QSKIP("the default models are not fetched (./run)");
    open();
    const QString guide = qEnvironmentVariable("KVLINK_SOURCE_DIR") + "/resources/guide/";
    window_->library().start(
        {.paths = {guide + "05-kv-caches.md", guide + "09-privacy.md", guide + "13-budgets.md"}});
    QTRY_COMPARE_WITH_TIMEOUT(window_->library().model().counts().n_ready, 3, kPatienceMs);
  }
  void cleanupTestCase() { close(); }
  void init() { window_->ask().new_conversation(); }

  void a_question_is_answered_from_its_sources_and_timed() {
    const auto summary = ask("What is a KV cache?");
    QVERIFY(!summary.passages.empty());
    QCOMPARE(summary.reading.n_document_tokens_prefilled, std::int64_t{0});
    auto* turn = last_turn();
    QVERIFY(!turn->answer().isEmpty());
    QVERIFY(turn->findChild<QLabel*>("meta")->text().contains("TTFT"));
    // Timing: the frozen clock is the Timeline's, every bar has its numbers.
    const auto& timing = window_->findChild<TimingView*>()->history().questions().back();
    const auto ttft = std::chrono::duration<double, std::milli>(*summary.timeline.ttft()).count();
    QCOMPARE(timing.ttft_ms.value_or(0), ttft);
    double sum = 0;
    for (const auto& bar : timing.bars) sum += bar.total_ms;
    QVERIFY2(sum > 0 && sum <= 1.5 * ttft, qPrintable(QString::number(sum)));
    // Source: the passage, marked.
    turn->findChildren<PassageRow*>().front()->click();
    auto* source = window_->findChild<SourceView*>();
    QTRY_VERIFY_WITH_TIMEOUT(!source->marked_text().isEmpty(), kPatienceMs);
    // The file's own text, with the marks of Markdown that a passage has not.
    QString marked = source->marked_text();
    marked.remove('#');
    QVERIFY2(marked.simplified().startsWith(summary.passages.front().text.simplified().left(60)),
             qPrintable(marked.left(200)));
  }

  void the_cache_tab_shows_every_block() {
    window_->findChild<QAction*>("showCache")->trigger();
    auto* table = window_->findChild<CacheView*>()->findChild<QTableView*>();
    Inbox taken(&desk_->cache(), &desk::CacheWorker::snapshot_ready);
    desk_->cache().take_snapshot(desk::next_request_id());
    QVERIFY(taken.wait());
    const auto n_blocks = static_cast<int>(taken.last<1>()->blocks.size());
    QVERIFY(n_blocks > 3);
    QTRY_COMPARE_WITH_TIMEOUT(table->model()->rowCount(), n_blocks, kPatienceMs);
  }

  void a_question_about_nothing_shows_what_is_near_and_answers_only_when_told() {
    const auto nothing = ask("Wie heisst der Vulkan auf Hawaii?");
    QVERIFY(nothing.end == app::AnswerEnd::kNothingFound);
    QVERIFY(!nothing.nearest.empty());
    auto* turn = last_turn();
    QVERIFY(turn->findChildren<PassageRow*>().front()->detail() == PassageDetail::kNearest);
    Inbox finished(&desk_->answers(), &desk::AnswerWorker::finished);
    turn->findChild<QPushButton*>("answerFromNearest")->click();
    QVERIFY(finished.wait());
    const auto anyway = finished.last();
    QVERIFY(anyway.end != app::AnswerEnd::kNothingFound);
    QCOMPARE(anyway.passages.size(), nothing.nearest.size());
    bool warned = false;
    for (const auto* message : last_turn()->findChildren<InlineMessage*>()) {
      warned |= message->isVisible() && message->text().contains("nearest");
    }
    QVERIFY(warned);
  }

  void typing_reads_ahead_and_says_what_that_was_good_for() {
    close();
    open();  // nothing is in memory now
    Inbox ahead(&desk_->prefetch(), &desk::PrefetchWorker::prefetched);
    type("How large is the disk budget for caches?");
    QVERIFY(ahead.wait());
    QTRY_VERIFY_WITH_TIMEOUT(ahead.last().text.contains("caches?"), kPatienceMs);
    QVERIFY(window_->ask().conversation() != 0);  // a follow-up: both search with what was before
    double reading = 0;
    std::int64_t n_read = 0;
    for (const auto& [report] : ahead.all()) {
      n_read += static_cast<std::int64_t>(report.read.size());
      for (const auto& read : report.read) reading += read.milliseconds;
    }
    QVERIFY(n_read > 0 && reading > 0);
    const auto summary = send();
    QCOMPARE(summary.reading.n_blocks_from_disk, std::int64_t{0});
    const QString meta = last_turn()->findChild<QLabel*>("meta")->text();
    QVERIFY2(meta.contains("read ahead"), qPrintable(meta));
    const auto& timing = window_->findChild<TimingView*>()->history().questions().back();
    QVERIFY(timing.read_ahead.contains("read ahead"));
    // Everything is in memory now: the next question owes nothing to typing.
    ask("How large is the disk budget for caches?");
    QVERIFY(!last_turn()->findChild<QLabel*>("meta")->text().contains("read ahead"));
  }

  void both_clocks_are_measured() {
    ask("Does KVLink send anything over the network?");
    auto* turn = last_turn();
    Inbox finished(&desk_->answers(), &desk::AnswerWorker::finished);
    for (auto* button : turn->findChildren<QPushButton*>()) {
      if (button->text() == "Answer without cache") button->click();
    }
    QVERIFY(finished.wait());
    QVERIFY(finished.last().without_cache);
    auto* clocks = turn->findChild<ClockPair*>();
    QTRY_VERIFY(clocks->isVisible() && clocks->cold_ms());
    const auto& questions = window_->findChild<TimingView*>()->history().questions();
    QVERIFY(questions.back().without_cache);
    QVERIFY(!clocks->verdict().isEmpty());
    QVERIFY(!clocks->verdict().contains("estimated"));
  }

  void the_models_page_knows_models_by_their_headers() {
    window_->findChild<QAction*>("settings")->trigger();
    auto* models = window_->findChild<ModelTable*>();
    const auto text = [&](int column) {
      for (int row = 0; row < models->rowCount(); ++row) {
        if (models->item(row).in_use) {
          return models->index(row, column).data().toString();
        }
      }
      return QString();
    };
    QTRY_COMPARE_WITH_TIMEOUT(text(ModelTable::kKv), QString("23.0 MB"), kPatienceMs);
    QCOMPARE(text(ModelTable::kContext), QString("8,192"));
    QVERIFY(QStringList({"yes", "no"}).contains(text(ModelTable::kAdapter)));
    QVERIFY(!text(ModelTable::kMemory).isEmpty());
    window_->findChild<QAction*>("settings")->trigger();
  }

  void a_change_that_encodes_again_says_so_first() {
    Inbox estimated(&desk_->settings(), &desk::SettingsWorker::effect_estimated);
    auto settings = desk_->facts().settings;
    settings.system_prompt += " Be brief.";
    desk_->settings().estimate(1, settings);
    QVERIFY(estimated.wait());
    QVERIFY(estimated.last().n_stale_blocks > 3);
    QVERIFY(estimated.last().n_tokens > 500);
    QVERIFY(estimated.last().measured && estimated.last().seconds > 0);
  }

 private:
  desk::AnswerSummary ask(const char* words) {
    type(QString::fromLatin1(words));
    return send();
  }
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::LivePanelsTest)
#include "live_panels_test.moc"
