// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/reveal_file.h"

#include <QCoreApplication>
#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusPendingCallWatcher>
#include <QDBusPendingReply>
#include <QDesktopServices>
#include <QFileInfo>
#include <QUrl>

namespace kvlink::ui {

void reveal_file(const QString& path) {
  const auto open_folder = [path] {
    QDesktopServices::openUrl(QUrl::fromLocalFile(QFileInfo(path).absolutePath()));
  };
  auto bus = QDBusConnection::sessionBus();
  if (!bus.isConnected()) {
    open_folder();
    return;
  }
  auto call = QDBusMessage::createMethodCall(QStringLiteral("org.freedesktop.FileManager1"),
                                             QStringLiteral("/org/freedesktop/FileManager1"),
                                             QStringLiteral("org.freedesktop.FileManager1"),
                                             QStringLiteral("ShowItems"));
  call << QStringList{QUrl::fromLocalFile(path).toString()} << QString();
  auto* watcher = new QDBusPendingCallWatcher(bus.asyncCall(call), qApp);
  QObject::connect(watcher, &QDBusPendingCallWatcher::finished, qApp, [watcher, open_folder] {
    if (QDBusPendingReply<>(*watcher).isError()) open_folder();
    watcher->deleteLater();
  });
}

}  // namespace kvlink::ui
