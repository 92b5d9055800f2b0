// SPDX-License-Identifier: Apache-2.0
// The library's list in the real window: collections, several documents at a time, reading again.
#include <QAbstractItemModelTester>
#include <QClipboard>
#include <QDropEvent>
#include <QLineEdit>
#include <QMenu>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QPointer>
#include <QToolButton>
#include <QTreeView>

#include "app/desk/collections.h"
#include "tests/ui/window_fixture.h"

namespace kvlink::ui::tests {

class LibraryPanelTest : public QObject {
  Q_OBJECT

 private slots:
  void init() {
    window_ = std::make_unique<WindowFixture>();
    QVERIFY(window_->open());
    tester_ = std::make_unique<QAbstractItemModelTester>(
        &window_->model(), QAbstractItemModelTester::FailureReportingMode::Fatal);
    QVERIFY(window_->add({"otter.md", "seal.md", "crab.md"}));
  }
  void cleanup() {
    tester_.reset();
    window_.reset();
  }

  void dragged_documents_change_their_collection_and_come_back() {
    make_collection("Swimmers", {"seal.md"});
    QCOMPARE(window_->model().named_collections(), QStringList{"Swimmers"});
    drag({"otter.md"}, collection("Swimmers"));
    QTRY_COMPARE_WITH_TIMEOUT(n_in("Swimmers"), 2, kPatienceMs);
    QTRY_VERIFY(window_->banner_button("Undo") != nullptr);
    window_->banner_button("Undo")->click();
    QTRY_COMPARE_WITH_TIMEOUT(n_in("Swimmers"), 1, kPatienceMs);
    // Back to the folder it lies in.
    const QString folder = window_->document("crab.md").data(LibraryModel::kCollection).toString();
    QVERIFY(folder.startsWith('/'));
    drag({"seal.md"}, collection(folder));
    QTRY_COMPARE_WITH_TIMEOUT(window_->model().named_collections(), QStringList(), kPatienceMs);
    QCOMPARE(n_in(folder), 3);
  }

  void a_collection_is_renamed_in_place_and_kept_over_a_restart() {
    make_collection("Swimmers", {"seal.md", "otter.md"});
    auto& view = window_->library().view();
    view.setFocus();
    view.setCurrentIndex(collection("Swimmers"));
    QTest::keyClick(&view, Qt::Key_F2);
    auto* editor = view.findChild<QLineEdit*>();
    QVERIFY(editor != nullptr);
    editor->setText(" /Fish  eaters ");
    QTest::keyClick(editor, Qt::Key_Return);
    QTRY_COMPARE_WITH_TIMEOUT(window_->model().named_collections(), QStringList{"Fish eaters"},
                              kPatienceMs);
    tester_.reset();
    QVERIFY(window_->open());
    QTRY_COMPARE_WITH_TIMEOUT(n_in("Fish eaters"), 2, kPatienceMs);
    // Read again, a document stays where it was put.
    select({"seal.md"});
    window_->library().reindex_selected();
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_ready, 3, kPatienceMs);
    QCOMPARE(n_in("Fish eaters"), 2);
  }

