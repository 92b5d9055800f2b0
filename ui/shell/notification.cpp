// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/notification.h"

#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusPendingCall>
#include <QDBusPendingCallWatcher>
#include <QDesktopServices>
#include <QFileInfo>
#include <QUrl>

namespace kvlink::ui {

void notify_desktop(const QString& title, const QString& text) {
  const auto bus = QDBusConnection::sessionBus();
  if (!bus.isConnected()) return;
  auto call = QDBusMessage::createMethodCall(QStringLiteral("org.freedesktop.Notifications"),
                                             QStringLiteral("/org/freedesktop/Notifications"),
                                             QStringLiteral("org.freedesktop.Notifications"),
                                             QStringLiteral("Notify"));
  // The body may be read as markup: a file's name must not become any.
  call.setArguments({QStringLiteral("KVLink"), 0U, QStringLiteral("kvlink"), title,
                     text.toHtmlEscaped(), QStringList(), QVariantMap(), -1});
  bus.asyncCall(call);
}

void reveal_in_folder(const QString& path) {
  const QUrl folder = QUrl::fromLocalFile(QFileInfo(path).path());
  const auto bus = QDBusConnection::sessionBus();
  if (!bus.isConnected()) {
    QDesktopServices::openUrl(folder);
    return;
  }
  auto call = QDBusMessage::createMethodCall(QStringLiteral("org.freedesktop.FileManager1"),
                                             QStringLiteral("/org/freedesktop/FileManager1"),
                                             QStringLiteral("org.freedesktop.FileManager1"),
                                             QStringLiteral("ShowItems"));
  call.setArguments({QStringList{QUrl::fromLocalFile(path).toString()}, QString()});
  auto* watcher = new QDBusPendingCallWatcher(bus.asyncCall(call));
  QObject::connect(watcher, &QDBusPendingCallWatcher::finished, watcher, [watcher, folder] {
    if (watcher->isError()) QDesktopServices::openUrl(folder);
    watcher->deleteLater();
  });
}

}  // namespace kvlink::ui
