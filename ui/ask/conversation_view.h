// SPDX-License-Identifier: Apache-2.0
// The turns of a conversation, below each other.
#pragma once

#include <QScrollArea>
#include <QToolButton>
#include <vector>

#include "ui/ask/turn_widget.h"

class QVBoxLayout;

namespace kvlink::ui {

/// Follows what is written only while its end is on screen; else a button leads there.
class ConversationView : public QScrollArea {
  Q_OBJECT

 public:
  /// Earlier turns of a long conversation are made when they are asked for.
  static constexpr std::size_t kTurnsAtOnce = 20;

  explicit ConversationView(QWidget* parent = nullptr);

  TurnWidget* add_turn(const desk::AskRequest& request);
  void show_turns(const std::vector<desk::ConversationTurn>& turns);
  void clear();
  const std::vector<TurnWidget*>& turns() const { return turns_; }
  bool is_at_end() const { return at_end_; }
  void jump_to_end();

 public slots:
  /// One page up (-1) or down (1).
  void scroll_page(int step);

 signals:
  /// A turn was made; whoever answers its wishes connects them.
  void turn_made(kvlink::ui::TurnWidget* turn);

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  void insert_earlier();
  void place_button();
  void show_hint();

  QWidget* column_;
  QVBoxLayout* layout_;
  QLabel* hint_;
  QPushButton* earlier_button_;
  QToolButton* end_button_;
  std::vector<TurnWidget*> turns_;
  std::vector<desk::ConversationTurn> earlier_;  ///< not made yet, oldest first
  bool at_end_ = true;
};

}  // namespace kvlink::ui
