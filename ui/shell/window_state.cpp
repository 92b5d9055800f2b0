// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/window_state.h"

#include <QSettings>
#include <utility>

#include "app/desk/keeper.h"

namespace kvlink::ui {

WindowState::WindowState(desk::Keeper& keeper, QString file)
    : keeper_(keeper), file_(std::move(file)) {
  if (file_.isEmpty()) return;
  const QSettings settings(file_, QSettings::IniFormat);
  for (const auto& key : settings.allKeys()) values_.insert(key, settings.value(key));
}

QVariant WindowState::value(const char* key, const QVariant& otherwise) const {
  return values_.value(QLatin1String(key), otherwise);
}

void WindowState::set(const QVariantMap& values) {
  if (!keeps()) return;
  values_.insert(values);
  keeper_.keep_values(file_, values);
}

}  // namespace kvlink::ui
