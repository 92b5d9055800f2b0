// SPDX-License-Identifier: Apache-2.0
#include "ui/library/document_delegate.h"

#include <QApplication>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QPolygonF>
#include <QStyle>

#include "ui/library/document_words.h"
#include "ui/library/library_model.h"
#include "ui/theme/colors.h"

namespace kvlink::ui {
namespace {

using desk::DocumentStage;

constexpr int kMargin = 6;
constexpr double kSmall = 0.88;

QFont small_font(const QFont& font) {
  QFont small = font;
  small.setPointSizeF(font.pointSizeF() * kSmall);
  return small;
}

bool is_selected(const QStyleOptionViewItem& option) {
  return option.state.testFlag(QStyle::State_Selected);
}

QPalette::ColorGroup group_of(const QStyleOptionViewItem& option) {
  return option.state.testFlag(QStyle::State_Active) ? QPalette::Active : QPalette::Inactive;
}

QColor text_color(const QStyleOptionViewItem& option) {
  return option.palette.color(group_of(option),
                              is_selected(option) ? QPalette::HighlightedText : QPalette::Text);
}

QColor quiet_color(const QStyleOptionViewItem& option) {
  QColor color = is_selected(option) ? text_color(option) : colors_of(option.palette).quiet;
  if (is_selected(option)) color.setAlphaF(0.8F);
  return color;
}

QColor chip_color(DocumentStage stage, const Colors& colors) {
  switch (stage) {
    case DocumentStage::kReady:
      return colors.good;
    case DocumentStage::kWarm:
      return colors.memory;
    case DocumentStage::kReading:
    case DocumentStage::kEmbedding:
    case DocumentStage::kCaching:
      return colors.disk;
    case DocumentStage::kStale:
      return colors.warning;
    case DocumentStage::kFailed:
      return colors.bad;
    case DocumentStage::kQueued:
    case DocumentStage::kSearchable:
    case DocumentStage::kIgnored:
      return colors.quiet;
  }
  return colors.quiet;
}

}  // namespace

QSize DocumentDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex&) const {
  const int height =
      option.fontMetrics.height() + QFontMetrics(small_font(option.font)).height() + 2 * kMargin;
  return {option.fontMetrics.averageCharWidth() * 20, height};
}

QRect DocumentDelegate::check_rect(const QStyleOptionViewItem& option) const {
  const QStyle* style = option.widget != nullptr ? option.widget->style() : QApplication::style();
  const int size = style->pixelMetric(QStyle::PM_IndicatorWidth, &option, option.widget);
  const int top = option.rect.top() + (option.rect.height() - size) / 2;
  return QStyle::visualRect(option.direction, option.rect,
                            QRect(option.rect.left() + kMargin / 2, top, size, size));
}

void DocumentDelegate::paint(QPainter* painter, const QStyleOptionViewItem& given,
                             const QModelIndex& index) const {
  QStyleOptionViewItem option = given;
  const QStyle* style = option.widget != nullptr ? option.widget->style() : QApplication::style();
  style->drawPrimitive(QStyle::PE_PanelItemViewItem, &option, painter, option.widget);
  painter->save();
  painter->setRenderHint(QPainter::Antialiasing);
  paint_check(*painter, option, index);
  const int indent = check_rect(option).width() + kMargin + kMargin / 2;
  const QRect rect = QStyle::visualRect(option.direction, option.rect,
                                        option.rect.adjusted(indent, 0, -kMargin, 0));
  if (index.data(LibraryModel::kIsDocument).toBool()) {
    paint_document(*painter, option, index, rect);
  } else {
    paint_collection(*painter, option, index, rect);
  }
  painter->restore();
}

