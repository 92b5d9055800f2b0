// SPDX-License-Identifier: Apache-2.0
// What the window wants to find again at its next start.
#pragma once

#include <QString>
#include <QVariantMap>

namespace kvlink::desk {
class Keeper;
}

namespace kvlink::ui {

/// Values of an INI file in memory. Read once, before the window is there; written by the keeper's
/// thread. GUI thread.
class WindowState {
 public:
  /// `file` "": nothing is read and nothing kept.
  WindowState(desk::Keeper& keeper, QString file);

  bool keeps() const { return !file_.isEmpty(); }
  QVariant value(const char* key, const QVariant& otherwise = {}) const;
  /// Is on its way to the file when this returns.
  void set(const QVariantMap& values);

 private:
  desk::Keeper& keeper_;
  QString file_;
  QVariantMap values_;
};

}  // namespace kvlink::ui
