// SPDX-License-Identifier: Apache-2.0
// The workers behind the window, on a real library with tiny models and no window.
#include <QFile>
#include <QJsonDocument>
#include <QJsonObject>
#include <filesystem>

#include "tests/ui/desk_fixture.h"

namespace kvlink::ui::tests {

using app::tests::story;
using desk::DocumentStage;
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

  void pre_scans_a_folder_by_type() {
    fixture_->write("a.md", story("otter", 12));
    fixture_->write("deep/b.txt", story("seal", 12));
    fixture_->write("deep/c.txt", story("crab", 12));
    fixture_->write("picture.png", "not text");
    fixture_->write(".hidden.md", "x");
    QVERIFY(fixture_->open());
    Inbox scanned(&desk_->library(), &desk::LibraryWorker::pre_scanned);
    const QString folder = desk::text_of(fixture_->files().document("").string());
    desk_->library().pre_scan(3, {folder});
    QVERIFY(scanned.wait());
    const auto scan = scanned.last();
    QCOMPARE(scan.id, desk::RequestId{3});
    QCOMPARE(scan.n_files, std::int64_t{3});
    QCOMPARE(scan.n_unsupported, std::int64_t{1});
    QCOMPARE(scan.n_hidden, std::int64_t{1});
    QCOMPARE(scan.types.size(), std::size_t{3});
    QCOMPARE(scan.types[0].suffix, QStringLiteral(".txt"));
    QCOMPARE(scan.types[0].n_files, std::int64_t{2});
    QVERIFY(!scan.types[2].supported);
    QVERIFY(scan.index_seconds > 0 && scan.kv_bytes > 0 && !scan.measured);
  }

  void adds_documents_and_tells_their_stages() {
    const auto document = fixture_->write("otter.md", story("otter", 30));
    const auto bad = fixture_->write("bad.md", std::string("\0\1\2\3", 4));
    QVERIFY(fixture_->open());
    Inbox changes(&desk_->library(), &desk::LibraryWorker::documents_changed);
    Inbox finished(&desk_->ingest(), &desk::IngestWorker::finished);
    Inbox progress(&desk_->ingest(), &desk::IngestWorker::rows_in_progress);
    QVERIFY(fixture_->add({document, bad}));
    std::set<DocumentStage> stages;
    const auto final_stage = [&](const QString& path) {
      std::optional<DocumentStage> stage;
      for (const auto& signal : changes.all()) {
        const auto& change = std::get<0>(signal);
        auto rows = change.changed;
        if (change.all) rows.insert(rows.end(), change.all->begin(), change.all->end());
        for (const auto& row : rows) {
          if (row.path != path) continue;
          stage = row.stage;
          stages.insert(row.stage);
        }
      }
      return stage;
    };
    // Just encoded, its blocks are on disk; they are in memory once a question has read them.
    QTRY_VERIFY_WITH_TIMEOUT(final_stage(document) == DocumentStage::kReady, kPatienceMs);
    QVERIFY(final_stage(bad) == DocumentStage::kFailed);
    // Stages that pass within a batch need not be shown, but they are told.
    for (const auto& [rows] : progress.all()) {
      for (const auto& row : rows) stages.insert(row.stage);
    }
    for (const auto stage : {DocumentStage::kQueued, DocumentStage::kReading,
                             DocumentStage::kSearchable, DocumentStage::kCaching}) {
      QVERIFY2(stages.contains(stage), qPrintable(QString::number(int(stage))));
    }
    const auto summary = finished.last<1>();
    QCOMPARE(summary.n_added, std::int64_t{1});
    QCOMPARE(summary.n_failed, std::int64_t{1});
    QVERIFY(summary.n_blocks_made > 0);
  }

  void leaves_excluded_types_out() {
    fixture_->write("a.md", story("otter", 6));
    fixture_->write("b.txt", story("seal", 6));
    QVERIFY(fixture_->open());
    Inbox finished(&desk_->ingest(), &desk::IngestWorker::finished);
    const QString folder = desk::text_of(fixture_->files().document("").string());
    desk_->ingest().add(1, {.paths = {folder}, .excluded_suffixes = {".txt"}});
    QVERIFY(finished.wait());
    QCOMPARE(finished.last<1>().n_added, std::int64_t{1});
  }

