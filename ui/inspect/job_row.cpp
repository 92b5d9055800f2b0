// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/job_row.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>

#include "ui/inspect/quantities.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

constexpr int kSteps = 1000;

}  // namespace

JobRow::JobRow(QWidget* parent)
    : QWidget(parent),
      words_(new QLabel(this)),
      bar_(new QProgressBar(this)),
      stop_(new QPushButton(icon(QStringLiteral("stop")), tr("Stop"), this)) {
  words_->setTextFormat(Qt::PlainText);
  words_->setWordWrap(true);
  bar_->setTextVisible(false);
  bar_->setMaximumHeight(fontMetrics().height() / 2);
  stop_->setAutoDefault(false);
  auto* column = new QVBoxLayout;
  column->addWidget(words_);
  column->addWidget(bar_);
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(0, 0, 0, 0);
  row->addLayout(column, 1);
  row->addWidget(stop_);
  connect(stop_, &QPushButton::clicked, this, [this] {
    stop_->setEnabled(false);
    emit stop_wanted();
  });
  hide();
}

void JobRow::begin(const QString& what) {
  what_ = what;
  words_->setText(what);
  bar_->setAccessibleName(what);
  bar_->setRange(0, 0);
  stop_->setEnabled(true);
  show();
}

void JobRow::show_bytes(std::int64_t done, std::int64_t total) {
  if (isHidden() || total <= 0) return;
  words_->setText(tr("%1: %2 of %3").arg(what_, bytes_text(done), bytes_text(total)));
  // Once everything is read, computing begins, and nobody can say how long that takes.
  const bool is_over = done >= total;
  bar_->setRange(0, is_over ? 0 : kSteps);
  if (!is_over) bar_->setValue(static_cast<int>(done * kSteps / total));
}

void JobRow::end() { hide(); }

}  // namespace kvlink::ui
