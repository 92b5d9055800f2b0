// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/page_view.h"

#include <QPainter>
#include <QResizeEvent>
#include <QScrollBar>
#include <algorithm>

#include "ui/theme/colors.h"

namespace kvlink::ui {
namespace {

constexpr int kMargin = 24;  // of what stays in view above and below the passage

}  // namespace

class PageView::Sheet : public QWidget {
 public:
  explicit Sheet(PageView* view) : QWidget(view), view_(*view) {}

 protected:
  void paintEvent(QPaintEvent* /*event*/) override {
    if (view_.image_.isNull()) return;
    QPainter painter(this);
    painter.setRenderHint(QPainter::SmoothPixmapTransform);
    painter.drawImage(rect(), view_.image_);
    // Paper is white in a dark window too, and the words below must stay readable.
    painter.setCompositionMode(QPainter::CompositionMode_Multiply);
    QColor fill = colors_of(palette()).warning.lighter(150);
    fill.setAlpha(110);
    for (const QRectF& box : view_.painted_) painter.fillRect(on_sheet(box), fill);
  }

 private:
  QRectF on_sheet(const QRectF& box) const {
    return {box.x() * width(), box.y() * height(), box.width() * width(), box.height() * height()};
  }

  PageView& view_;
};

PageView::PageView(QWidget* parent) : QScrollArea(parent), sheet_(new Sheet(this)) {
  setWidget(sheet_);
  setFrameShape(QFrame::NoFrame);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOn);
  setFocusPolicy(Qt::StrongFocus);
  setAccessibleName(tr("Page"));
}

void PageView::show_page(const desk::PagePicture& picture) {
  const auto n_bytes = qsizetype(picture.width) * picture.height * 4;
  if (picture.width < 1 || picture.height < 1 || picture.pixels.size() < n_bytes) return clear();
  image_ = QImage(reinterpret_cast<const uchar*>(picture.pixels.constData()), picture.width,
                  picture.height, QImage::Format_RGB32)
               .copy();
  painted_ = picture.passage;
  page_ = picture.page;
  setAccessibleDescription(tr("Page %1, with the passage painted").arg(page_));
  fit();
  int top = sheet_->height();
  for (const QRectF& box : painted_) top = std::min(top, int(box.top() * sheet_->height()));
  verticalScrollBar()->setValue(painted_.isEmpty() ? 0 : top - kMargin);
}

void PageView::clear() {
  image_ = {};
  painted_.clear();
  page_ = 0;
  sheet_->update();
}

int PageView::wanted_width() const { return int(viewport()->width() * devicePixelRatioF()); }

void PageView::resizeEvent(QResizeEvent* event) {
  QScrollArea::resizeEvent(event);
  fit();
}

void PageView::fit() {
  if (image_.isNull()) return;
  const int width = viewport()->width();
  sheet_->resize(width, int(qint64(width) * image_.height() / image_.width()));
  sheet_->update();
}

}  // namespace kvlink::ui
