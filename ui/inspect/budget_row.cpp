// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/budget_row.h"

#include <QBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QSignalBlocker>
#include <QSlider>
#include <QTimer>
#include <algorithm>
#include <cmath>

#include "ui/inspect/quantities.h"

namespace kvlink::ui {
namespace {

constexpr int kStepsPerDoubling = 4;
constexpr int kRestMs = 500;
constexpr int kBarSteps = 1000;
constexpr double kMegabyte = 1 << 20;

}  // namespace

BudgetRow::BudgetRow(const QString& name, Range range, QWidget* parent)
    : QWidget(parent),
      name_(name),
      range_(range),
      figures_(new QLabel(this)),
      bar_(new QProgressBar(this)),
      slider_(new QSlider(Qt::Horizontal, this)),
      rest_(new QTimer(this)) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(2);
  top_ = new QBoxLayout(QBoxLayout::LeftToRight);
  top_->setSpacing(6);
  top_->addWidget(figures_);
  top_->addWidget(slider_, 1);
  column->addLayout(top_);
  column->addWidget(bar_);
  bar_->setRange(0, kBarSteps);
  bar_->setTextVisible(false);
  bar_->setFixedHeight(6);
  bar_->setAccessibleName(tr("%1 used").arg(name_));
  slider_->setRange(range_.may_be_zero ? -1 : 0, range_.n_doublings * kStepsPerDoubling);
  slider_->setPageStep(kStepsPerDoubling);
  slider_->setAccessibleName(tr("%1 budget").arg(name_));
  slider_->setToolTip(tr("Change the budget"));
  figures_->setText(name_);
  figures_->setBuddy(slider_);
  rest_->setSingleShot(true);
  rest_->setInterval(kRestMs);
  connect(slider_, &QSlider::valueChanged, this, &BudgetRow::slider_moved);
  connect(rest_, &QTimer::timeout, this, [this] {
    if (slider_->isSliderDown()) {
      rest_->start();
      return;
    }
    const auto bytes = budget_of(slider_->value());
    if (bytes != budget_bytes_) emit chosen(bytes);
  });
}

void BudgetRow::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  place_slider();
}

/// Beside the figures, or below them where it could not be moved any more.
void BudgetRow::place_slider() {
  constexpr int kShortestSlider = 80;
  const int words = figures_->fontMetrics().horizontalAdvance(figures_->text());
  const bool below = words + top_->spacing() + kShortestSlider > width();
  if (below == (top_->direction() == QBoxLayout::TopToBottom)) return;
  top_->setDirection(below ? QBoxLayout::TopToBottom : QBoxLayout::LeftToRight);
  figures_->setWordWrap(below);
}

std::int64_t BudgetRow::budget_of(int position) const {
  if (position < 0) return 0;
  const double doublings = static_cast<double>(position) / kStepsPerDoubling;
  // Whole megabytes, so that what is shown is what is set.
  const double bytes = static_cast<double>(range_.smallest) * std::exp2(doublings);
  return std::llround(bytes / kMegabyte) * static_cast<std::int64_t>(kMegabyte);
}

int BudgetRow::position_of(std::int64_t bytes) const {
  if (bytes <= 0) return slider_->minimum();
  const double doublings =
      std::log2(static_cast<double>(bytes) / static_cast<double>(range_.smallest));
  return std::clamp(static_cast<int>(std::lround(doublings * kStepsPerDoubling)), 0,
                    slider_->maximum());
}

void BudgetRow::set_totals(std::int64_t used_bytes, std::int64_t budget_bytes) {
  used_bytes_ = used_bytes;
  const bool other_budget = budget_bytes != budget_bytes_;
  budget_bytes_ = budget_bytes;
  figures_->setText(
      tr("%1: %2 of %3").arg(name_, bytes_text(used_bytes), bytes_text(budget_bytes)));
  const double share =
      budget_bytes > 0 ? static_cast<double>(used_bytes) / static_cast<double>(budget_bytes) : 0;
  if (!slider_->isSliderDown()) place_slider();
  bar_->setValue(static_cast<int>(std::clamp(share, 0.0, 1.0) * kBarSteps));
  if (slider_->isSliderDown() || (rest_->isActive() && !other_budget)) return;
  const QSignalBlocker quiet(slider_);
  slider_->setValue(position_of(budget_bytes));
}

void BudgetRow::slider_moved(int position) {
  figures_->setText(tr("%1: %2 of %3 → %4")
                        .arg(name_, bytes_text(used_bytes_), bytes_text(budget_bytes_),
                             bytes_text(budget_of(position))));
  rest_->start();
}

}  // namespace kvlink::ui
