// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/chat_format_row.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <utility>

#include "app/desk/settings_messages.h"

namespace kvlink::ui {
namespace {

// Names of products but for the last, so they are the same in every language.
constexpr std::pair<const char*, const char*> kNames[] = {{"chatml", "ChatML"},
                                                          {"llama-3", "Llama 3"},
                                                          {"llama-2", "Llama 2"},
                                                          {"mistral", "Mistral"},
                                                          {"zephyr", "Zephyr"}};

}  // namespace

QString chat_format_words(const QString& name) {
  for (const auto& [key, words] : kNames) {
    if (name == QLatin1String(key)) return QLatin1String(words);
  }
  return name == QLatin1String("plain") ? ChatFormatRow::tr("plain text") : name;
}

ChatFormatRow::ChatFormatRow(QWidget* parent) : QWidget(parent), names_(new QComboBox(this)) {
  names_->addItem(tr("as the model's template says"), QStringLiteral("default"));
  for (const auto& [key, words] : kNames) names_->addItem(QLatin1String(words), QLatin1String(key));
  names_->addItem(tr("plain text"), QStringLiteral("plain"));
  names_->setAccessibleName(tr("Chat format"));
  names_->setToolTip(tr("The marks around questions and answers that the model learned"));
  auto* label = new QLabel(tr("Chats are written"), this);
  label->setBuddy(names_);
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(0, 0, 0, 0);
  row->addWidget(label);
  row->addWidget(names_);
  row->addStretch();
  connect(names_, &QComboBox::activated, this,
          [this] { emit chosen(names_->currentData().toString()); });
}

void ChatFormatRow::show_facts(const desk::DeskFacts& facts) {
  const auto setting = desk::text_of(facts.settings.chat_format);
  const bool is_default = setting == QLatin1String("default");
  names_->setItemText(
      0,
      facts.model && is_default
          ? tr("as the model's template says: %1").arg(chat_format_words(facts.model->chat_format))
          : tr("as the model's template says"));
  const int at = names_->findData(setting);
  names_->setCurrentIndex(at < 0 ? 0 : at);
  // A format that the vocabulary has no marks for keeps the model from opening: here is the way
  // out.
  setVisible(facts.model.has_value() || !is_default);
}

}  // namespace kvlink::ui
