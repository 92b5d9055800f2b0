// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/document_strip.h"

#include <QLabel>
#include <QScrollArea>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>

#include "ui/inspect/quantities.h"

namespace kvlink::ui {
namespace {

constexpr int kRows = 4;

}  // namespace

DocumentStrip::DocumentStrip(QWidget* parent)
    : QWidget(parent),
      title_(new QLabel(this)),
      map_(new StripMap(this)),
      area_(new QScrollArea(this)),
      legend_(new StripLegend(this)) {
  title_->setForegroundRole(QPalette::PlaceholderText);
  title_->setTextFormat(Qt::PlainText);
  title_->setWordWrap(true);
  area_->setWidget(map_);
  area_->setWidgetResizable(true);
  area_->setFrameShape(QFrame::NoFrame);
  area_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  area_->setFocusPolicy(Qt::NoFocus);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(8);
  column->addWidget(title_);
  column->addWidget(area_);
  column->addWidget(legend_);
  connect(map_, &StripMap::activated, this, &DocumentStrip::activated);
  show_nothing();
}

void DocumentStrip::show_nothing() {
  area_->hide();
  map_->set_cells({});
  title_->setText(tr("Select a block to see the passages of its document."));
}

void DocumentStrip::show_cells(const QString& name, std::vector<StripCell> cells) {
  const auto n_cached = std::count_if(cells.begin(), cells.end(), [](const StripCell& cell) {
    return cell.place != StripCell::Place::kNone && !cell.stale;
  });
  title_->setText(
      tr("%1: %2 of %n passage(s) have a block.", nullptr, static_cast<int>(cells.size()))
          .arg(name, count_text(n_cached)));
  map_->set_cells(std::move(cells));
  area_->show();
  fit();
}

void DocumentStrip::fit() {
  area_->setFixedHeight(
      std::min(map_->heightForWidth(width()), kRows * (fontMetrics().height() + 3)));
}

void DocumentStrip::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  fit();
}

}  // namespace kvlink::ui
