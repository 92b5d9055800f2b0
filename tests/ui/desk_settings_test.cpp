// SPDX-License-Identifier: Apache-2.0
// A budget is changed while the library is open: what it touches changes at once, and nothing else
// does: no model is loaded again, no answer is broken off.
#include <atomic>
#include <filesystem>

#include "tests/ui/desk_fixture.h"

namespace kvlink::ui::tests {

using app::tests::story;

class DeskSettingsTest : public QObject {
  Q_OBJECT

 private slots:
  void init() {
    fixture_ = std::make_unique<DeskFixture>();
    n_opens_ = 0;
    // Called by every opening of a session, and thus of its models.
    desk_ = &fixture_->make([this](app::Settings&) { ++n_opens_; });
    QVERIFY(fixture_->open());
    QCOMPARE(n_opens_.load(), 1);
  }
  void cleanup() { fixture_.reset(); }

  void every_budget_changes_without_loading_the_model() {
    Inbox states(desk_, &desk::Desk::state_changed);
    Inbox told(desk_, &desk::Desk::settings_changed);
    Inbox totals(&desk_->cache(), &desk::CacheWorker::totals_changed);
    // One after the other without waiting, as sliders are moved.
    for (const auto budget : {&app::Settings::disk_budget_bytes, &app::Settings::gpu_budget_bytes,
                              &app::Settings::memory_budget_bytes}) {
      auto settings = desk_->facts().settings;
      settings.*budget = 123'456'789;
      desk_->apply_settings(settings);
      QCOMPARE(desk_->facts().settings.*budget, std::int64_t{123'456'789});
    }
    QCOMPARE(told.count(), 3);
    QTRY_VERIFY(!totals.is_empty() && totals.last().memory_budget_bytes == 123'456'789);
    QCOMPARE(totals.last().disk_budget_bytes, std::int64_t{123'456'789});
    const auto written = app::load_settings(fixture_->files().paths().settings_file());
    QVERIFY(written.has_value());
    QCOMPARE(written->settings.disk_budget_bytes, std::int64_t{123'456'789});
    QCOMPARE(written->settings.memory_budget_bytes, std::int64_t{123'456'789});
    QCOMPARE(written->settings.gpu_budget_bytes, std::int64_t{123'456'789});
    QCOMPARE(states.count(), 0);
    QCOMPARE(n_opens_.load(), 1);
  }

  void how_answers_are_made_changes_without_loading_the_model() {
    QVERIFY(fixture_->add({fixture_->write("otter.md", story("otter", 60))}));
    Inbox finished(&desk_->answers(), &desk::AnswerWorker::finished);
    desk_->answers().ask({.id = 1, .question = "What has the otter"});
    QVERIFY(finished.wait());
    QVERIFY(finished.last().passages.size() > 2);
    auto settings = desk_->facts().settings;
    settings.chunks_per_answer = 2;
    settings.max_answer_tokens = 3;
    Inbox set(&desk_->settings(), &desk::SettingsWorker::settings_set);
    desk_->apply_settings(settings);
    QVERIFY(set.wait());
    desk_->answers().ask({.id = 2, .question = "What has the otter"});
    QVERIFY(finished.wait());
    QCOMPARE(finished.last().passages.size(), std::size_t{2});
    QVERIFY(finished.last().n_tokens <= 3);
    const auto written = app::load_settings(fixture_->files().paths().settings_file());
    QCOMPARE(written->settings.chunks_per_answer, 2);
    QCOMPARE(n_opens_.load(), 1);
  }

  void another_setting_beside_a_budget_opens_anew() {
    auto settings = desk_->facts().settings;
    settings.memory_budget_bytes = 1'000'000;
    settings.threads = 2;
    Inbox opened(desk_, &desk::Desk::opened);
    desk_->apply_settings(settings);
    QVERIFY(opened.wait());
    QCOMPARE(n_opens_.load(), 2);
    QCOMPARE(desk_->facts().settings.memory_budget_bytes, std::int64_t{1'000'000});
  }

