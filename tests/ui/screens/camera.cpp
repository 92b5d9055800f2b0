// SPDX-License-Identifier: Apache-2.0
#include "tests/ui/screens/camera.h"

#include <QGuiApplication>
#include <QPixmap>
#include <QScreen>
#include <QTest>
#include <cstdio>

namespace kvlink::ui::tests {
namespace {

constexpr int kPaintMs = 120;

}  // namespace

void Camera::shoot(const QString& name) {
  shoot_theme(name, ThemeChoice::kDark, "dark");
  shoot_theme(name, ThemeChoice::kLight, "light");
}

void Camera::shoot_theme(const QString& name, ThemeChoice theme, const char* suffix) {
  look_.set_theme(theme);
  QTest::qWait(kPaintMs);
  const QString file = QStringLiteral("%1/%2-%3.png").arg(folder_, name, QLatin1String(suffix));
  // What is on the screen, with menus and tooltips, where there is a screen.
  const bool on_screen = QGuiApplication::platformName() == QLatin1String("xcb");
  const QRect place(window_->mapToGlobal(QPoint(0, 0)), window_->size());
  const QPixmap picture = on_screen ? window_->screen()->grabWindow(0, place.x(), place.y(),
                                                                    place.width(), place.height())
                                    : window_->grab();
  if (!picture.save(file)) expect(false, file + QStringLiteral(" was written"));
}

void Camera::expect(bool came_true, const QString& sentence) {
  std::printf("%s  %s\n", came_true ? "ok " : "NOT", qPrintable(sentence));
  std::fflush(stdout);
  if (!came_true) ++n_untrue_;
}

}  // namespace kvlink::ui::tests
