// SPDX-License-Identifier: Apache-2.0
// The list of documents as a model: what it shows, and that a hundred thousand rows stay fast.
#include "ui/library/library_model.h"

#include <QAbstractItemModelTester>
#include <QElapsedTimer>
#include <QLabel>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>
#include <QTreeView>
#include <map>
#include <random>

#include "ui/library/document_delegate.h"

namespace kvlink::ui::tests {

using desk::DocumentRow;
using desk::DocumentsChange;
using desk::DocumentStage;

namespace {

DocumentRow document(desk::DocumentId id, const QString& path,
                     DocumentStage stage = DocumentStage::kReady) {
  DocumentRow row;
  row.id = id;
  row.path = path;
  row.title = path.section(QLatin1Char('/'), -1);
  row.stage = stage;
  row.n_chunks = 4;
  row.file_bytes = 1000;
  return row;
}

DocumentsChange all(std::vector<DocumentRow> rows) {
  DocumentsChange change;
  change.all = std::make_shared<const std::vector<DocumentRow>>(std::move(rows));
  return change;
}

/// Titles as shown: "folder: a, b".
QStringList shown(const LibraryModel& model) {
  QStringList lines;
  for (int i = 0; i < model.rowCount(); ++i) {
    const QModelIndex top = model.index(i, 0);
    QStringList names;
    for (int j = 0; j < model.rowCount(top); ++j) names += model.index(j, 0, top).data().toString();
    lines += top.data().toString() + QStringLiteral(": ") + names.join(QStringLiteral(", "));
  }
  return lines;
}

std::vector<DocumentRow> many(int n) {
  std::vector<DocumentRow> rows;
  rows.reserve(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) {
    rows.push_back(document(
        i + 1, QStringLiteral("/library/folder %1/document number %2.md").arg(i / 500).arg(i),
        i % 50 == 0 ? DocumentStage::kFailed : DocumentStage::kReady));
  }
  return rows;
}

}  // namespace

class LibraryModelTest : public QObject {
  Q_OBJECT

 private slots:
  void init() {
    model_ = std::make_unique<LibraryModel>();
    tester_ = std::make_unique<QAbstractItemModelTester>(
        model_.get(), QAbstractItemModelTester::FailureReportingMode::QtTest);
  }
  void cleanup() {
    tester_.reset();
    model_.reset();
  }

  void groups_documents_by_folder_and_keeps_single_files_last() {
    model_->apply(
        all({document(1, "/a/x/one.md"), document(2, "/a/x/two.md"), document(3, "/b/alone.txt"),
             document(4, "/a/z/c.md"), document(5, "/a/z/B.md")}));
    QCOMPARE(shown(*model_),
             (QStringList{"x: one.md, two.md", "z: B.md, c.md", "Single files: alone.txt"}));
    QCOMPARE(model_->counts().n_documents, 5);
  }

  void updates_a_row_without_a_reset() {
    model_->apply(all({document(1, "/a/one.md"), document(2, "/a/two.md")}));
    QSignalSpy resets(model_.get(), &QAbstractItemModel::modelReset);
    QSignalSpy changes(model_.get(), &QAbstractItemModel::dataChanged);
    DocumentsChange change;
    change.changed = {document(1, "/a/one.md", DocumentStage::kCaching)};
    model_->apply(change);
    QCOMPARE(resets.count(), 0);
    QCOMPARE(changes.count(), 1);
    QCOMPARE(model_->index_of("/a/one.md").data(LibraryModel::kStage).toInt(),
             int(DocumentStage::kCaching));
    QCOMPARE(model_->counts().n_in_work, 1);
    // The same again is no change.
    model_->apply(change);
    QCOMPARE(changes.count(), 1);
  }

  void takes_new_and_removed_rows() {
    model_->apply(all({document(1, "/a/one.md"), document(2, "/a/two.md")}));
    DocumentsChange change;
    change.changed = {document(0, "/a/three.md", DocumentStage::kQueued)};
    change.removed = {QStringLiteral("/a/one.md")};
    model_->apply(change);
    QCOMPARE(shown(*model_), QStringList{"a: three.md, two.md"});
    QVERIFY(!model_->index_of("/a/one.md").isValid());
  }

