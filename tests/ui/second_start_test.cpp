// SPDX-License-Identifier: Apache-2.0
// The program itself, started twice: the second hands its files to the first and ends.
#include <QDir>
#include <QFile>
#include <QProcess>
#include <QTemporaryDir>

#include "tests/ui/desk_fixture.h"

namespace kvlink::ui::tests {

namespace fs = std::filesystem;

class SecondStartTest : public QObject {
  Q_OBJECT

 private slots:
  void the_second_start_brings_its_files_and_ends() {
    QVERIFY(runtime_.isValid());
    const auto a = desk::text_of(files_.write("a.md", app::tests::story("otter", 8)).string());
    const auto b = desk::text_of(files_.write("b.md", app::tests::story("seal", 8)).string());
    QProcess first;
    start(first, a);
    QVERIFY(first.waitForStarted());
    QTRY_VERIFY_WITH_TIMEOUT(!sockets().isEmpty(), kPatienceMs);
    QProcess second;
    start(second, b);
    QVERIFY(second.waitForFinished(kPatienceMs));
    QCOMPARE(second.exitStatus(), QProcess::NormalExit);
    QCOMPARE(second.exitCode(), 0);
    // The first goes on and reads both: each has a block of its own.
    QCOMPARE(first.state(), QProcess::Running);
    QTRY_VERIFY_WITH_TIMEOUT(n_blocks() >= 2, kPatienceMs);
    first.terminate();
    QVERIFY(first.waitForFinished(kPatienceMs));
    QCOMPARE(first.exitStatus(), QProcess::NormalExit);
    const auto session = files_.open();
    QCOMPARE(value_or_throw(session->library().documents()).size(), std::size_t{2});
    QVERIFY(sockets().isEmpty());
  }

 private:
  void start(QProcess& process, const QString& path) {
    auto environment = QProcessEnvironment::systemEnvironment();
    environment.insert("XDG_RUNTIME_DIR", runtime_.path());
    process.setProcessEnvironment(environment);
    process.setProcessChannelMode(QProcess::ForwardedErrorChannel);
    const auto folders = files_.paths();
    process.start(KVLINK_DESKTOP,
                  {"--data-dir", desk::text_of(folders.data.string()), "--models-dir",
                   desk::text_of(folders.models.string()), "--threads", "1", path});
  }

  QStringList sockets() const {
    return QDir(runtime_.path()).entryList({"kvlink-*.socket"}, QDir::System);
  }

  int n_blocks() const {
    int n = 0;
    std::error_code error;
    for (fs::recursive_directory_iterator at(files_.paths().data / "kv" / "blocks", error), end;
         !error && at != end; at.increment(error)) {
      n += at->path().extension() == ".kv" ? 1 : 0;
    }
    return n;
  }

  app::tests::TinyLibrary files_;
  QTemporaryDir runtime_;
};

}  // namespace kvlink::ui::tests

QTEST_GUILESS_MAIN(kvlink::ui::tests::SecondStartTest)
#include "second_start_test.moc"
