// SPDX-License-Identifier: Apache-2.0
// A page of a document as it is printed, with a passage painted on it.
#pragma once

#include <QImage>
#include <QScrollArea>

#include "app/desk/library_messages.h"

namespace kvlink::ui {

/// As wide as there is room; the passage is brought into view. GUI thread.
class PageView : public QScrollArea {
  Q_OBJECT

 public:
  explicit PageView(QWidget* parent = nullptr);

  void show_page(const desk::PagePicture& picture);
  void clear();
  /// 0: none is shown.
  int page() const { return page_; }
  /// What is painted, in shares of the page's width and height.
  const QList<QRectF>& painted() const { return painted_; }
  /// For the next picture: dots from border to border, as fine as the screen is.
  int wanted_width() const;

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  class Sheet;
  void fit();

  Sheet* sheet_;
  QImage image_;
  QList<QRectF> painted_;
  int page_ = 0;
};

}  // namespace kvlink::ui