  void rows_that_come_leave_a_name_alone_while_it_is_typed() {
    make_collection("Swimmers", {"seal.md"});
    auto& view = window_->library().view();
    view.setFocus();
    view.setCurrentIndex(collection("Swimmers"));
    QTest::keyClick(&view, Qt::Key_F2);
    QPointer<QLineEdit> editor = view.findChild<QLineEdit*>();
    QVERIFY(editor != nullptr);
    editor->setText("Fish eaters");
    Inbox finished(&window_->desk().ingest(), &desk::IngestWorker::finished);
    window_->library().start(
        {.paths = {window_->desk_fixture().write("newt.md", app::tests::story("newt", 12))}});
    QVERIFY(finished.wait());
    QTest::qWait(300);  // as long as rows may take
    QVERIFY(editor != nullptr && editor->isVisible());
    QTest::keyClick(editor, Qt::Key_Return);
    QTRY_COMPARE_WITH_TIMEOUT(window_->model().named_collections(), QStringList{"Fish eaters"},
                              kPatienceMs);
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_ready, 4, kPatienceMs);
  }

  void several_documents_are_removed_and_undone_together() {
    select({"otter.md", "seal.md"});
    QTest::keyClick(&window_->library().view(), Qt::Key_Delete);
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_documents, 1, kPatienceMs);
    QTRY_VERIFY(window_->banners_text().contains("2"));
    window_->banner_button("Undo")->click();
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_documents, 3, kPatienceMs);
  }

  void reading_again_reads_what_did_not_change() {
    Inbox finished(&window_->desk().ingest(), &desk::IngestWorker::finished);
    select({"otter.md"});
    QTest::keyClick(&window_->window(), Qt::Key_F5);
    QVERIFY(finished.wait());
    QCOMPARE(finished.last<1>().n_updated, std::int64_t{1});
    QCOMPARE(finished.last<1>().n_unchanged, std::int64_t{0});
    // The same passages keep their blocks.
    QCOMPARE(finished.last<1>().n_blocks_made, std::int64_t{0});
    window_->desk().ingest().add(
        1, {.paths = {window_->document("otter.md").data(LibraryModel::kPath).toString()}});
    QVERIFY(finished.wait());
    QCOMPARE(finished.last<1>().n_unchanged, std::int64_t{1});
  }

  void documents_on_screen_say_how_many_lines_they_have() {
    QTRY_VERIFY2_WITH_TIMEOUT(
        window_->document("otter.md").data(LibraryModel::kDetails).toString().contains("line"),
        qPrintable(window_->document("otter.md").data(LibraryModel::kDetails).toString()),
        kPatienceMs);
  }

  void filters_show_what_is_ready_and_what_failed() {
    const auto bad = window_->desk_fixture().write("bad.md", std::string("\0\1\2\3", 4));
    window_->library().start({.paths = {bad}});
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_problems, 1, kPatienceMs);
    auto* ready = window_->library().findChild<QToolButton*>("filterReady");
    auto* problems = window_->library().findChild<QToolButton*>("filterProblems");
    QVERIFY(problems->text().contains("1"));
    problems->click();
    QCOMPARE(window_->model().n_shown(), 1);
    QVERIFY(!window_->document("bad.md").data(LibraryModel::kDetails).toString().isEmpty());
    ready->click();
    QCOMPARE(window_->model().n_shown(), 3);
    window_->library().findChild<QToolButton*>("filterAll")->click();
    QCOMPARE(window_->model().n_shown(), 4);
  }

  void a_collections_box_is_the_scope_of_a_question() {
    make_collection("Swimmers", {"seal.md", "otter.md"});
    auto& view = window_->library().view();
    view.setFocus();
    view.setCurrentIndex(collection("Swimmers"));
    QTest::keyClick(&view, Qt::Key_Space);
    QCOMPARE(window_->model().checked().size(), std::size_t{2});
    Inbox finished(&window_->desk().answers(), &desk::AnswerWorker::finished);
    auto* question = window_->window().ask().findChild<QPlainTextEdit*>();
    QTest::keyClicks(question, "crab otter seal");
    QTest::keyClick(question, Qt::Key_Return);
    QVERIFY(finished.wait());
    QVERIFY(!finished.last().passages.empty());
    for (const auto& passage : finished.last().passages) {
      QVERIFY2(!passage.path.contains("crab"), qPrintable(passage.path));
    }
  }

  void documents_dropped_on_the_conversation_become_the_scope() {
    const auto index = window_->document("crab.md");
    std::unique_ptr<QMimeData> data(window_->model().mimeData({index}));
    auto* question = window_->window().ask().findChild<QPlainTextEdit*>();
    drop(*question->viewport(), QPointF(5, 5), *data);
    QCOMPARE(window_->model().checked(),
             std::vector<desk::DocumentId>{index.data(LibraryModel::kDocumentId).toLongLong()});
    QVERIFY(question->toPlainText().isEmpty());
  }

  void pasting_into_the_list_adds_files() {
    const auto path = window_->desk_fixture().write("crayfish.md", app::tests::story("fish", 8));
    auto* data = new QMimeData;
    data->setUrls({QUrl::fromLocalFile(path)});
    QApplication::clipboard()->setMimeData(data);
    window_->library().view().setFocus();
    QTest::keyClick(&window_->library().view(), Qt::Key_V, Qt::ControlModifier);
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_ready, 4, kPatienceMs);
  }

  void what_is_added_while_something_is_looked_at_is_added_too() {
    std::vector<QString> paths;
    for (const char* name : {"heron.md", "tern.md"}) {
      paths.push_back(window_->desk_fixture().write(name, app::tests::story(name, 12)));
    }
    window_->library().add_paths({paths[0]});
    window_->library().add_paths({paths[1]});
    QTRY_VERIFY_WITH_TIMEOUT(window_->document("heron.md").isValid(), kPatienceMs);
    QTRY_VERIFY_WITH_TIMEOUT(window_->document("tern.md").isValid(), kPatienceMs);
  }

  void names_from_outside_are_no_markup_and_hide_nothing() {
    const auto path = window_->desk_fixture().write(
        "bad.md", "# <b>bold</b> \u202Egnp.exe\n\n" + app::tests::story("fish", 8));
    window_->library().start({.paths = {path}});
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_ready, 4, kPatienceMs);
    const QModelIndex document = window_->document("bad.md");
    const QString shown = document.data().toString();
    QVERIFY2(shown.contains("<b>bold</b>") && shown.contains("U+202E"), qPrintable(shown));
    QVERIFY(!shown.contains(QChar(0x202E)));
    make_collection("<img src=x> \u202E", {"bad.md"});
    const QString name = window_->model().named_collections().front();
    const QString tooltip = collection(name).data(Qt::ToolTipRole).toString();
    QVERIFY2(!tooltip.contains("<img"), qPrintable(tooltip));
    QVERIFY(!collection(name).data().toString().contains(QChar(0x202E)));
    // The same words in a banner are plain text.
    window_->library().view().setCurrentIndex(window_->document("bad.md"));
    QVERIFY(window_->banners_text().contains("<img src=x>"));
  }

  void a_hostile_collections_file_is_read_as_far_as_it_goes() {
    using desk::Collections;
    QVERIFY(Collections::from_json("not json").is_empty());
    QVERIFY(Collections::from_json(R"({"collections": [1, 2]})").is_empty());
    QVERIFY(Collections::from_json(R"({"collections": {"a": ["relative", 7, {}]}})").is_empty());
    const auto read = Collections::from_json(R"({"collections": {"a\u000ab": ["/x"]}})");
    QCOMPARE(read.of("/x"), QStringLiteral("a b"));
    QCOMPARE(Collections::from_json(read.to_json()).of("/x"), QStringLiteral("a b"));
    QCOMPARE(desk::collection_name(QString(500, 'x')).size(), Collections::kMaxName);
  }

 private:
  QModelIndex collection(const QString& key) { return window_->model().index_of_collection(key); }
  int n_in(const QString& key) {
    const QModelIndex index = collection(key);
    return index.isValid() ? window_->model().rowCount(index) : 0;
  }

  void select(const std::vector<const char*>& names) {
    auto& view = window_->library().view();
    view.setFocus();
    view.clearSelection();
    for (const char* name : names) {
      view.selectionModel()->select(window_->document(name), QItemSelectionModel::Select);
    }
    view.selectionModel()->setCurrentIndex(window_->document(names.front()),
                                           QItemSelectionModel::NoUpdate);
  }

  void make_collection(const char* name, const std::vector<const char*>& documents) {
    std::vector<desk::DocumentId> ids;
    for (const char* document : documents) {
      ids.push_back(window_->document(document).data(LibraryModel::kDocumentId).toLongLong());
    }
    window_->desk().library().move_documents(desk::next_request_id(), ids, name);
    QTRY_COMPARE_WITH_TIMEOUT(n_in(name), int(documents.size()), kPatienceMs);
  }

  /// As the view does it when the mouse is let go over an index.
  void drag(const std::vector<const char*>& names, const QModelIndex& onto) {
    QModelIndexList indexes;
    for (const char* name : names) indexes += window_->document(name);
    std::unique_ptr<QMimeData> data(window_->model().mimeData(indexes));
    auto& view = window_->library().view();
    view.scrollTo(onto);
    drop(*view.viewport(), view.visualRect(onto).center(), *data);
  }

  static void drop(QWidget& onto, QPointF at, const QMimeData& data) {
    const auto copy = Qt::CopyAction;
    QDragEnterEvent enter(at.toPoint(), copy, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(&onto, &enter);
    QDragMoveEvent move(at.toPoint(), copy, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(&onto, &move);
    QVERIFY(move.isAccepted());
    QDropEvent drop(at, copy, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(&onto, &drop);
  }

  std::unique_ptr<WindowFixture> window_;
  std::unique_ptr<QAbstractItemModelTester> tester_;
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::LibraryPanelTest)
#include "library_panel_test.moc"
