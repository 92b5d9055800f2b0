// SPDX-License-Identifier: Apache-2.0
#include "ui/theme/scrolled_page.h"

#include <QVBoxLayout>

namespace kvlink::ui {
namespace {

/// Asks for as little height as the page can live with; a scroll area would else scroll as soon as
/// the page is not as high as it likes to be.
class Frame : public QWidget {
 public:
  using QWidget::QWidget;
  int heightForWidth(int width) const override {
    return layout()->totalMinimumHeightForWidth(width);
  }
};

}  // namespace

ScrolledPage::ScrolledPage(QWidget* page, QWidget* parent) : QScrollArea(parent) {
  setFrameShape(QFrame::NoFrame);
  setWidgetResizable(true);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  setFocusPolicy(Qt::NoFocus);
  auto* frame = new Frame;
  auto* column = new QVBoxLayout(frame);
  column->setContentsMargins(0, 0, 0, 0);
  column->addWidget(page);
  setWidget(frame);
  viewport()->setAutoFillBackground(false);
  frame->setAutoFillBackground(false);
}

}  // namespace kvlink::ui