  void pauses_goes_on_and_cancels() {
    for (int i = 0; i < 40; ++i) {
      fixture_->write(("d" + std::to_string(i) + ".md").c_str(), story("otter", 60 + i));
    }
    QVERIFY(fixture_->open());
    Inbox states(&desk_->ingest(), &desk::IngestWorker::status_changed);
    Inbox finished(&desk_->ingest(), &desk::IngestWorker::finished);
    desk_->ingest().pause();
    const QString folder = desk::text_of(fixture_->files().document("").string());
    desk_->ingest().add(1, {.paths = {folder}});
    QTRY_VERIFY_WITH_TIMEOUT(!states.is_empty() && states.last().paused, kPatienceMs);
    QVERIFY(finished.is_empty());
    desk_->ingest().resume();
    QTRY_VERIFY_WITH_TIMEOUT(!states.last().paused, kPatienceMs);
    desk_->ingest().cancel();
    QVERIFY(finished.wait());
    QVERIFY(finished.last<1>().cancelled);
    QVERIFY(states.last().state == desk::IngestState::kIdle);
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
    answers.ask({.id = 5, .question = "What has the otter?"});
    QVERIFY(finished.wait());
    const auto answer = finished.last();
    order.removeDuplicates();  // blocks may come in several batches
    QCOMPARE(order, (QStringList{"sources", "blocks", "text"}));
    QCOMPARE(answer.id, desk::RequestId{5});
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
    answers.ask({.id = 1, .question = "What has the otter?"});
    answers.ask({.id = 2, .question = "What has the otter?"});
    answers.stop(2);
    QTRY_VERIFY_WITH_TIMEOUT(!text.is_empty(), kPatienceMs);
    answers.stop(1);
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
    Inbox listed(&answers, &desk::AnswerWorker::conversations_changed);
    answers.ask({.id = 1, .question = "What has the otter?"});
    QVERIFY(finished.wait());
    const auto id = finished.last().conversation;
    answers.rename_conversation(id, "Brown animals");
    answers.list_conversations("BROWN");
    QTRY_VERIFY(!listed.is_empty() && listed.last<1>() == "BROWN");
    const auto rows = listed.last<0>();
    QCOMPARE(rows.size(), std::size_t{1});
    QCOMPARE(rows.front().name, QStringLiteral("Brown animals"));

    Inbox opened(&answers, &desk::AnswerWorker::conversation_opened);
    answers.open_conversation(id);
    QVERIFY(opened.wait());
    const auto view = opened.last();
    QCOMPARE(view.turns.size(), std::size_t{1});
    QVERIFY(!view.turns.front().passages.empty());

    Inbox exported(&answers, &desk::AnswerWorker::exported);
    answers.export_conversation(1, id, desk::AnswerWorker::ExportFormat::kJson);
    answers.export_conversation(2, id, desk::AnswerWorker::ExportFormat::kMarkdown);
    QTRY_COMPARE(exported.count(), 2);
    const auto json = QJsonDocument::fromJson(exported.at<1>(0)).object();
    QCOMPARE(json["name"].toString(), QStringLiteral("Brown animals"));
    QVERIFY(exported.at<1>(1).contains("What has the otter?"));

    answers.remove_conversation(id);
    Inbox failed(&answers, &desk::AnswerWorker::failed);
    answers.open_conversation(id);
    QVERIFY(failed.wait());
  }

  void removes_with_undo_and_erases_only_when_the_time_is_over() {
    const auto otter = fixture_->write("otter.md", story("otter", 20));
    const auto seal = fixture_->write("seal.md", story("seal", 20));
    QVERIFY(fixture_->open());
    QVERIFY(fixture_->add({otter, seal}));
    auto& library = desk_->library();
    Inbox rows(&library, &desk::LibraryWorker::documents_changed);
    Inbox offered(&library, &desk::LibraryWorker::removal_offered);
    Inbox undone(&library, &desk::LibraryWorker::removal_undone);
    Inbox done(&library, &desk::LibraryWorker::removal_done);
    library.remove(9, {1});
    QVERIFY(offered.wait());
    QCOMPARE(offered.last().n_documents, std::int64_t{1});

    // While it can be undone, no question sees it.
    Inbox finished(&desk_->answers(), &desk::AnswerWorker::finished);
    desk_->answers().ask({.id = 1, .question = "What has the otter?"});
    QVERIFY(finished.wait());
    for (const auto& passage : finished.last().passages) {
      QVERIFY(passage.document != 1);
    }
    library.undo_removal(9);
    QVERIFY(undone.wait());
    QTRY_VERIFY(!rows.is_empty() && rows.last().all && rows.last().all->size() == 2);

    library.remove(10, {1});
    QVERIFY(offered.wait());
    library.commit_removals();
    QVERIFY(done.wait());
    QVERIFY(done.last<2>() > 0);
  }

