// SPDX-License-Identifier: Apache-2.0
// Folders that the window follows: files come, change, go and move without anybody asking.
#include "ui/shell/followed_folders.h"

#include <QCheckBox>
#include <QDir>
#include <QFile>
#include <QTreeView>
#include <filesystem>

#include "tests/ui/window_fixture.h"
#include "ui/library/pre_scan_card.h"

namespace kvlink::ui::tests {

class FollowedFoldersTest : public QObject {
  Q_OBJECT

 private slots:
  void init() {
    window_ = std::make_unique<WindowFixture>();
    QVERIFY(window_->open());
    write("otter.md");
    write("seal.md");
    window_->library().add_paths({folder()});
    auto& card = window_->library().card();
    QTRY_VERIFY_WITH_TIMEOUT(start()->isVisible(), kPatienceMs);
    QVERIFY(card.findChild<QCheckBox*>("preScanFollow")->isVisible());
    QVERIFY(card.findChild<QCheckBox*>("preScanFollow")->isChecked());
    start()->click();
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_ready, 2, kPatienceMs);
    QCOMPARE(window_->window().followed_folders().folders(), std::vector<QString>{folder()});
  }
  void cleanup() { window_.reset(); }

  void a_new_file_is_read_and_a_deleted_one_goes() {
    write("heron.md");
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_ready, 3, kPatienceMs);
    QVERIFY(QFile::remove(folder() + "/seal.md"));
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_documents, 2, kPatienceMs);
    QVERIFY(!document("seal.md").isValid());
    QVERIFY(document("heron.md").isValid());
  }

  void a_renamed_file_stays_the_same_document() {
    const auto id = document("otter.md").data(LibraryModel::kDocumentId);
    QVERIFY(id.isValid());
    QVERIFY(QFile::rename(folder() + "/otter.md", folder() + "/lutra.md"));
    QTRY_VERIFY_WITH_TIMEOUT(document("lutra.md").isValid(), kPatienceMs);
    QTRY_VERIFY_WITH_TIMEOUT(!document("otter.md").isValid(), kPatienceMs);
    QCOMPARE(document("lutra.md").data(LibraryModel::kDocumentId), id);
  }

  void what_happened_while_the_window_was_closed_is_found_at_the_next_start() {
    window_->close();
    write("heron.md");
    QVERIFY(QFile::remove(folder() + "/seal.md"));
    QVERIFY(window_->open());
    QTRY_VERIFY_WITH_TIMEOUT(document("heron.md").isValid(), kPatienceMs);
    QTRY_VERIFY_WITH_TIMEOUT(!document("seal.md").isValid(), kPatienceMs);
    QVERIFY(document("otter.md").isValid());
  }

  void a_document_that_was_removed_does_not_come_back() {
    remove("seal.md");
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_documents, 1, kPatienceMs);
    QVERIFY(window_->open());
    write("heron.md");  // shows that the folder was looked at
    QTRY_VERIFY_WITH_TIMEOUT(document("heron.md").isValid(), kPatienceMs);
    QVERIFY(!document("seal.md").isValid());
    window_->library().start({.paths = {folder() + "/seal.md"}});
    QTRY_VERIFY_WITH_TIMEOUT(document("seal.md").isValid(), kPatienceMs);
    QVERIFY(window_->open());
    write("tern.md");
    QTRY_VERIFY_WITH_TIMEOUT(document("tern.md").isValid(), kPatienceMs);
    QVERIFY(document("seal.md").isValid());
  }

  void a_folder_is_followed_no_more_when_the_user_says_so() {
    window_->window().followed_folders().remove(folder());
    QVERIFY(window_->open());
    QVERIFY(window_->window().followed_folders().folders().empty());
    write("heron.md");
    QTest::qWait(1500);  // three times what it takes to be told
    QVERIFY(!document("heron.md").isValid());
    QCOMPARE(window_->counts().n_documents, 2);
  }

 private:
  QString folder() {
    const auto made = window_->desk_fixture().files().folder() / "followed";
    std::filesystem::create_directories(made);
    return desk::text_of(std::filesystem::canonical(made).string());
  }
  void write(const char* name) {
    QFile file(folder() + '/' + name);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(app::tests::story(name, 12).c_str());
  }
  QModelIndex document(const QString& name) {
    return window_->model().index_of(folder() + '/' + name);
  }
  void remove(const QString& name) {
    auto& view = window_->library().view();
    view.setCurrentIndex(document(name));
    window_->library().remove_selected();
  }
  QPushButton* start() { return window_->library().card().findChild<QPushButton*>("preScanStart"); }

  std::unique_ptr<WindowFixture> window_;
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::FollowedFoldersTest)
#include "followed_folders_test.moc"
