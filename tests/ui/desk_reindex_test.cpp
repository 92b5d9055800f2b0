// SPDX-License-Identifier: Apache-2.0
// Another embedder is chosen in the window: it reads the passages in the background, and a banner
// says so.
#include <QStringList>

#include "tests/support/tiny_model.h"
#include "tests/ui/desk_fixture.h"
#include "ui/inspect/settings_effect.h"
#include "ui/shell/banner_stack.h"
#include "ui/shell/reindex_banner.h"

namespace kvlink::ui::tests {

class DeskReindexTest : public QObject {
  Q_OBJECT

 private slots:
  void another_embedder_reads_everything_while_questions_are_answered() {
    const app::tests::TinyLibrary library;
    kvlink::tests::write_tiny_embedder(library.paths().models / "young-embedder", 7);
    library.write("otter.md", app::tests::story("otter", 40));
    library.add(*library.open());

    desk::DeskOptions options{.paths = library.paths()};
    options.adjust = [](app::Settings& settings) {
      settings.max_answer_tokens = 4;
      settings.chunk_target_tokens = 40;
      settings.chunk_max_tokens = 64;
    };
    desk::Desk desk(options);
    BannerStack banners;
    follow_reindexing(desk, banners);
    Inbox opened(&desk, &desk::Desk::opened);
    Inbox progress(&desk.reindexing(), &desk::ReindexWorker::progress);
    Inbox failed(&desk.reindexing(), &desk::ReindexWorker::failed);
    Inbox finished(&desk.answers(), &desk::AnswerWorker::finished);
    desk.open();
    QVERIFY(opened.wait());
    QTest::qWait(50);
    QVERIFY(progress.is_empty());  // nothing is to do

    // What it would cost, first.
    auto settings = desk.facts().settings;
    settings.embedder = "young-embedder";
    Inbox estimated(&desk.settings(), &desk::SettingsWorker::effect_estimated);
    desk.settings().estimate(1, settings);
    QVERIFY(estimated.wait());
    QCOMPARE(estimated.last().n_stale_blocks, std::int64_t{0});
    QVERIFY(estimated.last().n_passages_to_embed > 0);
    QVERIFY(effect_sentence(estimated.last()).contains("in the background"));

    desk.apply_settings(settings);
    QVERIFY(opened.wait());
    desk.answers().ask({.id = 7, .question = "What has the otter?"});
    QVERIFY(finished.wait());
    QVERIFY(!finished.last().passages.empty());
    QTRY_VERIFY_WITH_TIMEOUT(!progress.is_empty() && progress.last().done, kPatienceMs);
    QVERIFY(progress.at(0).old_serves);
    QVERIFY(failed.is_empty());
    QCOMPARE(banners.texts(),
             QStringList("The new embedder has read all passages and finds them."));
    desk.answers().ask({.id = 8, .question = "What has the otter?"});
    QVERIFY(finished.wait());
    QVERIFY(!finished.last().passages.empty());
  }

  void a_banner_that_was_closed_stays_away_until_all_is_read() {
    const app::tests::TinyLibrary library;
    desk::Desk desk({.paths = library.paths()});
    BannerStack banners;
    follow_reindexing(desk, banners);
    auto& worker = desk.reindexing();
    emit worker.progress({.n_done = 16, .n_passages = 2000});
    QTRY_COMPARE_WITH_TIMEOUT(banners.n_banners(), 1, kPatienceMs);
    QVERIFY(banners.texts().first().contains("16 of 2,000"));
    emit worker.progress({.n_done = 32, .n_passages = 2000});
    QTRY_VERIFY_WITH_TIMEOUT(banners.texts().first().contains("32 of"), kPatienceMs);
    QCOMPARE(banners.n_banners(), 1);
    banners.close_banner(QStringLiteral("reindexing"));
    emit worker.progress({.n_done = 48, .n_passages = 2000});
    QTest::qWait(20);
    QCOMPARE(banners.n_banners(), 0);
    emit worker.progress({.n_done = 2000, .n_passages = 2000, .done = true});
    QTRY_COMPARE_WITH_TIMEOUT(banners.n_banners(), 1, kPatienceMs);
  }
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::DeskReindexTest)
#include "desk_reindex_test.moc"
