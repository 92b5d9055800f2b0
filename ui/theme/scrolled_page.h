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
};

}  // namespace kvlink::ui
