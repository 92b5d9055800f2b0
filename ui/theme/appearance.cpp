// SPDX-License-Identifier: Apache-2.0
#include "ui/theme/appearance.h"

#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusPendingCallWatcher>
#include <QDBusPendingReply>
#include <QSettings>
#include <QStyle>
#include <QStyleFactory>
#include <algorithm>

#include "ui/theme/colors.h"

namespace kvlink::ui {
namespace {

constexpr auto kService = "org.freedesktop.portal.Desktop";
constexpr auto kObject = "/org/freedesktop/portal/desktop";
constexpr auto kInterface = "org.freedesktop.portal.Settings";
constexpr auto kGroup = "org.freedesktop.appearance";
constexpr auto kKey = "color-scheme";
constexpr auto kThemeKey = "appearance/theme";
constexpr auto kFontKey = "appearance/font_percent";
constexpr auto kNames = {"system", "light", "dark"};

/// The portal's value: 0 no preference, 1 dark, 2 light. Read() wraps it in two variants.
uint scheme_of(QVariant value) {
  while (value.canConvert<QDBusVariant>()) value = value.value<QDBusVariant>().variant();
  return value.toUInt();
}

}  // namespace

Appearance::Appearance(QApplication& application, const QString& file)
    : QObject(&application),
      application_(application),
      file_(file),
      platform_font_(QApplication::font()),
      system_dark_(is_dark(QApplication::palette())) {
  read();
  QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
  apply();
  ask_portal();
}

void Appearance::read() {
  if (file_.isEmpty()) return;
  const QSettings settings(file_, QSettings::IniFormat);
  const auto name = settings.value(QLatin1String(kThemeKey)).toString();
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found != kNames.end()) theme_ = static_cast<ThemeChoice>(found - kNames.begin());
  font_percent_ = std::clamp(settings.value(QLatin1String(kFontKey), 100).toInt(), kMinFontPercent,
                             kMaxFontPercent);
}

void Appearance::write() const {
  if (file_.isEmpty()) return;
  const QString name = QLatin1String(kNames.begin()[static_cast<std::size_t>(theme_)]);
  const QVariantMap values = {{QLatin1String(kThemeKey), name},
                              {QLatin1String(kFontKey), font_percent_}};
  if (keep_) {
    keep_(file_, values);
    return;
  }
  QSettings settings(file_, QSettings::IniFormat);
  for (auto value = values.cbegin(); value != values.cend(); ++value) {
    settings.setValue(value.key(), value.value());
  }
}

void Appearance::ask_portal() {
  auto bus = QDBusConnection::sessionBus();
  if (!bus.isConnected()) return;
  bus.connect(QLatin1String(kService), QLatin1String(kObject), QLatin1String(kInterface),
              QStringLiteral("SettingChanged"), this,
              SLOT(portal_changed(QString, QString, QDBusVariant)));
  auto call = QDBusMessage::createMethodCall(QLatin1String(kService), QLatin1String(kObject),
                                             QLatin1String(kInterface), QStringLiteral("Read"));
  call << QString(QLatin1String(kGroup)) << QString(QLatin1String(kKey));
  auto* watcher = new QDBusPendingCallWatcher(bus.asyncCall(call), this);
  connect(watcher, &QDBusPendingCallWatcher::finished, this, [this, watcher] {
    const QDBusPendingReply<QVariant> reply = *watcher;
    if (!reply.isError()) {
      portal_changed(QLatin1String(kGroup), QLatin1String(kKey), QDBusVariant(reply.value()));
    }
    watcher->deleteLater();
  });
}

void Appearance::portal_changed(const QString& group, const QString& key,
                                const QDBusVariant& value) {
  if (group != QLatin1String(kGroup) || key != QLatin1String(kKey)) return;
  const uint scheme = scheme_of(value.variant());
  if (scheme == 0 || system_dark_ == (scheme == 1)) return;
  system_dark_ = scheme == 1;
  if (theme_ == ThemeChoice::kSystem) apply();
}

bool Appearance::dark() const {
  return theme_ == ThemeChoice::kDark || (theme_ == ThemeChoice::kSystem && system_dark_);
}

void Appearance::set_theme(ThemeChoice theme) {
  if (theme == theme_) return;
  theme_ = theme;
  write();
  apply();
}

void Appearance::set_font_percent(int percent) {
  percent = std::clamp(percent, kMinFontPercent, kMaxFontPercent);
  if (percent == font_percent_) return;
  font_percent_ = percent;
  write();
  apply();
}

void Appearance::apply() {
  const auto palette = dark() ? dark_palette() : light_palette();
  if (QApplication::palette() != palette) QApplication::setPalette(palette);
  auto font = platform_font_;
  if (font.pointSizeF() > 0) font.setPointSizeF(font.pointSizeF() * font_percent_ / 100.0);
  if (QApplication::font() != font) QApplication::setFont(font);
  emit changed();
}

Appearance* appearance() {
  return qApp == nullptr ? nullptr
                         : qApp->findChild<Appearance*>(QString(), Qt::FindDirectChildrenOnly);
}

}  // namespace kvlink::ui
