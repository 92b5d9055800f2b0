// SPDX-License-Identifier: Apache-2.0
// Models come and go in the window: imported, tried, removed, their chats written another way.
#include "ui/inspect/models_page.h"

#include <QComboBox>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QSignalSpy>
#include <QTableView>
#include <QToolButton>
#include <filesystem>
#include <fstream>

#include "tests/support/tiny_model.h"
#include "tests/ui/desk_fixture.h"
#include "ui/ask/inline_message.h"
#include "ui/inspect/job_row.h"
#include "ui/inspect/model_table.h"
#include "ui/inspect/settings_panel.h"

namespace kvlink::ui::tests {

namespace fs = std::filesystem;

class ModelsPageTest : public QObject {
  Q_OBJECT

 private slots:
  void init() {
    library_ = std::make_unique<app::tests::TinyLibrary>();
    elsewhere_ = library_->folder() / "downloads";
    fs::create_directories(elsewhere_);
    kvlink::tests::write_tiny_generator(elsewhere_ / "mine.gguf");
    desk::DeskOptions options{.paths = library_->paths(), .undo_ms = 200};
    options.adjust = [](app::Settings& settings) { settings.max_answer_tokens = 4; };
    desk_ = std::make_unique<desk::Desk>(options);
    Inbox opened(desk_.get(), &desk::Desk::opened);
    desk_->open();
    QVERIFY(opened.wait());
    panel_ = std::make_unique<SettingsPanel>(*desk_);
    panel_->resize(900, 700);
    panel_->show();
    page_ = panel_->findChild<ModelsPage*>();
    table_ = page_->findChild<QTableView*>();
    QTRY_VERIFY_WITH_TIMEOUT(page_->table().rowCount() > 0, kPatienceMs);
  }
  void cleanup() {
    panel_.reset();
    desk_.reset();
    library_.reset();
  }

  void a_link_is_kept_and_taken_away_without_harm_to_the_model() {
    add(elsewhere_ / "mine.gguf");
    button("Keep a link")->click();
    QTRY_VERIFY_WITH_TIMEOUT(said().contains("is a link to"), kPatienceMs);
    const auto link = library_->paths().models / "mine.gguf";
    QVERIFY(fs::is_symlink(link));
    QTRY_VERIFY_WITH_TIMEOUT(selected() == desk::text_of(link.string()), kPatienceMs);
    QVERIFY(!button("Keep a link")->isEnabled());

    button("Remove")->click();
    QVERIFY(said().contains("The link mine.gguf will be removed"));
    QTRY_VERIFY_WITH_TIMEOUT(said().contains("untouched"), kPatienceMs);
    QVERIFY(!fs::is_symlink(link));
    QVERIFY(fs::exists(elsewhere_ / "mine.gguf"));
    QTRY_VERIFY_WITH_TIMEOUT(row_of(link) < 0, kPatienceMs);
  }

  void models_are_listed_only_where_they_are_seen() {
    panel_->hide();
    auto& settings = desk_->settings();
    Inbox estimated(&settings, &desk::SettingsWorker::effect_estimated);
    settings.estimate(1, desk_->facts().settings);
    QVERIFY(estimated.wait());  // what was asked for before has come
    Inbox listed(&settings, &desk::SettingsWorker::models_listed);
    Inbox opened(desk_.get(), &desk::Desk::opened);
    desk_->open();
    QVERIFY(opened.wait());
    settings.estimate(2, desk_->facts().settings);
    QVERIFY(estimated.wait());
    QVERIFY(listed.is_empty());
    panel_->show();
    QVERIFY(listed.wait());
  }

  void a_copy_is_made_and_a_removal_can_be_undone() {
    add(elsewhere_ / "mine.gguf");
    button("Copy it here")->click();
    QTRY_VERIFY_WITH_TIMEOUT(said().contains("is a copy of"), kPatienceMs);
    const auto copy = library_->paths().models / "mine.gguf";
    QVERIFY(fs::is_regular_file(copy) && !fs::is_symlink(copy));
    QTRY_VERIFY_WITH_TIMEOUT(selected() == desk::text_of(copy.string()), kPatienceMs);
    button("Remove")->click();
    page_->findChild<QPushButton*>("undo_removal")->click();
    QVERIFY(said().contains("Nothing was removed"));
    QTest::qWait(400);
    QVERIFY(fs::exists(copy));
    button("Remove")->click();
    QTRY_VERIFY_WITH_TIMEOUT(!fs::exists(copy), kPatienceMs);
  }

