// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/source_panel.h"

namespace kvlink::ui {

SourcePanel::SourcePanel(desk::Desk&, QWidget* parent) : QWidget(parent) {}
SourcePanel::~SourcePanel() = default;

void SourcePanel::show_passage(const desk::PassageView&, const std::vector<desk::PassageView>&) {}
void SourcePanel::show_document(desk::DocumentId) {}

}  // namespace kvlink::ui
