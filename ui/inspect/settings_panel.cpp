// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/settings_panel.h"

namespace kvlink::ui {

SettingsPanel::SettingsPanel(desk::Desk&, QWidget* parent) : QWidget(parent) {}
SettingsPanel::~SettingsPanel() = default;

void SettingsPanel::show_models() {}
void SettingsPanel::add_model(const QString&) {}

}  // namespace kvlink::ui
