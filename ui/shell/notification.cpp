// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/notification.h"

#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusPendingCall>

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

}  // namespace kvlink::ui
