// SPDX-License-Identifier: Apache-2.0
// Documents that could not be read, in the real window: one action for each reason, and ignoring.
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QToolButton>
#include <QTreeView>

#include "tests/ui/window_fixture.h"
#include "ui/library/problem_bar.h"
#include "ui/shell/unfinished_runs.h"

namespace kvlink::ui::tests {

class ProblemsTest : public QObject {
  Q_OBJECT

 private slots:
  void init() {
    window_ = std::make_unique<WindowFixture>();
    QVERIFY(window_->open());
    QVERIFY(window_->add({"otter.md"}));
  }
  void cleanup() { window_.reset(); }

  void a_document_that_needs_a_password_opens_with_it() {
    add_failing("locked.docx", bytes_of("agile.docx"));
    QVERIFY(!bar().isVisible());
    window_->library().show_problems();
    select("locked.docx");
    QVERIFY(bar().isVisible());
    QVERIFY2(reason().contains("needs a password"), qPrintable(reason()));
    QVERIFY(password().isVisible());
    QCOMPARE(password().echoMode(), QLineEdit::Password);
    QVERIFY(!button("problemAct").isEnabled());
    password().setText("a guess");
    QTest::keyClick(&password(), Qt::Key_Return);
    QVERIFY(password().text().isEmpty());
    QTRY_VERIFY2_WITH_TIMEOUT(reason().contains("needs another password"), qPrintable(reason()),
                              kPatienceMs);
    password().setText("heron & reed");
    QVERIFY(button("problemAct").isEnabled());
    button("problemAct").click();
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_ready, 2, kPatienceMs);
    QCOMPARE(window_->counts().n_problems, 0);
    QTRY_VERIFY_WITH_TIMEOUT(!bar().isVisible(), kPatienceMs);
  }

  void a_password_is_in_nothing_that_is_kept_of_a_run() {
    UnfinishedRuns runs;
    runs.begin(1, desk::AddRequest{.paths = {"/a.docx"}, .password = "heron & reed"});
    QVERIFY(!runs.to_json().contains("heron"));
    connect(&window_->library(), &LibraryPanel::run_started, this,
            [this](desk::RequestId, const desk::AddRequest& request) {
              told_ = request.paths.front();
              QVERIFY(request.password.isEmpty());
            });
    window_->library().start({.paths = {"/nowhere.docx"}, .password = "heron & reed"});
    QCOMPARE(told_, QStringLiteral("/nowhere.docx"));
  }

  void a_document_is_tried_again() {
    const QString path = add_failing("bad.md", std::string("\0\1\2\3", 4));
    window_->library().show_problems();
    select("bad.md");
    QVERIFY(!password().isVisible());
    QCOMPARE(button("problemAct").text(), QStringLiteral("Try again"));
    window_->desk_fixture().write("bad.md", app::tests::story("fish", 8));
    button("problemAct").click();
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_ready, 2, kPatienceMs);
    QTRY_VERIFY_WITH_TIMEOUT(!bar().isVisible(), kPatienceMs);
  }

  void what_is_ignored_leaves_the_problems_and_comes_back() {
    add_failing("bad.md", std::string("\0\1\2\3", 4));
    window_->library().show_problems();
    QTRY_COMPARE_WITH_TIMEOUT(window_->model().n_shown(), 1, kPatienceMs);
    select("bad.md");
    button("problemIgnore").click();
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_problems, 0, kPatienceMs);
    QTRY_COMPARE_WITH_TIMEOUT(window_->model().n_shown(), 0, kPatienceMs);
    QTRY_VERIFY(window_->banner_button("Undo") != nullptr);
    window_->banner_button("Undo")->click();
    QTRY_COMPARE_WITH_TIMEOUT(window_->model().n_shown(), 1, kPatienceMs);
    select("bad.md");
    button("problemIgnore").click();
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_problems, 0, kPatienceMs);
    // Over a restart, and told of again from the list of all.
    QVERIFY(window_->open());
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_documents, 2, kPatienceMs);
    QCOMPARE(window_->counts().n_problems, 0);
    select("bad.md");
    QVERIFY(bar().isVisible());
    QVERIFY(!button("problemAct").isVisible());
    QCOMPARE(button("problemIgnore").text(), QStringLiteral("Tell me again"));
    button("problemIgnore").click();
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_problems, 1, kPatienceMs);
  }

  void several_documents_are_dealt_with_together() {
    add_failing("bad.md", std::string("\0\1\2\3", 4));
    add_failing("worse.md", std::string("\0\1\2\3\4", 5));
    window_->library().show_problems();
    window_->library().view().selectAll();
    QVERIFY2(reason().startsWith("2 "), qPrintable(reason()));
    button("problemIgnore").click();
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_problems, 0, kPatienceMs);
  }

 private:
  static std::string bytes_of(const char* name) {
    QFile file(qEnvironmentVariable("KVLINK_SOURCE_DIR") + "/tests/retrieval/encrypted/" + name);
    return file.open(QIODevice::ReadOnly) ? file.readAll().toStdString() : std::string();
  }

  /// Its path. It is among the problems.
  QString add_failing(const char* name, const std::string& bytes) {
    const int n = window_->counts().n_problems + 1;
    const QString path = window_->desk_fixture().write(name, bytes);
    window_->library().start({.paths = {path}});
    const bool failed =
        QTest::qWaitFor([&] { return window_->counts().n_problems == n; }, kPatienceMs);
    return failed ? path : QString();
  }

  void select(const char* name) {
    auto& view = window_->library().view();
    QTRY_VERIFY_WITH_TIMEOUT(window_->document(name).isValid(), kPatienceMs);
    view.setFocus();
    view.clearSelection();
    view.setCurrentIndex(window_->document(name));
  }

  ProblemBar& bar() { return *window_->library().findChild<ProblemBar*>(); }
  QLineEdit& password() { return *bar().findChild<QLineEdit*>("problemPassword"); }
  QPushButton& button(const char* name) {
    return *bar().findChild<QPushButton*>(QString::fromLatin1(name));
  }
  QString reason() { return bar().findChild<QLabel*>("problemReason")->text(); }

  std::unique_ptr<WindowFixture> window_;
  QString told_;
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::ProblemsTest)
#include "problems_test.moc"