  void what_goes_wrong_stands_on_the_page() {
    const auto broken = elsewhere_ / "broken.gguf";
    std::ofstream(broken) << "GGUF, but not really";
    add(broken);
    QTRY_VERIFY_WITH_TIMEOUT(state_of(broken) == "does not work", kPatienceMs);
    button("Copy it here")->click();
    QTRY_VERIFY_WITH_TIMEOUT(said().contains("broken.gguf"), kPatienceMs);
    QVERIFY(!fs::exists(library_->paths().models / "broken.gguf"));
    QVERIFY(!button("Stop")->isVisible());
    // A name that is taken.
    add(elsewhere_ / "mine.gguf");
    button("Keep a link")->click();
    QTRY_VERIFY_WITH_TIMEOUT(said().contains("is a link to"), kPatienceMs);
    choose(elsewhere_ / "mine.gguf", true);
    button("Copy it here")->click();
    QTRY_VERIFY_WITH_TIMEOUT(said().contains("exists already"), kPatienceMs);
  }

  void a_copy_tells_how_far_it_is_and_ends_when_stopped() {
    // The first megabytes are copied before the stop is looked at: larger than one piece.
    const auto large = elsewhere_ / "large";
    write_large_embedder(large);
    Inbox progress(&desk_->models(), &desk::ModelWorker::progress);
    Inbox imported(&desk_->models(), &desk::ModelWorker::imported);
    connect(
        &desk_->models(), &desk::ModelWorker::progress, &desk_->models(),
        [this](const desk::ModelProgress& seen) { desk_->models().cancel(seen.id); },
        Qt::DirectConnection);
    desk_->models().import_model(desk::next_request_id(), desk::text_of(large.string()),
                                 app::ImportMethod::kCopy);
    QVERIFY(imported.wait());
    QVERIFY(imported.last().problem.has_value());
    QVERIFY2(imported.last().problem->code == ErrorCode::kCancelled,
             qPrintable(imported.last().problem->message));
    QVERIFY(!progress.is_empty());
    QVERIFY(progress.last().n_bytes > progress.last().n_bytes_done);
    QVERIFY(!fs::exists(library_->paths().models / "large"));
    QCOMPARE(std::distance(fs::directory_iterator(library_->paths().models), {}), 2);
  }

  void a_request_that_waits_can_be_stopped_too() {
    Inbox checked(&desk_->models(), &desk::ModelWorker::checked);
    const auto first = desk::next_request_id();
    const auto second = desk::next_request_id();
    const auto path = desk::text_of((library_->paths().models / "tiny.gguf").string());
    desk_->models().check(first, path);
    desk_->models().check(second, path);
    desk_->models().cancel(second);
    QTRY_COMPARE_WITH_TIMEOUT(checked.count(), 2, kPatienceMs);
    QVERIFY(checked.at(0).check.has_value());
    QVERIFY(checked.at(1).problem->code == ErrorCode::kCancelled);
    // A check that was stopped says nothing about the model.
    ModelTable table;
    table.set_models({item(path)});
    table.set_checking(path);
    table.set_checked(checked.at(1));
    QCOMPARE(table.index(0, ModelTable::kState).data().toString(), QStringLiteral("not tried yet"));
  }

  void a_try_shows_memory_speed_and_chat_format() {
    choose(library_->paths().models / "tiny.gguf");
    button("Try it")->click();
    QTRY_VERIFY_WITH_TIMEOUT(details().contains("tokens a second"), kPatienceMs);
    QVERIFY2(details().contains("Chats are written as ChatML") ||
                 details().contains("Chats are written as plain text"),
             qPrintable(details()));
    QVERIFY(details().contains("Perplexity"));
  }

  void the_model_in_use_cannot_be_removed() {
    choose(library_->paths().models / "tiny.gguf");
    QVERIFY(!button("Remove")->isEnabled());
    choose(library_->paths().models / "tiny-embedder");
    QVERIFY(!button("Remove")->isEnabled());
  }

