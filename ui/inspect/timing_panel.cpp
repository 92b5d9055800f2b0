// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/timing_panel.h"

namespace kvlink::ui {

TimingPanel::TimingPanel(desk::Desk&, QWidget* parent) : QWidget(parent) {}
TimingPanel::~TimingPanel() = default;

}  // namespace kvlink::ui
