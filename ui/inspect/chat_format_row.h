// SPDX-License-Identifier: Apache-2.0
// How the model's chats are written, and choosing another way.
#pragma once

#include <QWidget>

class QComboBox;

namespace kvlink::desk {
struct DeskFacts;
}

namespace kvlink::ui {

/// GUI thread.
class ChatFormatRow : public QWidget {
  Q_OBJECT

 public:
  explicit ChatFormatRow(QWidget* parent = nullptr);

  /// What holds: the setting, and what it came to for the model in use.
  void show_facts(const desk::DeskFacts& facts);

 signals:
  /// By the user: "default" or a name of inference/tokenizer/chat_format.h.
  void chosen(const QString& name);

 private:
  QComboBox* names_;
};

/// "ChatML" for "chatml"
QString chat_format_words(const QString& name);

}  // namespace kvlink::ui
