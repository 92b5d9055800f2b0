// SPDX-License-Identifier: Apache-2.0
// The whole window on a real library with tiny models: drops, keys, banners, restart, second start.
#include <QClipboard>
#include <QDir>
#include <QDragEnterEvent>
#include <QLineEdit>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTabWidget>
#include <QTemporaryDir>
#include <QTreeView>
#include <future>
#include <set>

#include "tests/ui/desk_fixture.h"
#include "tests/ui/test_font.h"
#include "ui/ask/answer_view.h"
#include "ui/ask/ask_panel.h"
#include "ui/library/library_panel.h"
#include "ui/library/pre_scan_card.h"
#include "ui/shell/banner_stack.h"
#include "ui/shell/command_palette.h"
#include "ui/shell/drop_overlay.h"
#include "ui/shell/main_window.h"
#include "ui/shell/shortcuts_sheet.h"
#include "ui/shell/single_instance.h"
#include "ui/shell/status_line.h"

namespace kvlink::ui::tests {

using app::tests::story;

class WindowTest : public QObject {
  Q_OBJECT

 private slots:
  void initTestCase() { use_test_font(); }

  void init() {
    fixture_ = std::make_unique<DeskFixture>();
    fixture_->make();
    open_window();
  }
  void cleanup() {
    window_.reset();
    fixture_.reset();
  }

  void dropped_files_become_documents() {
    const auto a = fixture_->write("a.md", story("otter", 20));
    const auto b = fixture_->write("b.txt", story("seal", 20));
    QMimeData data;
    data.setUrls({QUrl::fromLocalFile(a), QUrl::fromLocalFile(b)});
    drag(data);
    QVERIFY(window_->overlay().isVisible());
    QVERIFY2(window_->overlay().words().contains("2"), qPrintable(window_->overlay().words()));
    drop(data);
    QVERIFY(!window_->overlay().isVisible());
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 2, kPatienceMs);
    QVERIFY(!window_->library().card().isVisible());
  }

