// SPDX-License-Identifier: Apache-2.0
#include "ui/theme/scrolled_page.h"

#include <QEvent>
#include <QResizeEvent>
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

void ScrolledPage::set_fitted(bool fitted) {
  fitted_ = fitted;
  setSizePolicy(QSizePolicy::Expanding, fitted ? QSizePolicy::Maximum : QSizePolicy::Expanding);
}

QSize ScrolledPage::sizeHint() const {
  const QSize usual = QScrollArea::sizeHint();
  if (!fitted_) return usual;
  return {usual.width(), widget()->heightForWidth(width())};
}

void ScrolledPage::resizeEvent(QResizeEvent* event) {
  QScrollArea::resizeEvent(event);
  if (fitted_ && event->size().width() != event->oldSize().width()) updateGeometry();
}

bool ScrolledPage::eventFilter(QObject* watched, QEvent* event) {
  if (fitted_ && watched == widget() && event->type() == QEvent::LayoutRequest) updateGeometry();
  return QScrollArea::eventFilter(watched, event);
}

}  // namespace kvlink::ui
