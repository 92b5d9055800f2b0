// SPDX-License-Identifier: Apache-2.0
// Sentences above the columns: what happened, and what can be done about it. Never a dialog.
#pragma once

#include <QHash>
#include <QWidget>
#include <functional>

#include "ui/ask/inline_message.h"

class QVBoxLayout;

namespace kvlink::ui {

/// The newest stands on top and is announced to screen readers. More than three are not shown at a
/// time: of the others the least serious makes room, the oldest first. GUI thread.
class BannerStack : public QWidget {
  Q_OBJECT

 public:
  explicit BannerStack(QWidget* parent = nullptr);

  struct Button {
    QString verb;
    std::function<void()> action;  ///< the banner closes after it
  };
  /// A banner with the same key is replaced; an empty key never is. `milliseconds`: closes by
  /// itself; 0: stays.
  void show_banner(const QString& key, const QString& text, Tone tone,
                   const std::vector<Button>& buttons = {}, int milliseconds = 0);
  /// False: there is none.
  bool close_banner(const QString& key);
  int n_banners() const { return static_cast<int>(shown_.size()); }
  /// All texts, newest first (tests, and what a screen reader is told).
  QStringList texts() const;

 signals:
  /// What a screen reader is told.
  void announced(const QString& text);

 private:
  struct Shown {
    QString key;
    InlineMessage* message = nullptr;
  };
  void make_room();
  void remove(InlineMessage* message);

  QVBoxLayout* column_;
  std::vector<Shown> shown_;  ///< newest first
};

}  // namespace kvlink::ui
