// SPDX-License-Identifier: Apache-2.0
// What comes into the window: text, paths and addresses of files that are dropped, models, and
// callers at its socket.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <QApplication>
#include <QDialogButtonBox>
#include <QDragEnterEvent>
#include <QFile>
#include <QFileDialog>
#include <QLineEdit>
#include <QListView>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QSettings>
#include <QTemporaryDir>
#include <QTreeView>
#include <cstring>
#include <future>

#include "tests/ui/window_fixture.h"
#include "ui/ask/source_view.h"
#include "ui/inspect/model_table.h"
#include "ui/inspect/models_page.h"
#include "ui/shell/single_instance.h"

namespace kvlink::ui::tests {

namespace fs = std::filesystem;

class WindowIntakeTest : public QObject {
  Q_OBJECT

 private slots:
  void initTestCase() {
    // A dialog of the desktop's own cannot be driven from here.
    QCoreApplication::setAttribute(Qt::AA_DontUseNativeDialogs);
  }
  void init() {
    window_ = std::make_unique<WindowFixture>();
    QVERIFY(window_->open());
  }
  void cleanup() { window_.reset(); }

  void dropped_text_becomes_a_note() {
    QMimeData data;
    data.setText(QString::fromStdString(app::tests::story("otter", 8)));
    // On the list, and on the field that shows a source: neither is a place for text.
    drop(data, window_->library().view().viewport());
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_ready, 1, kPatienceMs);
    data.setText(QString::fromStdString(app::tests::story("seal", 8)));
    drop(data, window_->window().findChild<SourceView*>()->viewport());
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_ready, 2, kPatienceMs);
  }

  void dropped_paths_and_addresses_of_files_are_added_data() {
    QTest::addColumn<QString>("before");
    QTest::newRow("path") << QString();
    QTest::newRow("address of a file") << QStringLiteral("file://");
  }

  void dropped_paths_and_addresses_of_files_are_added() {
    QFETCH(QString, before);
    const auto a = window_->desk_fixture().write("a.md", app::tests::story("otter", 8));
    const auto b = window_->desk_fixture().write("b.md", app::tests::story("seal", 8));
    QMimeData data;
    data.setText(before + a + QLatin1Char('\n') + before + b);
    drop(data, &window_->window());
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_ready, 2, kPatienceMs);
    QVERIFY(window_->document("a.md").isValid());
  }

  void a_folder_dropped_on_the_list_of_models_is_a_model() {
    const auto folder = window_->desk_fixture().files().folder() / "elsewhere" / "some-model";
    fs::create_directories(folder);
    fs::copy(fs::path(std::getenv("KVLINK_SOURCE_DIR")) / "tests/golden/tiny/qwen3", folder,
             fs::copy_options::overwrite_existing);
    window_->window().findChild<QAction*>("settings")->trigger();
    auto* page = window_->window().findChild<ModelsPage*>();
    QVERIFY(page->isVisible());
    QMimeData data;
    data.setUrls({QUrl::fromLocalFile(desk::text_of(folder.string()))});
    drop(data, page);
    QTRY_VERIFY_WITH_TIMEOUT(has_model(*page, "some-model"), kPatienceMs);
    QVERIFY(window_->window().shows_settings());
    QCOMPARE(window_->counts().n_documents, 0);
  }

  void chosen_files_are_added_by_keyboard() {
    window_->desk_fixture().write("chosen/a.md", app::tests::story("otter", 8));
    window_->desk_fixture().write("chosen/b.md", app::tests::story("seal", 8));
    QTest::keyClick(&window_->window(), Qt::Key_O, Qt::ControlModifier);
    auto* dialog = chooser();
    QVERIFY(dialog != nullptr && dialog->isVisible());
    // Once more while it is open: still one.
    window_->window().findChild<QAction*>("addFiles")->trigger();
    QCOMPARE(window_->window().findChildren<QFileDialog*>().size(), 1);
    dialog->setDirectory(
        desk::text_of(window_->desk_fixture().files().document("chosen").string()));
    auto* list = dialog->findChild<QListView*>(QStringLiteral("listView"));
    QVERIFY(list != nullptr);
    QTRY_COMPARE(list->model()->rowCount(list->rootIndex()), 2);
    list->setFocus();
    QTest::keyClick(list, Qt::Key_A, Qt::ControlModifier);
    QTRY_COMPARE(dialog->selectedFiles().size(), 2);
    dialog->findChild<QDialogButtonBox*>()->button(QDialogButtonBox::Open)->click();
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_ready, 2, kPatienceMs);
    QTRY_VERIFY(chooser() == nullptr);
    QVERIFY(window_->document("chosen/a.md").isValid());
  }

  void a_chosen_folder_is_shown_before_it_is_read() {
    window_->desk_fixture().write("chosen/a.md", app::tests::story("otter", 8));
    window_->desk_fixture().write("chosen/b.md", app::tests::story("seal", 8));
    QTest::keyClick(&window_->window(), Qt::Key_O, Qt::ControlModifier | Qt::ShiftModifier);
    auto* dialog = chooser();
    QVERIFY(dialog != nullptr && dialog->isVisible());
    dialog->setDirectory(desk::text_of(window_->desk_fixture().files().document("").string()));
    dialog->selectFile(QStringLiteral("chosen"));
    dialog->findChild<QDialogButtonBox*>()->button(QDialogButtonBox::Open)->click();
    auto* start = window_->library().findChild<QPushButton*>(QStringLiteral("preScanStart"));
    QTRY_VERIFY_WITH_TIMEOUT(start->isVisible(), kPatienceMs);
    QCOMPARE(window_->counts().n_documents, 0);
    start->click();
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_ready, 2, kPatienceMs);
  }

  void escape_closes_the_choice_of_files_and_nothing_happens() {
    auto* question = window_->window().ask().findChild<QPlainTextEdit*>();
    question->setPlainText("What has the");
    QTest::keyClick(&window_->window(), Qt::Key_O, Qt::ControlModifier);
    auto* dialog = chooser();
    QVERIFY(dialog != nullptr && dialog->isVisible());
    auto* name = dialog->findChild<QLineEdit*>(QStringLiteral("fileNameEdit"));
    QTest::keyClicks(name, "a.md");
    QTest::keyClick(name, Qt::Key_Escape);
    QTRY_VERIFY(chooser() == nullptr);
    QTest::qWait(50);
    QCOMPARE(window_->counts().n_documents, 0);
    QVERIFY(window_->banners_text().isEmpty());
    QCOMPARE(question->toPlainText(), QString("What has the"));
    // And it opens again.
    window_->window().activateWindow();
    QVERIFY(QTest::qWaitForWindowActive(&window_->window()));
    QTest::keyClick(&window_->window(), Qt::Key_O, Qt::ControlModifier);
    QVERIFY(chooser() != nullptr);
    QTest::keyClick(chooser(), Qt::Key_Escape);
    QTRY_VERIFY(chooser() == nullptr);
  }

  void models_and_documents_may_come_together() {
    const auto folder = window_->desk_fixture().files().folder() / "elsewhere";
    const auto tiny = window_->desk_fixture().files().paths().models / "tiny.gguf";
    fs::create_directories(folder);
    for (const char* name : {"one.gguf", "two.gguf"}) fs::copy_file(tiny, folder / name);
    QMimeData data;
    data.setUrls({QUrl::fromLocalFile(desk::text_of((folder / "one.gguf").string())),
                  QUrl::fromLocalFile(desk::text_of((folder / "two.gguf").string())),
                  QUrl::fromLocalFile(
                      window_->desk_fixture().write("a.md", app::tests::story("otter", 8)))});
    drop(data, &window_->window());
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_ready, 1, kPatienceMs);
    auto* page = window_->window().findChild<ModelsPage*>();
    QVERIFY(window_->window().shows_settings());
    QTRY_VERIFY_WITH_TIMEOUT(has_model(*page, "one.gguf") && has_model(*page, "two.gguf"),
                             kPatienceMs);
  }

  void files_that_wait_for_a_model_wait_for_the_next_start_too() {
    const auto model = window_->desk_fixture().files().paths().models / "tiny.gguf";
    const auto aside = model.string() + ".aside";
    window_->close();
    fs::rename(model, aside);
    QVERIFY(window_->open());
    QVERIFY(window_->desk().state() == desk::DeskState::kNoModel);
    window_->window().add_paths(
        {window_->desk_fixture().write("a.md", app::tests::story("otter", 8))});
    QVERIFY2(window_->banners_text().contains("will wait"), qPrintable(window_->banners_text()));
    // As much as a process that is killed now would leave behind.
    const auto kept = [this] {
      return QSettings(window_->state_file(), QSettings::IniFormat).value("session/waiting");
    };
    QTRY_COMPARE_WITH_TIMEOUT(kept().toStringList().size(), 1, kPatienceMs);
    window_->close();
    fs::rename(aside, model);
    QVERIFY(window_->open());
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_ready, 1, kPatienceMs);
    QVERIFY(kept().toStringList().isEmpty());
  }

  void files_that_come_while_the_library_opens_are_said_to_wait() {
    window_->desk().open();
    window_->window().add_paths(
        {window_->desk_fixture().write("a.md", app::tests::story("otter", 8))});
    QVERIFY2(window_->banners_text().contains("will wait"), qPrintable(window_->banners_text()));
    QTRY_COMPARE_WITH_TIMEOUT(window_->counts().n_ready, 1, kPatienceMs);
    QVERIFY(!window_->banners_text().contains("will wait"));
  }

  /// The window goes on while somebody is slow to say what they want.
  void a_caller_that_pauses_is_heard_to_the_end() {
    QTemporaryDir runtime;
    SingleInstance instance(runtime.path(), "/x");
    QVERIFY(instance.listen());
    std::vector<std::vector<QString>> calls;
    connect(&instance, &SingleInstance::handed_over, this,
            [&](const std::vector<QString>& paths) { calls.push_back(paths); });
    const int silent = call(instance.socket_path());
    const int slow = call(instance.socket_path());
    QVERIFY(silent >= 0 && slow >= 0);
    say(slow, QByteArray("kvlink 1\0/a fi", 14));
    QTest::qWait(50);
    const SingleInstance other(runtime.path(), "/x");
    auto taken = std::async(std::launch::async, [&] { return other.hand_over({"/other"}); });
    QTRY_COMPARE(calls.size(), std::size_t{1});
    QVERIFY(taken.get());
    QCOMPARE(calls[0], std::vector<QString>{"/other"});
    say(slow, "le");
    ::close(slow);
    QTRY_COMPARE(calls.size(), std::size_t{2});
    QCOMPARE(calls[1], std::vector<QString>{"/a file"});
    // Who greets with something else, or says nothing, is not heard at all.
    say(silent, "GET / HTTP/1.1");
    ::close(silent);
    QTest::qWait(50);
    QCOMPARE(calls.size(), std::size_t{2});
  }

 private:
  QFileDialog* chooser() {
    return window_->window().findChild<QFileDialog*>(QStringLiteral("chooser"));
  }

  /// As a mouse would: on the widget, or on what it lies in when that does not want it.
  void drop(const QMimeData& data, QWidget* on) {
    for (QWidget* widget = on; widget != nullptr; widget = widget->parentWidget()) {
      QDragEnterEvent enter(QPoint(5, 5), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
      enter.ignore();
      QApplication::sendEvent(widget, &enter);
      if (!enter.isAccepted()) continue;
      QDropEvent event(QPointF(5, 5), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
      QApplication::sendEvent(widget, &event);
      return;
    }
    QTest::qFail("nobody takes the drop", __FILE__, __LINE__);
  }

  static bool has_model(ModelsPage& page, const char* name) {
    for (int row = 0; row < page.table().rowCount(); ++row) {
      if (page.table().item(row).found.name.find(name) != std::string::npos) return true;
    }
    return false;
  }

  static int call(const QString& path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    const QByteArray name = QFile::encodeName(path);
    std::memcpy(address.sun_path, name.constData(), static_cast<std::size_t>(name.size()));
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    return ::connect(descriptor, generic, sizeof(address)) == 0 ? descriptor : -1;
  }

  static void say(int descriptor, const QByteArray& words) {
    QCOMPARE(::send(descriptor, words.constData(), static_cast<std::size_t>(words.size()), 0),
             static_cast<ssize_t>(words.size()));
  }

  std::unique_ptr<WindowFixture> window_;
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::WindowIntakeTest)
#include "window_intake_test.moc"
