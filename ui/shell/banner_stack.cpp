// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/banner_stack.h"

#include <QAccessible>
#include <QPushButton>
#include <QTimer>
#include <QVBoxLayout>
#include <algorithm>

namespace kvlink::ui {
namespace {

constexpr std::size_t kMaxBanners = 3;

}  // namespace

BannerStack::BannerStack(QWidget* parent) : QWidget(parent), column_(new QVBoxLayout(this)) {
  column_->setContentsMargins(8, 8, 8, 0);
  column_->setSpacing(4);
  hide();
}

void BannerStack::show_banner(const QString& key, const QString& text, Tone tone,
                              const std::vector<Button>& buttons, int milliseconds) {
  if (text.isEmpty()) return;
  // What only goes on counting is not read out again.
  const bool was_there = !key.isEmpty() && close_banner(key);
  const bool is_news = !was_there || tone != Tone::kPlain;
  auto* message = new InlineMessage(this);
  message->tell(text, tone);
  for (const auto& button : buttons) {
    connect(message->add_button(button.verb), &QPushButton::clicked, message,
            [this, message, action = button.action] {
              remove(message);
              action();
            });
  }
  auto* close = message->add_button(tr("Close"));
  connect(close, &QPushButton::clicked, message, [this, message] { remove(message); });
  column_->insertWidget(0, message);
  shown_.insert(shown_.begin(), {key, message});
  if (milliseconds > 0) {
    QTimer::singleShot(milliseconds, message, [this, message] { remove(message); });
  }
  make_room();
  show();
  if (!is_news) return;
  QAccessibleEvent announcement(message, QAccessible::Alert);
  QAccessible::updateAccessibility(&announcement);
  emit announced(text);
}

void BannerStack::make_room() {
  while (shown_.size() > kMaxBanners) {
    const auto least =
        std::min_element(shown_.rbegin(), shown_.rend() - 1, [](const Shown& a, const Shown& b) {
          return a.message->tone() < b.message->tone();
        });
    remove(least->message);
  }
}

bool BannerStack::close_banner(const QString& key) {
  const auto found = std::find_if(shown_.begin(), shown_.end(),
                                  [&](const Shown& shown) { return shown.key == key; });
  if (found == shown_.end()) return false;
  remove(found->message);
  return true;
}

void BannerStack::remove(InlineMessage* message) {
  std::erase_if(shown_, [&](const Shown& shown) { return shown.message == message; });
  message->hide();
  message->deleteLater();
  setVisible(!shown_.empty());
}

QStringList BannerStack::texts() const {
  QStringList texts;
  for (const auto& shown : shown_) texts += shown.message->text();
  return texts;
}

}  // namespace kvlink::ui
