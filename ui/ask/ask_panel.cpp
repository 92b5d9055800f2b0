// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/ask_panel.h"

namespace kvlink::ui {

AskPanel::AskPanel(desk::Desk&, QWidget* parent) : QWidget(parent) {}
AskPanel::~AskPanel() = default;

desk::ConversationId AskPanel::conversation() const { return 0; }
bool AskPanel::is_answering() const { return false; }
void AskPanel::focus_question() { setFocus(); }
void AskPanel::new_conversation() {}
void AskPanel::open_conversation(desk::ConversationId) {}
void AskPanel::show_conversations() {}
void AskPanel::stop() {}
void AskPanel::set_scope(const std::vector<desk::DocumentId>&, const QString&) {}
void AskPanel::ask_about(const QString&) {}
void AskPanel::set_whole_document(desk::DocumentId, const QString&) {}
void AskPanel::set_library_note(const QString&) {}

}  // namespace kvlink::ui
