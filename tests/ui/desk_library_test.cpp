// SPDX-License-Identifier: Apache-2.0
// Documents behind the window: pre-scans, ingestion, removal, reading; no window.
#include <QFile>
#include <set>

#include "tests/ui/desk_fixture.h"

namespace kvlink::ui::tests {

using app::tests::story;
using desk::DocumentStage;

class DeskLibraryTest : public QObject {
  Q_OBJECT

 private slots:
  void init() {
    fixture_ = std::make_unique<DeskFixture>();
    desk_ = &fixture_->make();
  }
  void cleanup() { fixture_.reset(); }

  void pre_scans_a_folder_by_type() {
    fixture_->write("a.md", story("otter", 12));
    fixture_->write("deep/b.txt", story("seal", 12));
    fixture_->write("deep/c.txt", story("crab", 12));
    fixture_->write("picture.png", std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16));
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
                             DocumentStage::kEmbedding, DocumentStage::kSearchable,
                             DocumentStage::kCaching}) {
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

  void says_how_many_lines_a_document_has() {
    const auto path = fixture_->write("otter.md", "# Otter\n\nIt swims.\n\nIt eats fish.\n");
    QVERIFY(fixture_->open());
    QVERIFY(fixture_->add({path}));
    Inbox known(&desk_->library(), &desk::LibraryWorker::extents_known);
    desk_->library().measure_documents({1, 999});
    QVERIFY(known.wait());
    const desk::DocumentExtent lines{
        .document = 1, .unit = retrieval::PlaceKind::kLine, .n = 5};
    QCOMPARE(known.last(), std::vector<desk::DocumentExtent>{lines});
  }

  void a_document_that_is_read_again_stays_the_one_it_is() {
    const auto path = fixture_->write("otter.md", story("otter", 6));
    QVERIFY(fixture_->open());
    QVERIFY(fixture_->add({path}));
    Inbox progress(&desk_->ingest(), &desk::IngestWorker::rows_in_progress);
    Inbox finished(&desk_->ingest(), &desk::IngestWorker::finished);
    desk_->ingest().add(1, {.paths = {path}, .read_again = true});
    QVERIFY(finished.wait());
    bool was_read = false;
    for (const auto& [rows] : progress.all()) {
      for (const auto& row : rows) {
        QCOMPARE(row.id, desk::DocumentId{1});  // questions may be restricted to it
        was_read |= row.stage == DocumentStage::kReading;
      }
    }
    QVERIFY(was_read);
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

QTEST_GUILESS_MAIN(kvlink::ui::tests::DeskLibraryTest)
#include "desk_library_test.moc"
