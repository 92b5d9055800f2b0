// SPDX-License-Identifier: Apache-2.0
// Small files that only the window needs, written where nobody waits for the disk.
#pragma once

#include <QByteArray>
#include <QObject>
#include <QString>
#include <QVariantMap>

namespace kvlink::desk {

/// Lives in a thread of its own, which nothing long ever holds up. Requests may be made from any
/// thread, return at once and are carried out in turn; ~Desk waits for them. No folder is made. A
/// file that cannot be written is told once.
class Keeper : public QObject {
  Q_OBJECT

 public:
  /// More than this is not read: these files are the window's own and small.
  static constexpr qint64 kMaxBytes = qint64{4} << 20;

  /// Sets keys of an INI file.
  void keep_values(QString file, QVariantMap values);
  /// Replaces a file: temporary file, rename.
  void keep_bytes(QString file, QByteArray bytes);
  /// bytes_fetched follows; empty where there is nothing to read.
  void fetch_bytes(QString file);

 signals:
  void bytes_fetched(const QString& file, const QByteArray& bytes);
  void failed(const QString& message);

 private:
  void tell(const QString& file, const QString& why);

  QStringList told_;
};

}  // namespace kvlink::desk
