// SPDX-License-Identifier: Apache-2.0
// A page that is scrolled where the window is too low for it.
#pragma once

#include <QScrollArea>

namespace kvlink::ui {

/// The page gets all the room there is, and at least what its texts need: larger letters in a low
/// window make a scroll bar instead of cutting them.
class ScrolledPage : public QScrollArea {
 public:
  explicit ScrolledPage(QWidget* page, QWidget* parent = nullptr);

  /// It asks for the height of its texts at the width it has, and takes no more than that.
  void set_fitted(bool fitted);

  QSize sizeHint() const override;

 protected:
  void resizeEvent(QResizeEvent* event) override;
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  bool fitted_ = false;
};

}  // namespace kvlink::ui
