// SPDX-License-Identifier: Apache-2.0
// Session, answers, caches and settings behind the window: a real library, tiny models.
#include <QJsonDocument>
#include <QJsonObject>
#include <filesystem>
#include <set>

#include "tests/ui/desk_fixture.h"

namespace kvlink::ui::tests {

using app::tests::story;
namespace fs = std::filesystem;

class DeskTest : public QObject {
  Q_OBJECT

 private slots:
  void init() {
    fixture_ = std::make_unique<DeskFixture>();
    desk_ = &fixture_->make();
  }
  void cleanup() { fixture_.reset(); }

  void opens_in_the_background_and_says_what_it_has() {
    Inbox states(desk_, &desk::Desk::state_changed);
    Inbox opened(desk_, &desk::Desk::opened);
    desk_->open();
    QVERIFY(desk_->state() == desk::DeskState::kOpening);
    QVERIFY(opened.wait());
    QVERIFY(desk_->state() == desk::DeskState::kReady);
    QCOMPARE(states.count(), 2);
    QVERIFY(desk_->facts().model.has_value());
    QCOMPARE(desk_->facts().model->n_layers, std::int64_t{2});
    QVERIFY(desk_->facts().model->kv_bytes_per_token > 0);
  }

  void shows_documents_without_a_model() {
    const auto document = fixture_->write("otter.md", story("otter", 12));
    QVERIFY(fixture_->open());
    QVERIFY(fixture_->add({document}));
    fixture_->close();
    fs::remove(fixture_->files().paths().models / "tiny.gguf");
    desk_ = &fixture_->make();
    Inbox rows(&desk_->library(), &desk::LibraryWorker::documents_changed);
    QVERIFY(fixture_->open());
    QVERIFY(desk_->state() == desk::DeskState::kNoModel);
    QVERIFY(!desk_->facts().why_no_model.isEmpty());
    QTRY_VERIFY(!rows.is_empty());
    QCOMPARE(rows.last().all->size(), std::size_t{1});
    Inbox refused(&desk_->answers(), &desk::AnswerWorker::answer_failed);
    desk_->answers().ask({.id = 7, .question = "otter?"});
    QTRY_COMPARE(refused.count(), 1);
  }

  void says_that_another_process_has_the_folder() {
    QVERIFY(fixture_->open());
    DeskFixture other;
    desk::DeskOptions options;
    options.paths = fixture_->files().paths();
    desk::Desk second(std::move(options));
    Inbox failed(&second, &desk::Desk::failed);
    second.open();
    QVERIFY(failed.wait());
    QVERIFY(failed.last().code == ErrorCode::kBusy);
    QVERIFY(second.state() == desk::DeskState::kFailed);
  }

  void answers_with_sources_before_text() {
    const auto document = fixture_->write("otter.md", story("otter", 30));
    QVERIFY(fixture_->open());
    QVERIFY(fixture_->add({document}));
    QStringList order;
    auto& answers = desk_->answers();
    connect(&answers, &desk::AnswerWorker::sources_ready, this, [&] { order += "sources"; });
    connect(&answers, &desk::AnswerWorker::blocks_looked_up, this, [&] { order += "blocks"; });
    connect(&answers, &desk::AnswerWorker::text_appended, this, [&](const desk::AnswerText& text) {
      if (text.is_first) order += "text";
    });
    Inbox finished(&answers, &desk::AnswerWorker::finished);
    Inbox looked_up(&answers, &desk::AnswerWorker::blocks_looked_up);
    Inbox asked(&answers, &desk::AnswerWorker::asked);
    answers.ask({.id = 5, .question = "What has the otter?"});
    QCOMPARE(asked.count(), 1);  // before anything else happens
    QVERIFY(finished.wait());
    const auto answer = finished.last();
    order.removeDuplicates();  // blocks may come in several batches
    QCOMPARE(order, (QStringList{"sources", "blocks", "text"}));
    QCOMPARE(answer.id, desk::RequestId{5});
    std::set<std::int64_t> places;
    for (const auto& [events] : looked_up.all()) {
      for (const auto& event : events) {
        QCOMPARE(event.document, desk::DocumentId{1});
        places.insert(event.ordinal);
      }
    }
    QCOMPARE(places.size(), answer.passages.size());
    QVERIFY(answer.conversation != 0);
    QVERIFY(!answer.passages.empty());
    QCOMPARE(answer.passages.front().path, document);
    QVERIFY(answer.timeline.ttft().has_value());
    QCOMPARE(answer.reading.n_document_tokens_prefilled, std::int64_t{0});

    answers.ask({.id = 6,
                 .question = "What has the otter?",
                 .without_cache = true,
                 .conversation = answer.conversation,
                 .keep = false});
    QVERIFY(finished.wait());
    const auto cold = finished.last();
    QCOMPARE(cold.conversation, desk::ConversationId{0});
    QVERIFY(cold.reading.n_document_tokens_prefilled > 0);
  }