  void closing_carries_removals_out() {
    const auto otter = fixture_->write("otter.md", story("otter", 20));
    QVERIFY(fixture_->open());
    QVERIFY(fixture_->add({otter}));
    Inbox offered(&desk_->library(), &desk::LibraryWorker::removal_offered);
    desk_->library().remove(1, {1});
    QVERIFY(offered.wait());
    fixture_->close();
    const auto session = fixture_->files().open();
    QVERIFY(value_or_throw(session->library().documents()).empty());
    QCOMPARE(session->store().totals().n_blocks, std::int64_t{0});
  }

  void reads_a_document_with_its_passages() {
    const std::string text =
        "# Otter\r\n\r\nDer Otter schwimmt – schnell.\r\n\r\nAnd eats fish.\r\n";
    const auto path = fixture_->write("otter.md", text);
    QVERIFY(fixture_->open());
    QVERIFY(fixture_->add({path}));
    Inbox read(&desk_->library(), &desk::LibraryWorker::document_text);
    desk_->library().read_document(4, 1);
    QVERIFY(read.wait());
    const auto document = read.last();
    QVERIFY(!document.text.contains('\r'));
    QVERIFY(document.notice.isEmpty());
    QVERIFY(!document.passages.empty());
    const auto& passage = document.passages.front();
    const QString quoted = document.text.mid(passage.begin, passage.end - passage.begin);
    QVERIFY2(quoted.contains(QStringLiteral("schwimmt – schnell.")), qPrintable(quoted));

    app::tests::write_file(fixture_->files().document("otter.md"), "other");
    desk_->library().read_document(5, 1);
    QVERIFY(read.wait());
    QVERIFY(!read.last().notice.isEmpty());
    QVERIFY(read.last().text.contains(QStringLiteral("schnell")));
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

  void applies_settings_by_opening_anew() {
    const auto otter = fixture_->write("otter.md", story("otter", 20));
    QVERIFY(fixture_->open());
    QVERIFY(fixture_->add({otter}));
    app::Settings settings = desk_->facts().settings;
    settings.chunks_per_answer = 2;
    Inbox estimated(&desk_->settings(), &desk::SettingsWorker::effect_estimated);
    app::Settings stale = settings;
    stale.block_dtype = DType::kQ8Kv;
    desk_->settings().estimate(1, stale);
    QVERIFY(estimated.wait());
    QVERIFY(estimated.last().n_stale_blocks > 0);

    Inbox opened(desk_, &desk::Desk::opened);
    desk_->apply_settings(settings);
    QVERIFY(opened.wait());
    QCOMPARE(desk_->facts().settings.chunks_per_answer, 2);
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

  void takes_pasted_text_as_paths_or_as_a_note() {
    const auto otter = fixture_->write("otter.md", story("otter", 20));
    QVERIFY(fixture_->open());
    Inbox found(&desk_->library(), &desk::LibraryWorker::paths_found);
    desk_->library().take_text(1, otter + "\n");
    QVERIFY(found.wait());
    QCOMPARE(found.last<1>(), std::vector<QString>{otter});
    desk_->library().take_text(2, "Call <Ada>: otters!\nTomorrow at noon.");
    QVERIFY(found.wait());
    const auto note = found.last<1>().front();
    QVERIFY2(note.contains("/notes/Call Ada otters"), qPrintable(note));
    QFile file(note);
    QVERIFY(file.open(QIODevice::ReadOnly));
    QVERIFY(file.readAll().contains("Tomorrow at noon."));
  }

 private:
  std::unique_ptr<DeskFixture> fixture_;
  desk::Desk* desk_ = nullptr;
};

}  // namespace kvlink::ui::tests

QTEST_GUILESS_MAIN(kvlink::ui::tests::DeskTest)
#include "desk_test.moc"