  void filters_by_state_and_by_words() {
    model_->apply(
        all({document(1, "/a/good one.md"), document(2, "/a/bad one.md", DocumentStage::kFailed),
             document(3, "/a/warm.md", DocumentStage::kWarm),
             document(4, "/a/new.md", DocumentStage::kSearchable)}));
    model_->set_filter(LibraryFilter::kReady);
    QCOMPARE(shown(*model_), QStringList{"a: good one.md, warm.md"});
    model_->set_filter(LibraryFilter::kProblems);
    QCOMPARE(shown(*model_), QStringList{"a: bad one.md"});
    model_->set_filter(LibraryFilter::kAll);
    model_->set_search("ONE bad");
    QCOMPARE(shown(*model_), QStringList{"a: bad one.md"});
    model_->set_search("nowhere");
    QCOMPARE(model_->n_shown(), 0);
    QCOMPARE(model_->rowCount(), 0);
    model_->set_search({});
    QCOMPARE(model_->n_shown(), 4);
  }

  void the_filter_of_what_is_ready_follows_what_becomes_ready() {
    model_->apply(
        all({document(1, "/a/ready.md"), document(2, "/a/new.md", DocumentStage::kSearchable)}));
    model_->set_filter(LibraryFilter::kReady);
    QCOMPARE(shown(*model_), QStringList{"a: ready.md"});
    DocumentsChange change;
    change.changed = {document(2, "/a/new.md", DocumentStage::kReady)};
    model_->apply(change);
    QTRY_COMPARE(shown(*model_), QStringList{"a: new.md, ready.md"});
    // What is tried again stays where it is until that has an end.
    change.changed = {document(1, "/a/ready.md", DocumentStage::kEmbedding)};
    model_->apply(change);
    QCOMPARE(model_->n_shown(), 2);
  }

  void what_was_read_without_some_pages_is_among_the_problems() {
    auto partly = document(1, "/a/scan.pdf", DocumentStage::kReady);
    partly.remedy = app::Remedy::kRetry;
    auto in_work = document(2, "/a/again.pdf", DocumentStage::kQueued);
    in_work.remedy = app::Remedy::kRetry;
    auto pictures = document(3, "/a/pictures.pdf", DocumentStage::kReady);
    pictures.remedy = app::Remedy::kRecognise;
    model_->apply(all({partly, in_work, pictures}));
    QCOMPARE(model_->counts().n_problems, 1);
    QCOMPARE(model_->counts().n_ready, 2);
    model_->set_filter(LibraryFilter::kProblems);
    QCOMPARE(shown(*model_), QStringList{"a: scan.pdf"});
  }

  void checks_make_the_scope() {
    model_->apply(all({document(1, "/a/one.md"), document(2, "/a/two.md"), document(3, "/b/x.md"),
                       document(4, "/b/y.md")}));
    QSignalSpy changes(model_.get(), &LibraryModel::checked_changed);
    const QModelIndex folder = model_->index(0, 0);
    QVERIFY(model_->setData(model_->index_of("/a/two.md"), Qt::Checked, Qt::CheckStateRole));
    QCOMPARE(model_->checked(), std::vector<desk::DocumentId>{2});
    QCOMPARE(folder.data(Qt::CheckStateRole).toInt(), int(Qt::PartiallyChecked));
    QVERIFY(model_->setData(folder, Qt::Checked, Qt::CheckStateRole));
    QCOMPARE(model_->checked(), (std::vector<desk::DocumentId>{1, 2}));
    QCOMPARE(model_->checked_paths(), (std::vector<QString>{"/a/one.md", "/a/two.md"}));
    QCOMPARE(changes.count(), 2);
    // A checked document that leaves the library leaves the scope.
    DocumentsChange change;
    change.removed = {QStringLiteral("/a/one.md")};
    model_->apply(change);
    QCOMPARE(model_->checked(), std::vector<desk::DocumentId>{2});
    model_->clear_checked();
    QVERIFY(model_->checked().empty());
  }