  void stops_at_once_whether_it_runs_or_waits() {
    const auto document = fixture_->write("otter.md", story("otter", 30));
    desk_ = &fixture_->make([](app::Settings& settings) { settings.max_answer_tokens = 1500; });
    QVERIFY(fixture_->open());
    QVERIFY(fixture_->add({document}));
    auto& answers = desk_->answers();
    Inbox text(&answers, &desk::AnswerWorker::text_appended);
    Inbox finished(&answers, &desk::AnswerWorker::finished);
    auto held = std::make_unique<HeldAnswer>(answers, &desk::AnswerWorker::text_appended);
    answers.ask({.id = 1, .question = "What has the otter?"});
    answers.ask({.id = 2, .question = "What has the otter?"});
    answers.stop(2);
    QTRY_VERIFY_WITH_TIMEOUT(!text.is_empty(), kPatienceMs);
    answers.stop(1);
    held.reset();
    QTRY_COMPARE_WITH_TIMEOUT(finished.count(), 2, kPatienceMs);
    const auto first = finished.at<0>(0);
    const auto second = finished.at<0>(1);
    QCOMPARE(first.id, desk::RequestId{1});
    QVERIFY(first.end == app::AnswerEnd::kStopped);
    QVERIFY(first.n_tokens < 1500);
    QVERIFY(second.end == app::AnswerEnd::kStopped);
    QVERIFY(second.text.isEmpty());
  }

  void keeps_renames_finds_and_exports_conversations() {
    const auto document = fixture_->write("otter.md", story("otter", 30));
    QVERIFY(fixture_->open());
    QVERIFY(fixture_->add({document}));
    auto& answers = desk_->answers();
    Inbox finished(&answers, &desk::AnswerWorker::finished);
    auto& conversations = desk_->conversations();
    Inbox listed(&conversations, &desk::ConversationWorker::changed);
    answers.ask({.id = 1, .question = "What has the otter?"});
    QVERIFY(finished.wait());
    const auto id = finished.last().conversation;
    conversations.rename(id, "Brown animals");
    conversations.list("BROWN");
    QTRY_VERIFY(!listed.is_empty() && listed.last<1>() == "BROWN");
    const auto rows = listed.last<0>();
    QCOMPARE(rows.size(), std::size_t{1});
    QCOMPARE(rows.front().name, QStringLiteral("Brown animals"));

    Inbox opened(&conversations, &desk::ConversationWorker::opened);
    conversations.open(id);
    QVERIFY(opened.wait());
    const auto view = opened.last();
    QCOMPARE(view.turns.size(), std::size_t{1});
    QVERIFY(!view.turns.front().passages.empty());

    Inbox exported(&conversations, &desk::ConversationWorker::exported);
    conversations.export_text(1, id, desk::ConversationWorker::ExportFormat::kJson);
    conversations.export_text(2, id, desk::ConversationWorker::ExportFormat::kMarkdown);
    QTRY_COMPARE(exported.count(), 2);
    const auto json = QJsonDocument::fromJson(exported.at<1>(0)).object();
    QCOMPARE(json["name"].toString(), QStringLiteral("Brown animals"));
    QVERIFY(exported.at<1>(1).contains("What has the otter?"));

    conversations.remove(id);
    Inbox failed(&conversations, &desk::ConversationWorker::failed);
    conversations.open(id);
    QVERIFY(failed.wait());
  }

  void conversations_do_not_wait_for_an_answer() {
    const auto document = fixture_->write("otter.md", story("otter", 30));
    QVERIFY(fixture_->open());
    QVERIFY(fixture_->add({document}));
    auto& answers = desk_->answers();
    auto& conversations = desk_->conversations();
    Inbox finished(&answers, &desk::AnswerWorker::finished);
    answers.ask({.id = 1, .question = "What has the otter?"});
    QVERIFY(finished.wait());
    const auto id = finished.last().conversation;
    Inbox text(&answers, &desk::AnswerWorker::text_appended);
    Inbox opened(&conversations, &desk::ConversationWorker::opened);
    Inbox listed(&conversations, &desk::ConversationWorker::changed);
    Inbox exported(&conversations, &desk::ConversationWorker::exported);
    {
      const HeldAnswer held(answers, &desk::AnswerWorker::text_appended);
      answers.ask({.id = 2, .question = "What has the otter?"});
      QTRY_VERIFY_WITH_TIMEOUT(!text.is_empty(), kPatienceMs);
      conversations.open(id);
      conversations.rename(id, "Brown animals");
      conversations.export_text(3, id, desk::ConversationWorker::ExportFormat::kMarkdown);
      QVERIFY(exported.wait());
      QCOMPARE(finished.count(), 1);
    }
    QCOMPARE(opened.last().id, id);
    QCOMPARE(listed.last<0>().back().name, QStringLiteral("Brown animals"));
    QTRY_COMPARE_WITH_TIMEOUT(finished.count(), 2, kPatienceMs);
    QTRY_COMPARE_WITH_TIMEOUT(listed.last<0>().size(), std::size_t{2}, kPatienceMs);
  }