  void a_dropped_folder_is_shown_before_it_is_read() {
    fixture_->write("more/a.md", story("otter", 6));
    fixture_->write("more/b.txt", story("seal", 6));
    fixture_->write("more/c.png", std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16));
    QMimeData data;
    data.setUrls({QUrl::fromLocalFile(desk::text_of(fixture_->files().document("").string()))});
    drag(data);
    drop(data);
    auto& card = window_->library().card();
    QTRY_VERIFY_WITH_TIMEOUT(card.isVisible() && card.n_wanted() == 2, kPatienceMs);
    QCOMPARE(counts().n_documents, 0);
    card.findChild<QPushButton*>("preScanStart")->click();
    QVERIFY(!card.isVisible());
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 2, kPatienceMs);
  }

  void addresses_of_the_network_are_refused() {
    QMimeData data;
    data.setUrls({QUrl(QStringLiteral("https://example.org/a.md"))});
    drag(data);
    drop(data);
    QVERIFY(!window_->banners().texts().isEmpty());
    QCOMPARE(counts().n_documents, 0);
  }

  void pasted_text_becomes_a_note() {
    QApplication::clipboard()->setText(QString::fromStdString(story("otter", 8)));
    window_->findChild<QAction*>("pasteDocuments")->trigger();
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 1, kPatienceMs);
  }

  void removal_can_be_undone() {
    add_two_documents();
    auto& view = window_->library().view();
    const QModelIndex folder = view.model()->index(0, 0);
    view.setCurrentIndex(view.model()->index(0, 0, folder));
    QTest::keyClick(&view, Qt::Key_Delete);
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_documents, 1, kPatienceMs);
    QTRY_COMPARE(window_->banners().n_banners(), 1);
    QPushButton* undo = nullptr;
    for (auto* button : window_->banners().findChildren<QPushButton*>()) {
      if (button->text() == "Undo") undo = button;
    }
    QVERIFY(undo != nullptr);
    undo->click();
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_documents, 2, kPatienceMs);
  }

  void checked_documents_are_the_scope() {
    add_two_documents();
    QSignalSpy scopes(&window_->library(), &LibraryPanel::scope_changed);
    auto& view = window_->library().view();
    view.setCurrentIndex(view.model()->index(0, 0, view.model()->index(0, 0)));
    QTest::keyClick(&view, Qt::Key_Space);
    QCOMPARE(scopes.count(), 1);
    QCOMPARE(scopes.constLast().at(0).value<std::vector<desk::DocumentId>>().size(),
             std::size_t{1});
  }

  void keys_reach_every_part() {
    auto& search = window_->library().search();
    QTest::keyClick(window_.get(), Qt::Key_F, Qt::ControlModifier);
    QTRY_VERIFY(search.hasFocus());
    QTest::keyClick(window_.get(), Qt::Key_F9);
    QVERIFY(!window_->inspector().isVisible());
    QTest::keyClick(window_.get(), Qt::Key_3, Qt::ControlModifier);
    QVERIFY(window_->inspector().isVisible());
    QCOMPARE(window_->inspector().currentIndex(), 1);
    QTest::keyClick(window_.get(), Qt::Key_Comma, Qt::ControlModifier);
    QVERIFY(window_->shows_settings());
    QTest::keyClick(window_.get(), Qt::Key_L, Qt::ControlModifier);
    QVERIFY(!window_->shows_settings());
    QTest::keyClick(window_.get(), Qt::Key_F1);
    QVERIFY(window_->findChild<ShortcutsSheet*>()->isVisible());
    auto* sheet = window_->findChild<ShortcutsSheet*>();
    QVERIFY(sheet->accessibleDescription().contains(QLatin1String("Ctrl+K")));
    QTest::keyClick(sheet, Qt::Key_X);
    QVERIFY(sheet->isVisible());
    QTest::keyClick(sheet, Qt::Key_Escape);
    QVERIFY(!sheet->isVisible());
    QVERIFY(QApplication::focusWidget() != nullptr && QApplication::focusWidget() != sheet);
  }

  void tab_goes_through_the_columns_from_left_to_right_and_comes_back() {
    add_two_documents();
    auto& search = window_->library().search();
    search.setFocus();
    QList<const QWidget*> columns;
    int n_steps = 0;
    do {
      QWidget* focused = QApplication::focusWidget();
      QVERIFY(focused != nullptr && n_steps < 100);
      for (const QWidget* column :
           {static_cast<QWidget*>(&window_->library()), static_cast<QWidget*>(&window_->ask()),
            static_cast<QWidget*>(&window_->inspector())}) {
        const bool enters = column->isAncestorOf(focused) || column == focused;
        if (enters && (columns.isEmpty() || columns.last() != column)) columns.append(column);
      }
      QTest::keyClick(focused, Qt::Key_Tab);
      ++n_steps;
    } while (QApplication::focusWidget() != &search);
    QVERIFY(columns.size() >= 3);
    QCOMPARE(columns[0], &window_->library());
    QCOMPARE(columns[1], &window_->ask());
    QCOMPARE(columns[2], static_cast<const QWidget*>(&window_->inspector()));
  }

  void the_palette_finds_and_runs_commands() {
    QTest::keyClick(window_.get(), Qt::Key_K, Qt::ControlModifier);
    auto* palette = window_->findChild<CommandPalette*>();
    QVERIFY(palette->isVisible());
    QTest::keyClicks(&palette->input(), "models");
    QTest::keyClick(&palette->input(), Qt::Key_Return);
    QVERIFY(!palette->isVisible());
    QVERIFY(window_->shows_settings());
    window_->findChild<QAction*>("palette")->trigger();
    QTest::keyClick(&palette->input(), Qt::Key_Escape);
    QVERIFY(!palette->isVisible());
  }

  void no_two_actions_have_the_same_key() {
    QMap<QString, QString> owners;
    for (const auto* action : window_->findChildren<QAction*>(Qt::FindDirectChildrenOnly)) {
      for (const auto& key : action->shortcuts()) {
        QVERIFY2(!owners.contains(key.toString()),
                 qPrintable(key.toString() + ": " + owners.value(key.toString()) + ", " +
                            action->objectName()));
        owners.insert(key.toString(), action->objectName());
      }
    }
    QVERIFY(owners.size() > 15);
  }

  void a_restart_brings_back_what_was_there() {
    add_two_documents();
    Inbox finished(&fixture_->desk().answers(), &desk::AnswerWorker::finished);
    auto* question = window_->ask().findChild<QPlainTextEdit*>();
    QTest::keyClicks(question, "otter?");
    QTest::keyClick(question, Qt::Key_Return);
    QVERIFY(finished.wait());
    const QString answer = finished.last().text.simplified();
    window_->library().model().set_checked({2});
    window_->resize(1100, 700);
    window_->inspector().setCurrentIndex(1);
    window_->close();
    window_.reset();
    fixture_->make();
    open_window();
    QTRY_COMPARE(window_->size(), QSize(1100, 700));
    QCOMPARE(window_->inspector().currentIndex(), 1);
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 2, kPatienceMs);
    QTRY_COMPARE(window_->library().model().checked(), std::vector<desk::DocumentId>{2});
    QTRY_VERIFY(window_->ask().findChild<AnswerView*>() != nullptr);
    auto* view = window_->ask().findChild<AnswerView*>();
    QTRY_VERIFY(view->isVisible() || answer.isEmpty());
    QVERIFY(finished.last().conversation == window_->ask().conversation());
  }

  void a_run_that_did_not_end_goes_on_at_the_next_start() {
    for (int i = 0; i < 30; ++i) {
      fixture_->write(("d" + std::to_string(i) + ".md").c_str(), story("otter", 40 + i));
    }
    fixture_->desk().ingest().pause();
    window_->library().start({.paths = {desk::text_of(fixture_->files().document("").string())}});
    QTest::qWait(200);
    window_->close();
    window_.reset();
    fixture_->make();
    open_window();
    fixture_->desk().ingest().resume();  // a pause is kept, too
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 30, kPatienceMs);
    // And only once.
    QTRY_VERIFY(window_->status().work_words() == "Idle");
    window_.reset();
    fixture_->make();
    Inbox finished(&fixture_->desk().ingest(), &desk::IngestWorker::finished);
    open_window();
    QTest::qWait(300);
    QVERIFY(finished.is_empty());
  }

  void files_named_at_the_start_wait_for_the_model() {
    const auto a = fixture_->write("a.md", story("otter", 12));
    window_.reset();
    fixture_->make();
    window_ = std::make_unique<MainWindow>(fixture_->desk(), WindowOptions{});
    window_->show();
    window_->add_paths({a});
    fixture_->desk().open();
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 1, kPatienceMs);
  }

  void a_new_library_gets_the_sample_once() {
    fixture_->write("guide/a.md", story("otter", 12));
    const QString guide = desk::text_of(fixture_->files().document("guide").string());
    window_.reset();
    fixture_->make();
    open_window(guide);
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 1, kPatienceMs);
    fixture_->desk().library().remove(1, {1});
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_documents, 0, kPatienceMs);
    window_.reset();
    fixture_->make();
    open_window(guide);
    QTest::qWait(300);
    QCOMPARE(counts().n_documents, 0);
  }

  void a_second_start_hands_its_files_over() {
    QTemporaryDir runtime;
    const QString data = desk::text_of(fixture_->files().paths().data.string());
    SingleInstance first(runtime.path(), data);
    SingleInstance second(runtime.path(), data);
    QVERIFY(!second.hand_over({}));
    QVERIFY(first.listen());
    QObject::connect(&first, &SingleInstance::handed_over, window_.get(), &MainWindow::raise_with);
    window_->showMinimized();
    const auto a = fixture_->write("with space ü.md", story("otter", 12));
    auto taken = std::async(std::launch::async, [&] { return second.hand_over({a}); });
    QTRY_VERIFY(!window_->isMinimized());
    QVERIFY(taken.get());
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 1, kPatienceMs);
    // Another library is another window.
    QVERIFY(!SingleInstance(runtime.path(), "/elsewhere").hand_over({}));
  }

  void a_socket_left_by_a_killed_process_is_no_obstacle() {
    QTemporaryDir runtime;
    const QString left = SingleInstance(runtime.path(), "/x").socket_path();
    QFile file(left);
    QVERIFY(file.open(QIODevice::WriteOnly));
    SingleInstance next(runtime.path(), "/x");
    QVERIFY(!next.hand_over({}));
    QVERIFY(next.listen());
    QSignalSpy heard(&next, &SingleInstance::handed_over);
    const SingleInstance third(runtime.path(), "/x");
    auto taken = std::async(std::launch::async, [&] { return third.hand_over({}); });
    QVERIFY(heard.wait(kPatienceMs));
    QVERIFY(taken.get());
  }

  /// Files that come while the first window is closed are the second's to open.
  void a_window_that_is_closed_takes_nothing_any_more() {
    QTemporaryDir runtime;
    SingleInstance first(runtime.path(), "/x");
    QVERIFY(first.listen());
    const SingleInstance second(runtime.path(), "/x");
    auto taken = std::async(std::launch::async, [&] { return second.hand_over({"/a"}); });
    QVERIFY(taken.wait_for(std::chrono::milliseconds(200)) == std::future_status::timeout);
    first.close();
    QVERIFY(!taken.get());
    QVERIFY(!second.hand_over({"/a"}));
  }

  void the_status_line_tells_what_runs() {
    desk::IngestStatus status;
    status.state = desk::IngestState::kIndexing;
    status.n_files = 40;
    status.n_files_done = 12;
    status.bytes_per_second = 310'000;
    status.seconds_left = 130;
    status.current = "/a/notes.md";
    const QString words = ingest_words(status);
    for (const char* part : {"notes.md", "12", "40", "310", "2 min"}) {
      QVERIFY2(words.contains(part), qPrintable(words));
    }
    status.state = desk::IngestState::kCaching;
    status.n_tokens = 1000;
    status.tokens_per_second = 400;
    QVERIFY2(ingest_words(status).contains("400"), qPrintable(ingest_words(status)));
  }

  void the_window_tells_how_far_it_is_while_documents_are_added() {
    for (int i = 0; i < 60; ++i) {
      fixture_->write(("d" + std::to_string(i) + ".md").c_str(), story("otter", 30 + i));
    }
    std::set<desk::IngestState> seen;
    std::set<QString> told;
    connect(&fixture_->desk().ingest(), &desk::IngestWorker::status_changed, window_.get(),
            [&](const desk::IngestStatus& status) {
              seen.insert(status.state);
              told.insert(window_->status().work_words());
            });
    window_->library().add_paths({desk::text_of(fixture_->files().document("").string())});
    auto& card = window_->library().card();
    QTRY_VERIFY_WITH_TIMEOUT(card.isVisible() && card.n_wanted() == 60, kPatienceMs);
    card.findChild<QPushButton*>("preScanStart")->click();
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 60, kPatienceMs);
    QTRY_VERIFY(window_->status().work_words() == "Idle");
    QVERIFY(seen.contains(desk::IngestState::kIndexing));
    QVERIFY(seen.contains(desk::IngestState::kCaching));
    QVERIFY2(told.size() > 3, qPrintable(QStringList(told.begin(), told.end()).join('\n')));
  }

 private:
  void open_window(const QString& sample = {}) {
    WindowOptions options;
    options.state_file = desk::text_of((fixture_->files().folder() / "desktop.ini").string());
    options.sample_folder = sample;
    window_ = std::make_unique<MainWindow>(fixture_->desk(), options);
    window_->show();
    QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
    QVERIFY(fixture_->open());
    Inbox listed(&fixture_->desk().library(), &desk::LibraryWorker::documents_changed);
    fixture_->desk().library().refresh();
    QVERIFY(listed.wait());
  }

  const LibraryCounts& counts() { return window_->library().model().counts(); }

  void add_two_documents() {
    const auto a = fixture_->write("a.md", story("otter", 12));
    const auto b = fixture_->write("b.md", story("seal", 12));
    window_->add_paths({a, b});
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 2, kPatienceMs);
  }

  void drag(const QMimeData& data) {
    QDragEnterEvent enter(QPoint(50, 50), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(window_.get(), &enter);
    QVERIFY(enter.isAccepted());
  }

  void drop(const QMimeData& data) {
    QDropEvent event(QPointF(50, 50), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(window_.get(), &event);
    QVERIFY(event.isAccepted());
  }

  std::unique_ptr<DeskFixture> fixture_;
  std::unique_ptr<MainWindow> window_;
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::WindowTest)
#include "window_test.moc"