  void chats_are_written_as_the_user_says() {
    auto* names = page_->findChild<QComboBox*>();
    QVERIFY(names->isVisible());
    QCOMPARE(names->currentData().toString(), QStringLiteral("default"));
    QVERIFY(names->currentText().contains(':'));
    names->setCurrentIndex(names->findData("plain"));
    emit names->activated(names->currentIndex());
    auto* apply = panel_button("Apply");
    QTRY_VERIFY_WITH_TIMEOUT(apply->isEnabled() && apply->isVisible(), kPatienceMs);
    Inbox opened(desk_.get(), &desk::Desk::opened);
    apply->click();
    QVERIFY(opened.wait());
    QCOMPARE(opened.last().settings.chat_format, std::string("plain"));
    QCOMPARE(opened.last().model->chat_format, QStringLiteral("plain"));
    QCOMPARE(names->currentData().toString(), QStringLiteral("plain"));
    // Given up before it was applied: what holds is shown again.
    names->setCurrentIndex(names->findData("default"));
    emit names->activated(names->currentIndex());
    panel_button("Discard")->click();
    QCOMPARE(names->currentData().toString(), QStringLiteral("plain"));
  }

  void a_row_shows_how_far_a_job_is() {
    JobRow row;
    row.begin(QStringLiteral("Copying a"));
    QVERIFY(row.isVisibleTo(nullptr));
    auto* bar = row.findChild<QProgressBar*>();
    QCOMPARE(bar->maximum(), 0);  // of unknown length
    row.show_bytes(1'000'000, 4'000'000);
    QVERIFY(row.findChild<QLabel*>()->text().contains("1.0 MB of 4.0 MB"));
    QCOMPARE(bar->value() * 4, bar->maximum());
    QSignalSpy stops(&row, &JobRow::stop_wanted);
    row.findChild<QPushButton*>()->click();
    QCOMPARE(stops.count(), 1);
    QVERIFY(!row.findChild<QPushButton*>()->isEnabled());
    row.end();
    QVERIFY(row.isHidden());
  }

 private:
  static desk::ModelItem item(const QString& path) {
    desk::ModelItem item;
    item.found.path = desk::utf8_of(path);
    item.found.name = "tiny.gguf";
    return item;
  }

  /// The tiny embedder with 24 MB of a file that a copy takes along.
  void write_large_embedder(const fs::path& folder) const {
    fs::copy(library_->paths().models / "tiny-embedder", folder, fs::copy_options::recursive);
    const std::string megabyte(1 << 20, ' ');
    std::ofstream padding(folder / "zz.txt");
    for (int i = 0; i < 24; ++i) padding << megabyte;
  }

  void add(const fs::path& path) {
    panel_->add_model(desk::text_of(path.string()));
    choose(path);
    QTRY_VERIFY_WITH_TIMEOUT(page_->findChild<JobRow*>()->isHidden(), kPatienceMs);
  }
  int row_of(const fs::path& path) const {
    for (int row = 0; row < page_->table().rowCount(); ++row) {
      if (page_->table().item(row).found.path == path) return row;
    }
    return -1;
  }
  void choose(const fs::path& path, bool is_listed_again = false) {
    if (is_listed_again) panel_->add_model(desk::text_of(path.string()));
    QTRY_VERIFY_WITH_TIMEOUT(row_of(path) >= 0, kPatienceMs);
    table_->selectRow(row_of(path));
  }
  QString selected() const {
    const auto rows = table_->selectionModel()->selectedRows();
    return rows.isEmpty()
               ? QString()
               : desk::text_of(page_->table().item(rows.front().row()).found.path.string());
  }
  QString state_of(const fs::path& path) const {
    const int row = row_of(path);
    return row < 0 ? QString() : page_->table().index(row, ModelTable::kState).data().toString();
  }
  QString details() const { return page_->table().details(row_of(desk::utf8_of(selected()))); }
  QString said() const {
    const auto* message = page_->findChild<InlineMessage*>();
    return message->isHidden() ? QString() : message->text();
  }
  QAbstractButton* button(const QString& text) const {
    for (auto* found : page_->findChildren<QAbstractButton*>()) {
      if (found->text() == text) return found;
    }
    return nullptr;
  }
  QPushButton* panel_button(const QString& text) const {
    for (auto* found : panel_->findChildren<QPushButton*>()) {
      if (found->text() == text) return found;
    }
    return nullptr;
  }

  std::unique_ptr<app::tests::TinyLibrary> library_;
  fs::path elsewhere_;
  std::unique_ptr<desk::Desk> desk_;
  std::unique_ptr<SettingsPanel> panel_;
  ModelsPage* page_ = nullptr;
  QTableView* table_ = nullptr;
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::ModelsPageTest)
#include "models_page_test.moc"