  void shows_the_chip_in_the_rows_own_words_and_how_long_a_document_is() {
    auto row = document(1, "/a/x.md", DocumentStage::kSearchable);
    row.n_cached = 1;  // of four
    model_->apply(all({row, document(2, "/a/y.md")}));
    const QModelIndex index = model_->index_of("/a/x.md");
    QCOMPARE(index.data(LibraryModel::kStageWords).toString(), QString("cached 25 %"));
    const auto details = [&] { return index.data(LibraryModel::kDetails).toString(); };
    QVERIFY(!details().contains("320"));
    QSignalSpy changes(model_.get(), &QAbstractItemModel::dataChanged);
    model_->set_extents({{1, retrieval::PlaceKind::kLine, 320}, {99, {}, 1}});
    QCOMPARE(changes.count(), 1);
    QVERIFY2(details().contains("320"), qPrintable(details()));
    // Another text has another length; another chip has not.
    row.n_cached = 2;
    model_->apply({.all = {}, .changed = {row}, .removed = {}});
    QVERIFY(model_->extent_of(1) != nullptr);
    row.n_tokens += 10;
    model_->apply({.all = {}, .changed = {row}, .removed = {}});
    QVERIFY(model_->extent_of(1) == nullptr);
  }

  void rows_that_come_or_change_their_title_are_put_where_they_belong() {
    std::vector<DocumentRow> rows;
    for (const char* name : {"b", "d", "f", "h", "j"}) {
      rows.push_back(document(rows.size() + 1, QStringLiteral("/a/%1.md").arg(name)));
    }
    model_->apply(all(rows));
    auto renamed = rows[0];
    renamed.title = "z.md";
    DocumentsChange change;
    change.changed = {renamed, document(0, "/a/i.md"), document(0, "/a/c.md"),
                      document(0, "/a/a.md")};
    model_->apply(change);
    QCOMPARE(shown(*model_), QStringList{"a: a.md, c.md, d.md, f.md, h.md, i.md, j.md, z.md"});
    QCOMPARE(model_->index_of("/a/b.md").data().toString(), QString("z.md"));
  }

  void rows_that_go_leave_the_others_what_they_were() {
    std::vector<DocumentRow> rows;
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
      rows.push_back(document(desk::DocumentId(rows.size()) + 1,
                              QStringLiteral("/x/%1.md").arg(QLatin1String(name))));
    }
    model_->apply(all(rows));
    model_->set_checked({2, 6});
    DocumentsChange change;
    // The last, its neighbour, one in the middle, one twice, one that is not there.
    for (const char* name : {"f", "b", "e", "b", "nothing"}) {
      change.removed.push_back(QStringLiteral("/x/%1.md").arg(QLatin1String(name)));
    }
    change.changed = {document(9, "/x/bb.md")};
    model_->apply(change);
    QCOMPARE(shown(*model_), QStringList{"x: a.md, bb.md, c.md, d.md"});
    for (const char* name : {"a", "bb", "c", "d"}) {
      const auto path = QStringLiteral("/x/%1.md").arg(QLatin1String(name));
      QCOMPARE(model_->index_of(path).data(LibraryModel::kPath).toString(), path);
    }
    // By its number, too; and what changes is the row that was meant.
    QCOMPARE(model_->index_of_document(4).data().toString(), QString("d.md"));
    DocumentsChange failed;
    failed.changed = {document(4, "/x/d.md", DocumentStage::kFailed)};
    model_->apply(failed);
    QCOMPARE(model_->counts().n_problems, 1);
    model_->set_filter(LibraryFilter::kProblems);
    QCOMPARE(shown(*model_), QStringList{"x: d.md"});
  }

  void random_changes_give_what_a_new_list_would() {
    std::mt19937 random(7);
    std::map<QString, DocumentRow> kept;
    const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    for (int round = 0; round < 120; ++round) {
      DocumentsChange change;
      for (int i = pick(6); i > 0; --i) {
        auto row = document(pick(90) + 1, {});
        row.path = QStringLiteral("/%1/%2.md").arg(row.id % 7).arg(row.id);
        row.title = QStringLiteral("title %1").arg(pick(1000));
        if (pick(5) == 0) row.collection = QStringLiteral("Named %1").arg(pick(2));
        change.changed.push_back(row);
      }
      for (int i = pick(4); i > 0; --i) {
        const int id = pick(90) + 1;
        change.removed.push_back(QStringLiteral("/%1/%2.md").arg(id % 7).arg(id));
      }
      model_->apply(change);
      for (const auto& path : change.removed) kept.erase(path);
      for (const auto& row : change.changed) kept[row.path] = row;
      if (round % 10 != 9) continue;
      // A row that is new puts those that got another title in their places as well.
      DocumentsChange last;
      last.changed = {document(1000 + round, QStringLiteral("/last/%1.md").arg(round))};
      model_->apply(last);
      kept[last.changed[0].path] = last.changed[0];
      std::vector<DocumentRow> rows;
      for (const auto& [path, row] : kept) rows.push_back(row);
      std::sort(rows.begin(), rows.end(), desk::comes_before);
      LibraryModel anew;
      anew.apply(all(rows));
      QCOMPARE(shown(*model_), shown(anew));
      QCOMPARE(model_->counts().n_documents, anew.counts().n_documents);
    }
  }

