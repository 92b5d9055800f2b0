// SPDX-License-Identifier: Apache-2.0
#include "app/desk/keeper.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QSaveFile>
#include <QSettings>
#include <utility>

namespace kvlink::desk {
namespace {

constexpr auto kOwnerOnly = QFile::ReadOwner | QFile::WriteOwner;

}  // namespace

void Keeper::keep_values(QString file, QVariantMap values) {
  QMetaObject::invokeMethod(
      this,
      [this, file = std::move(file), values = std::move(values)] {
        // QSettings would make a folder that went away, and stand in the way of its return.
        if (!QFileInfo(file).absoluteDir().exists()) {
          tell(file, tr("its folder is not there"));
          return;
        }
        QSettings settings(file, QSettings::IniFormat);
        for (auto value = values.cbegin(); value != values.cend(); ++value) {
          settings.setValue(value.key(), value.value());
        }
        settings.sync();
        QFile::setPermissions(file, kOwnerOnly);
        if (settings.status() != QSettings::NoError) tell(file, tr("it cannot be written"));
      },
      Qt::QueuedConnection);
}

void Keeper::keep_bytes(QString file, QByteArray bytes) {
  QMetaObject::invokeMethod(
      this,
      [this, name = std::move(file), bytes = std::move(bytes)] {
        QSaveFile file(name);
        const bool kept = file.open(QIODevice::WriteOnly) && file.setPermissions(kOwnerOnly) &&
                          file.write(bytes) == bytes.size() && file.commit();
        if (!kept) tell(name, file.errorString());
      },
      Qt::QueuedConnection);
}

void Keeper::fetch_bytes(QString file) {
  QMetaObject::invokeMethod(
      this,
      [this, name = std::move(file)] {
        QFile file(name);
        QByteArray bytes;
        if (file.size() <= kMaxBytes && file.open(QIODevice::ReadOnly))
          bytes = file.read(kMaxBytes);
        emit bytes_fetched(name, bytes);
      },
      Qt::QueuedConnection);
}

void Keeper::tell(const QString& file, const QString& why) {
  if (told_.contains(file)) return;
  told_ += file;
  emit failed(tr("What the window remembers could not be kept in %1: %2.").arg(file, why));
}

}  // namespace kvlink::desk
