// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/cache_panel.h"

namespace kvlink::ui {

CachePanel::CachePanel(desk::Desk&, QWidget* parent) : QWidget(parent) {}
CachePanel::~CachePanel() = default;

void CachePanel::show_document(desk::DocumentId) {}

}  // namespace kvlink::ui
