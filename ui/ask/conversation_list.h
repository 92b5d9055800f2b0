// SPDX-License-Identifier: Apache-2.0
// The kept conversations: found, opened, renamed, deleted, exported.
#pragma once

#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QTimer>
#include <QWidget>
#include <map>

#include "app/desk/conversation_worker.h"
#include "ui/ask/inline_message.h"

namespace kvlink::ui {

/// A deleted conversation leaves the list at once and the library after kUndoMs, unless it is
/// brought back; whatever happens to the program meanwhile, it is still there.
class ConversationList : public QWidget {
  Q_OBJECT

 public:
  static constexpr int kUndoMs = 8'000;

  explicit ConversationList(desk::ConversationWorker& worker, QWidget* parent = nullptr);
  ~ConversationList() override;

  void focus_search();
  void refresh();
  /// Marks the conversation that is on screen.
  void set_current(desk::ConversationId id);
  /// The one chosen in the list; 0: none.
  desk::ConversationId chosen() const;
  void delete_chosen();
  void undo_deletion();
  void export_to(desk::ConversationId id, desk::ConversationWorker::ExportFormat format,
                 const QString& path);
  void set_undo_ms(int milliseconds) { undo_timer_.setInterval(milliseconds); }

 signals:
  void chosen_to_open(kvlink::desk::ConversationId id);
  /// It left the list; the screen should not show it any more.
  void deleted(kvlink::desk::ConversationId id);
  void renamed(kvlink::desk::ConversationId id, const QString& name);
  /// The kept ones, latest first, as they are now: not those that a search found.
  void listed(const std::vector<kvlink::desk::ConversationRow>& rows);
  void closed();
  void problem(const QString& message);

 protected:
  void keyPressEvent(QKeyEvent* event) override;

 private:
  void build();
  void connect_worker();
  void show_rows(const std::vector<desk::ConversationRow>& rows);
  bool is_editing() const;
  void take_name(QListWidgetItem* item);
  void choose_file(desk::ConversationWorker::ExportFormat format);
  void carry_out_deletion();
  void enable_buttons();

  desk::ConversationWorker& worker_;
  QLineEdit* search_;
  QListWidget* list_;
  QLabel* empty_;
  InlineMessage* message_;
  QPushButton* open_;
  QPushButton* rename_;
  QPushButton* delete_;
  QPushButton* export_;
  QTimer search_timer_;
  QTimer undo_timer_;
  desk::ConversationRow deleted_;  ///< waits for its undo time; id 0: none
  desk::ConversationId current_ = 0;
  std::map<desk::RequestId, QString> exports_;  ///< where each goes
  bool filling_ = false;
  bool refill_ = false;  ///< rows came while a name was being typed
};

}  // namespace kvlink::ui
