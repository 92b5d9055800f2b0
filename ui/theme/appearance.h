// SPDX-License-Identifier: Apache-2.0
// Light or dark, and how large the letters are: chosen by the user, kept in a file of the window.
#pragma once

#include <QApplication>
#include <QFont>
#include <QObject>
#include <QString>
#include <QVariantMap>
#include <cstdint>
#include <functional>
#include <utility>

// Only the generated code needs to know it.
class QDBusVariant;

namespace kvlink::ui {

/// Persistent by name in the window's file: "system", "light", "dark".
enum class ThemeChoice : std::uint8_t { kSystem, kLight, kDark };

/// Sets the style, palette and font of the application. kSystem follows the desktop's settings
/// portal where there is one, else the palette the platform gave at the start. One per
/// application; a child of it, so that appearance() finds it. GUI thread.
class Appearance : public QObject {
  Q_OBJECT
  Q_MOC_INCLUDE(<QDBusVariant>)

 public:
  /// `file`: an INI file, made when something is chosen; "" keeps nothing (tests).
  Appearance(QApplication& application, const QString& file);

  /// Who writes the choices from now on, so that this thread need not: gets the file and its keys.
  using Keep = std::function<void(const QString& file, const QVariantMap& values)>;
  void keep_with(Keep keep) { keep_ = std::move(keep); }

  ThemeChoice theme() const { return theme_; }
  void set_theme(ThemeChoice theme);
  bool dark() const;

  static constexpr int kMinFontPercent = 70;
  static constexpr int kMaxFontPercent = 250;
  /// Of the size the platform chose.
  int font_percent() const { return font_percent_; }
  void set_font_percent(int percent);
  void enlarge() { set_font_percent(font_percent_ + 10); }
  void reduce() { set_font_percent(font_percent_ - 10); }
  void reset_font() { set_font_percent(100); }

 signals:
  void changed();

 private slots:
  /// Of the portal's signal SettingChanged.
  void portal_changed(const QString& group, const QString& key, const QDBusVariant& value);

 private:
  void read();
  void write() const;
  void ask_portal();
  void apply();

  QApplication& application_;
  Keep keep_;
  QString file_;
  QFont platform_font_;
  bool system_dark_ = false;
  ThemeChoice theme_ = ThemeChoice::kSystem;
  int font_percent_ = 100;
};

/// The one of this application; null when none was made.
Appearance* appearance();

}  // namespace kvlink::ui
