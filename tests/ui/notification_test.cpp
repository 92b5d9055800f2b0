// SPDX-License-Identifier: Apache-2.0
// The desktop's notification and file manager, played by this test on a bus of its own.
#include "ui/inspect/reveal_file.h"
#include "ui/shell/notification.h"

#include <QDBusConnection>
#include <QDBusConnectionInterface>
#include <QDBusMessage>
#include <QDBusVirtualObject>
#include <QProcess>
#include <QStandardPaths>
#include <QTest>
#include <deque>

namespace kvlink::ui::tests {

/// Answers every call with 1 and remembers it.
class Listener : public QDBusVirtualObject {
 public:
  using QDBusVirtualObject::QDBusVirtualObject;
  QString introspect(const QString&) const override { return {}; }
  bool handleMessage(const QDBusMessage& message, const QDBusConnection& connection) override {
    messages.push_back(message);
    connection.send(message.createReply(1U));
    return true;
  }
  std::deque<QDBusMessage> messages;
};

class NotificationTest : public QObject {
  Q_OBJECT

 private slots:
  /// Before anything asks for the session bus: Qt connects once.
  void initTestCase() {
    const QString daemon = QStandardPaths::findExecutable("dbus-daemon");
    if (daemon.isEmpty()) QSKIP("dbus-daemon is not installed");
    bus_.start(daemon, {"--session", "--nofork", "--print-address=1"});
    QVERIFY(bus_.waitForStarted());
    QVERIFY(bus_.waitForReadyRead(10'000));
    qputenv("DBUS_SESSION_BUS_ADDRESS", bus_.readLine().trimmed());
    auto bus = QDBusConnection::connectToBus(QDBusConnection::SessionBus, "desktop");
    QVERIFY(bus.isConnected());
    QVERIFY(bus.registerService("org.freedesktop.Notifications"));
    QVERIFY(bus.registerService("org.freedesktop.FileManager1"));
    QVERIFY(bus.registerVirtualObject("/", &desktop_, QDBusConnection::SubPath));
  }
  void cleanupTestCase() {
    QDBusConnection::disconnectFromBus("desktop");
    bus_.kill();
    bus_.waitForFinished();
  }
  void init() { desktop_.messages.clear(); }

  void tells_the_desktop_and_makes_no_markup_of_a_name() {
    notify_desktop("Documents are ready", "<b>notes</b> & more");
    QTRY_COMPARE(desktop_.messages.size(), std::size_t{1});
    const auto& call = desktop_.messages.front();
    QCOMPARE(call.interface(), QString("org.freedesktop.Notifications"));
    QCOMPARE(call.member(), QString("Notify"));
    QCOMPARE(call.signature(), QString("susssasa{sv}i"));
    QCOMPARE(call.arguments().at(3).toString(), QString("Documents are ready"));
    QCOMPARE(call.arguments().at(4).toString(), QString("&lt;b&gt;notes&lt;/b&gt; &amp; more"));
  }

  void asks_the_file_manager_to_show_a_file() {
    reveal_file("/tmp/with space/ü.md");
    QTRY_COMPARE(desktop_.messages.size(), std::size_t{1});
    const auto& call = desktop_.messages.front();
    QCOMPARE(call.member(), QString("ShowItems"));
    const auto files = call.arguments().at(0).toStringList();
    QCOMPARE(files.size(), 1);
    QCOMPARE(QUrl(files.front()).toLocalFile(), QString("/tmp/with space/ü.md"));
  }

 private:
  QProcess bus_;
  Listener desktop_;
};

}  // namespace kvlink::ui::tests

QTEST_GUILESS_MAIN(kvlink::ui::tests::NotificationTest)
#include "notification_test.moc"
