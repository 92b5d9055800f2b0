// SPDX-License-Identifier: Apache-2.0
// What the user does about documents that could not be read.
#include <QMenu>
#include <QTreeView>

#include "app/desk/desk.h"
#include "ui/ask/visible_text.h"
#include "ui/library/library_panel.h"
#include "ui/library/problem_bar.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {

void LibraryPanel::update_problem() {
  problem_->show_documents(selected(), desk_.state() == desk::DeskState::kReady);
}

/// As the bar below the list offers it.
void LibraryPanel::read_problem_again(const QString& password) {
  desk::AddRequest request{.read_again = true, .password = password};
  for (const auto* row : ProblemBar::meant(selected())) request.paths.push_back(row->path);
  if (!request.paths.empty()) start(request);
}

void LibraryPanel::ignore_problem(bool ignored) {
  std::vector<desk::DocumentId> ids;
  QString title;
  for (const auto* row : ProblemBar::meant(selected())) {
    if (row->id == 0) continue;
    if (ids.empty()) title = row->title;
    ids.push_back(row->id);
  }
  if (ids.empty()) return;
  desk_.library().set_ignored(desk::next_request_id(), ids, ignored);
  if (ignored) emit ignored_documents(ids, one_line(title, 60));
}

void LibraryPanel::add_problem_actions(QMenu& menu, const desk::DocumentRow& row) {
  const bool is_ignored = row.stage == desk::DocumentStage::kIgnored;
  const bool can_read = desk_.state() == desk::DeskState::kReady;
  if (row.remedy == app::Remedy::kRecognise) {
    auto* recognise = menu.addAction(icon(QStringLiteral("rebuild")), tr("Read its pictures (OCR)"),
                                     this, [this] { read_problem_again({}); });
    recognise->setEnabled(can_read);
  } else if (row.remedy == app::Remedy::kPassword) {
    auto* open =
        menu.addAction(tr("Enter its password"), this, [this] { problem_->focus_action(); });
    open->setEnabled(can_read);
  }
  if (is_ignored || row.remedy != app::Remedy::kNone) {
    menu.addAction(is_ignored ? tr("Tell me of its problem again") : tr("Ignore its problem"), this,
                   [this, is_ignored] { ignore_problem(!is_ignored); });
  }
}

}  // namespace kvlink::ui