/// Drawn here: styles draw an empty box that vanishes in a dark list.
void DocumentDelegate::paint_check(QPainter& painter, const QStyleOptionViewItem& option,
                                   const QModelIndex& index) const {
  const QRectF box = QRectF(check_rect(option)).adjusted(0.5, 0.5, -0.5, -0.5);
  const auto state = static_cast<Qt::CheckState>(index.data(Qt::CheckStateRole).toInt());
  const bool on_highlight = is_selected(option);
  const QColor accent = on_highlight ? text_color(option)
                                     : option.palette.color(group_of(option), QPalette::Highlight);
  const bool set = state != Qt::Unchecked;
  painter.setPen(QPen(set ? accent : quiet_color(option), 1));
  painter.setBrush(set ? QBrush(accent) : QBrush(Qt::NoBrush));
  painter.drawRoundedRect(box, 3, 3);
  if (!set) return;
  const QColor mark = option.palette.color(
      group_of(option), on_highlight ? QPalette::Highlight : QPalette::HighlightedText);
  painter.setPen(QPen(mark, 1.8, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
  painter.setBrush(Qt::NoBrush);
  const auto at = [&](double x, double y) {
    return QPointF(box.left() + x * box.width(), box.top() + y * box.height());
  };
  if (state == Qt::Checked) {
    painter.drawPolyline(QPolygonF({at(0.22, 0.54), at(0.42, 0.74), at(0.78, 0.30)}));
  } else {
    painter.drawLine(at(0.25, 0.5), at(0.75, 0.5));
  }
}

void DocumentDelegate::paint_document(QPainter& painter, const QStyleOptionViewItem& option,
                                      const QModelIndex& index, QRect rect) const {
  const int chip = paint_chip(painter, option, index, rect);
  const QFont small = small_font(option.font);
  const QFontMetrics small_metrics(small);
  rect.adjust(0, kMargin, 0, -kMargin);
  const bool rtl = option.direction == Qt::RightToLeft;
  const QRect beside =
      rtl ? rect.adjusted(chip + kMargin, 0, 0, 0) : rect.adjusted(0, 0, -chip - kMargin, 0);
  painter.setFont(option.font);
  painter.setPen(text_color(option));
  painter.drawText(
      beside, Qt::AlignLeading | Qt::AlignTop,
      option.fontMetrics.elidedText(index.data().toString(), Qt::ElideRight, beside.width()));
  painter.setFont(small);
  painter.setPen(quiet_color(option));
  painter.drawText(beside, Qt::AlignLeading | Qt::AlignBottom,
                   small_metrics.elidedText(index.data(LibraryModel::kDetails).toString(),
                                            Qt::ElideRight, beside.width()));
}

int DocumentDelegate::paint_chip(QPainter& painter, const QStyleOptionViewItem& option,
                                 const QModelIndex& index, const QRect& rect) const {
  const auto stage = static_cast<DocumentStage>(index.data(LibraryModel::kStage).toInt());
  const QString words = index.data(LibraryModel::kStageWords).toString();
  const QFont font = small_font(option.font);
  const QFontMetrics metrics(font);
  const int width = metrics.horizontalAdvance(words) + 2 * kMargin + 2;
  const int height = metrics.height() + 2;
  const bool rtl = option.direction == Qt::RightToLeft;
  const QRect chip(rtl ? rect.left() : rect.right() - width + 1,
                   rect.top() + (rect.height() - height) / 2, width, height);
  const QColor color = chip_color(stage, colors_of(option.palette));
  QColor fill = is_selected(option) ? option.palette.color(QPalette::Base) : color;
  fill.setAlphaF(is_selected(option) ? 0.9F : 0.14F);
  painter.setPen(Qt::NoPen);
  painter.setBrush(fill);
  painter.drawRoundedRect(chip, height / 2.0, height / 2.0);
  painter.setFont(font);
  painter.setPen(color);
  painter.drawText(chip, Qt::AlignCenter, words);
  return width;
}

void DocumentDelegate::paint_collection(QPainter& painter, const QStyleOptionViewItem& option,
                                        const QModelIndex& index, QRect rect) const {
  QFont bold = option.font;
  bold.setWeight(QFont::DemiBold);
  const QString count = index.data(LibraryModel::kDetails).toString();
  const int width = option.fontMetrics.horizontalAdvance(count);
  painter.setFont(option.font);
  painter.setPen(quiet_color(option));
  painter.drawText(rect, Qt::AlignVCenter | Qt::AlignTrailing, count);
  const bool rtl = option.direction == Qt::RightToLeft;
  const QRect beside =
      rtl ? rect.adjusted(width + kMargin, 0, 0, 0) : rect.adjusted(0, 0, -width - kMargin, 0);
  painter.setFont(bold);
  painter.setPen(text_color(option));
  painter.drawText(
      beside, Qt::AlignVCenter | Qt::AlignLeading,
      QFontMetrics(bold).elidedText(index.data().toString(), Qt::ElideMiddle, beside.width()));
}

bool DocumentDelegate::editorEvent(QEvent* event, QAbstractItemModel* model,
                                   const QStyleOptionViewItem& option, const QModelIndex& index) {
  const bool released = event->type() == QEvent::MouseButtonRelease;
  const bool pressed =
      event->type() == QEvent::MouseButtonPress || event->type() == QEvent::MouseButtonDblClick;
  if (!released && !pressed) return false;
  const auto* mouse = static_cast<QMouseEvent*>(event);
  const QRect reach = check_rect(option).adjusted(-kMargin / 2, -kMargin, kMargin / 2, kMargin);
  if (mouse->button() != Qt::LeftButton || !reach.contains(mouse->position().toPoint())) {
    return false;
  }
  if (pressed) return true;  // no selection, no expansion: the box was meant
  const bool checked = index.data(Qt::CheckStateRole).toInt() == Qt::Checked;
  return model->setData(index, checked ? Qt::Unchecked : Qt::Checked, Qt::CheckStateRole);
}

}  // namespace kvlink::ui