  void inspects_pins_evicts_and_verifies_blocks() {
    const auto otter = fixture_->write("otter.md", story("otter", 40));
    QVERIFY(fixture_->open());
    QVERIFY(fixture_->add({otter}));
    auto& cache = desk_->cache();
    Inbox taken(&cache, &desk::CacheWorker::snapshot_ready);
    Inbox done(&cache, &desk::CacheWorker::done);
    cache.take_snapshot(1);
    QVERIFY(taken.wait());
    const auto snapshot = taken.last<1>();
    QVERIFY(snapshot->blocks.size() > 1);
    QCOMPARE(snapshot->blocks.front().document, desk::DocumentId{1});
    QVERIFY(!snapshot->blocks.front().stale);

    cache.pin(2, {.ids = {snapshot->blocks.front().row.id}}, true);
    cache.verify(3, {.all = true});
    cache.evict(4, {.documents = {1}}, false);
    QTRY_COMPARE_WITH_TIMEOUT(done.count(), 3, kPatienceMs);
    const auto n = static_cast<std::int64_t>(snapshot->blocks.size());
    QCOMPARE(done.at<0>(0).n_blocks, std::int64_t{1});
    QCOMPARE(done.at<0>(1).n_blocks, n);
    QCOMPARE(done.at<0>(1).n_damaged, std::int64_t{0});
    QCOMPARE(done.at<0>(2).n_blocks, n - 1);

    Inbox finished(&desk_->ingest(), &desk::IngestWorker::finished);
    desk_->ingest().encode(5, {1});
    QVERIFY(finished.wait());
    QCOMPARE(finished.last<1>().n_blocks_made, n - 1);
  }

  void loads_documents_into_memory_when_asked() {
    const auto document = fixture_->write("otter.md", story("otter", 30));
    QVERIFY(fixture_->open());
    QVERIFY(fixture_->add({document}));
    Inbox warmed(&desk_->prefetch(), &desk::PrefetchWorker::warmed);
    Inbox listed(&desk_->library(), &desk::LibraryWorker::documents_changed);
    desk_->prefetch().warm(7, {1});
    QVERIFY(warmed.wait());
    QVERIFY(warmed.last<1>() > 1);
    QCOMPARE(warmed.last<2>(), qint64{0});
    Inbox taken(&desk_->cache(), &desk::CacheWorker::snapshot_ready);
    desk_->cache().take_snapshot(8);
    QVERIFY(taken.wait());
    for (const auto& block : taken.last<1>()->blocks) QVERIFY(block.row.in_memory);
    // And the list says so.
    const auto is_warm = [&] {
      for (const auto& [change] : listed.all()) {
        for (const auto& row : change.changed) {
          if (row.stage == desk::DocumentStage::kWarm) return true;
        }
      }
      return false;
    };
    QTRY_VERIFY_WITH_TIMEOUT(is_warm(), kPatienceMs);
  }

  void applies_settings_by_opening_anew() {
    const auto otter = fixture_->write("otter.md", story("otter", 20));
    QVERIFY(fixture_->open());
    QVERIFY(fixture_->add({otter}));
    app::Settings settings = desk_->facts().settings;
    settings.eviction = cache::Eviction::kLru;
    Inbox estimated(&desk_->settings(), &desk::SettingsWorker::effect_estimated);
    app::Settings stale = settings;
    stale.block_dtype = DType::kQ8Kv;
    desk_->settings().estimate(1, stale);
    QVERIFY(estimated.wait());
    QVERIFY(estimated.last().n_stale_blocks > 0);

    Inbox opened(desk_, &desk::Desk::opened);
    desk_->apply_settings(settings);
    QVERIFY(opened.wait());
    QVERIFY(desk_->facts().settings.eviction == cache::Eviction::kLru);
    QVERIFY(fs::exists(fixture_->files().paths().settings_file()));
    settings.chunks_per_answer = -1;
    Inbox failed(desk_, &desk::Desk::failed);
    desk_->apply_settings(settings);
    QCOMPARE(failed.count(), 1);
    QVERIFY(desk_->state() == desk::DeskState::kReady);
  }

  void reads_ahead_while_somebody_types() {
    const auto otter = fixture_->write("otter.md", story("otter", 40));
    QVERIFY(fixture_->open());
    QVERIFY(fixture_->add({otter}));
    Inbox ahead(&desk_->prefetch(), &desk::PrefetchWorker::prefetched);
    desk_->prefetch().prefetch(1, "What has the otter", {});
    QVERIFY(ahead.wait());
    const auto report = ahead.last();
    QVERIFY(report.n_blocks > 0);
    Inbox finished(&desk_->answers(), &desk::AnswerWorker::finished);
    desk_->answers().ask({.id = 1, .question = "What has the otter"});
    QVERIFY(finished.wait());
    QCOMPARE(finished.last().reading.n_blocks_from_disk, std::int64_t{0});
  }

 private:
  std::unique_ptr<DeskFixture> fixture_;
  desk::Desk* desk_ = nullptr;
};

}  // namespace kvlink::ui::tests

QTEST_GUILESS_MAIN(kvlink::ui::tests::DeskTest)
#include "desk_test.moc"
