// SPDX-License-Identifier: Apache-2.0
// The buttons below the table of blocks.
#pragma once

#include <QWidget>
#include <cstdint>

class QToolButton;

namespace kvlink::ui {

/// Says what was pressed; what it is pressed for is the view's to know. GUI thread.
class BlockActions : public QWidget {
  Q_OBJECT

 public:
  explicit BlockActions(QWidget* parent = nullptr);

  /// What there is to act upon.
  struct Facts {
    bool any_selected = false;
    bool all_pinned = false;  ///< of those selected
    bool any_block = false;
    std::int64_t n_stale = 0;
  };
  void show_facts(const Facts& facts);

  /// As these buttons look.
  static QToolButton* make_button(QWidget* parent, const char* icon_name, const QString& text,
                                  const QString& tip);

 signals:
  void pin_pressed();
  void evict_pressed();
  void evict_stale_pressed();
  void verify_pressed();
  void rebuild_pressed();
  void reveal_pressed();

 private:
  QToolButton* pin_;
  QToolButton* evict_;
  QToolButton* evict_stale_;
  QToolButton* verify_;
  QToolButton* rebuild_;
  QToolButton* reveal_;
};

}  // namespace kvlink::ui