  void a_smaller_disk_budget_takes_blocks_away_and_says_so() {
    Inbox totals(&desk_->cache(), &desk::CacheWorker::totals_changed);
    QVERIFY(fixture_->add({fixture_->write("otter.md", story("otter", 60))}));
    QTRY_VERIFY(!totals.is_empty() && totals.last().totals.n_blocks > 3);
    const auto before = totals.last().totals;
    auto settings = desk_->facts().settings;
    settings.disk_budget_bytes = before.disk_bytes / 2;
    Inbox rows(&desk_->library(), &desk::LibraryWorker::documents_changed);
    desk_->apply_settings(settings);
    QTRY_VERIFY(totals.last().totals.disk_bytes <= before.disk_bytes / 2);
    QVERIFY(totals.last().totals.n_blocks > 0);
    // The list says that not every passage of the document is cached any more.
    QTRY_VERIFY(!rows.is_empty());
    Inbox finished(&desk_->answers(), &desk::AnswerWorker::finished);
    desk_->answers().ask({.id = 1, .question = "What has the otter"});
    QVERIFY(finished.wait());
    QVERIFY(!finished.last().passages.empty());
    QCOMPARE(n_opens_.load(), 1);
  }

  void an_answer_goes_on_meanwhile() {
    QVERIFY(fixture_->add({fixture_->write("otter.md", story("otter", 20))}));
    auto& answers = desk_->answers();
    Inbox sources(&answers, &desk::AnswerWorker::sources_ready);
    Inbox finished(&answers, &desk::AnswerWorker::finished);
    {
      const HeldAnswer held(answers, &desk::AnswerWorker::sources_ready);
      answers.ask({.id = 1, .question = "What has the otter"});
      QVERIFY(sources.wait());
      auto settings = desk_->facts().settings;
      settings.memory_budget_bytes = 0;
      Inbox done(&desk_->settings(), &desk::SettingsWorker::blocks_changed);
      desk_->apply_settings(settings);
      QVERIFY(done.wait());
      QVERIFY(finished.is_empty());
    }
    QVERIFY(finished.wait());
    QVERIFY(finished.last().end != app::AnswerEnd::kStopped);
    QCOMPARE(n_opens_.load(), 1);
  }

  void a_budget_that_cannot_be_written_stays_as_it_was() {
    const auto file = fixture_->files().paths().settings_file();
    std::filesystem::remove(file);
    std::filesystem::create_directories(file / "in the way");
    const auto before = desk_->facts().settings;
    auto settings = before;
    settings.disk_budget_bytes = 5'000'000;
    Inbox refused(&desk_->settings(), &desk::SettingsWorker::settings_refused);
    desk_->apply_settings(settings);
    QVERIFY(refused.wait());
    QVERIFY(refused.last().message.contains("old one is in force"));
    QCOMPARE(desk_->facts().settings.disk_budget_bytes, before.disk_budget_bytes);
    Inbox totals(&desk_->cache(), &desk::CacheWorker::totals_changed);
    desk_->cache().note_change();
    QVERIFY(totals.wait());
    QCOMPARE(totals.last().disk_budget_bytes, before.disk_budget_bytes);
    QVERIFY(desk_->state() == desk::DeskState::kReady);
  }

  void the_effect_of_a_budget_is_nothing_to_wait_for() {
    Inbox estimated(&desk_->settings(), &desk::SettingsWorker::effect_estimated);
    auto settings = desk_->facts().settings;
    settings.memory_budget_bytes = 1'000'000;
    desk_->settings().estimate(1, settings);
    QVERIFY(estimated.wait());
    QVERIFY(!estimated.last().needs_reopen);
    // Also on the way back to what the session was opened with.
    const auto first = desk_->facts().settings;
    desk_->apply_settings(settings);
    desk_->settings().estimate(2, first);
    QVERIFY(estimated.wait());
    QVERIFY(!estimated.last().needs_reopen);
    auto other = first;
    other.threads = 2;
    desk_->settings().estimate(3, other);
    QVERIFY(estimated.wait());
    QVERIFY(estimated.last().needs_reopen);
  }

 private:
  std::unique_ptr<DeskFixture> fixture_;
  desk::Desk* desk_ = nullptr;
  std::atomic<int> n_opens_ = 0;
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::DeskSettingsTest)
#include "desk_settings_test.moc"