  void says_why_a_document_failed() {
    auto row = document(1, "/a/x.md", DocumentStage::kFailed);
    row.reason = QStringLiteral("there is no text in it");
    model_->apply(all({row, document(2, "/a/y.md")}));
    const QModelIndex index = model_->index_of("/a/x.md");
    QCOMPARE(index.data(LibraryModel::kDetails).toString(), row.reason);
    QVERIFY(index.data(Qt::ToolTipRole).toString().contains(row.reason));
    QVERIFY(index.data(Qt::AccessibleTextRole).toString().contains("failed"));
  }

  void never_takes_a_name_for_markup() {
    model_->apply(all({document(1, "/a/<b>x</b>.md"), document(2, "/a/y.md")}));
    const QString tip = model_->index(0, 0, model_->index(0, 0)).data(Qt::ToolTipRole).toString();
    QVERIFY2(!tip.contains("<b>"), qPrintable(tip));
  }

  void a_hundred_thousand_rows_stay_fast() {
    tester_.reset();  // walks every row at every change
    const auto rows = many(100'000);
    QTreeView view;
    view.setModel(model_.get());
    view.setItemDelegate(new DocumentDelegate(&view));
    view.setUniformRowHeights(true);
    view.resize(320, 800);
    connect(model_.get(), &QAbstractItemModel::modelReset, &view, [&] { view.expandAll(); });
    view.show();
    QVERIFY(QTest::qWaitForWindowExposed(&view));
    const auto milliseconds = [&](const std::function<void()>& work) {
      QSignalSpy settled(model_.get(), &LibraryModel::settled);
      QElapsedTimer clock;
      clock.start();
      work();
      if (settled.isEmpty()) settled.wait();
      view.grab();
      return static_cast<double>(clock.nsecsElapsed()) / 1e6;
    };
    const double fill = milliseconds([&] { model_->apply(all(rows)); });
    const double search = milliseconds([&] { model_->set_search("number 99"); });
    const int n_found = model_->n_shown();
    const double clear = milliseconds([&] { model_->set_search({}); });
    const double filter = milliseconds([&] { model_->set_filter(LibraryFilter::kProblems); });
    milliseconds([&] { model_->set_filter(LibraryFilter::kAll); });
    const double again = milliseconds([&] { model_->apply(all(rows)); });
    auto* bar = view.verticalScrollBar();
    double scroll = 0;
    for (int i = 1; i <= 20; ++i) {
      QElapsedTimer clock;
      clock.start();
      bar->setValue(bar->maximum() * i / 20);
      view.grab();
      scroll = std::max(scroll, static_cast<double>(clock.nsecsElapsed()) / 1e6);
    }
    qInfo(
        "100,000 documents: first %.0f ms, same snapshot %.0f ms, search %.0f ms, all again "
        "%.0f ms, problems %.0f ms, one scroll step at most %.1f ms",
        fill, again, search, clear, filter, scroll);
    const auto n_expected = std::count_if(rows.begin(), rows.end(), [](const DocumentRow& row) {
      return row.path.contains(QStringLiteral("99"));
    });
    QCOMPARE(n_found, static_cast<int>(n_expected));
    QCOMPARE(model_->n_shown(), 100'000);
  }

 private:
  std::unique_ptr<LibraryModel> model_;
  std::unique_ptr<QAbstractItemModelTester> tester_;
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::LibraryModelTest)
#include "library_model_test.moc"
