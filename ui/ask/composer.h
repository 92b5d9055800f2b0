// SPDX-License-Identifier: Apache-2.0
// Below the conversation: scope, question, mode, Send or Stop.
#pragma once

#include <QCheckBox>
#include <QLabel>
#include <QPushButton>
#include <QTimer>
#include <QWidget>
#include <vector>

#include "app/desk/messages.h"
#include "ui/ask/mode_picker.h"
#include "ui/ask/question_box.h"

namespace kvlink::ui {

/// Holds what the next question will be; knows no worker.
class Composer : public QWidget {
  Q_OBJECT

 public:
  explicit Composer(QWidget* parent = nullptr);

  QuestionBox& box() { return *box_; }
  ModePicker& modes() { return *modes_; }

  /// Empty: the whole library.
  void set_scope(const std::vector<desk::DocumentId>& documents, const QString& words);
  const std::vector<desk::DocumentId>& scope() const { return scope_; }
  void set_note(const QString& note);
  /// Turns "whole document" on for one document; 0: off.
  void set_whole(desk::DocumentId document, const QString& title);
  /// The document to be read whole; 0: search.
  desk::DocumentId whole() const;

  /// Send becomes Stop, in the same place.
  void set_answering(bool answering);
  bool answering() const { return answering_; }
  /// What a question was changed to after kTypingPauseMs without a key.
  static constexpr int kTypingPauseMs = 250;

 signals:
  void send_requested(const QString& question);
  void stop_requested();
  void typing_paused(const QString& text);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void build();
  void request_send();
  void show_whole();
  void show_warning();
  void show_button();

  QLabel* scope_words_;
  QLabel* note_;
  QCheckBox* whole_box_;
  QuestionBox* box_;
  ModePicker* modes_;
  QLabel* warning_;
  QPushButton* send_;
  QTimer typing_;
  std::vector<desk::DocumentId> scope_;
  desk::DocumentId chosen_ = 0;  ///< by set_whole, also when it is not the only one in scope
  QString chosen_title_;
  bool answering_ = false;
};

}  // namespace kvlink::ui
