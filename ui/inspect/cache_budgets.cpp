// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/cache_budgets.h"

#include <QLabel>
#include <QVBoxLayout>

#include "ui/inspect/budget_row.h"
#include "ui/inspect/quantities.h"

namespace kvlink::ui {

CacheBudgets::CacheBudgets(QWidget* parent)
    : QWidget(parent),
      disk_(new BudgetRow(tr("Disk"), {}, this)),
      memory_(new BudgetRow(
          tr("Memory"), {.smallest = std::int64_t{1} << 26, .n_doublings = 12, .may_be_zero = true},
          this)),
      gpu_(new BudgetRow(
          tr("GPU"), {.smallest = std::int64_t{1} << 26, .n_doublings = 12, .may_be_zero = true},
          this)),
      figures_(new QLabel(this)) {
  figures_->setForegroundRole(QPalette::PlaceholderText);
  figures_->setTextFormat(Qt::PlainText);
  figures_->setWordWrap(true);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(8);
  for (QWidget* row : {static_cast<QWidget*>(disk_), static_cast<QWidget*>(memory_),
                       static_cast<QWidget*>(gpu_), static_cast<QWidget*>(figures_)}) {
    column->addWidget(row);
  }
  gpu_->setObjectName(QStringLiteral("gpu tier"));
  gpu_->hide();
  connect(disk_, &BudgetRow::chosen, this, &CacheBudgets::disk_budget_chosen);
  connect(memory_, &BudgetRow::chosen, this, &CacheBudgets::memory_budget_chosen);
  connect(gpu_, &BudgetRow::chosen, this, &CacheBudgets::gpu_budget_chosen);
}

void CacheBudgets::set_totals(const desk::CacheTotals& totals) {
  disk_->set_totals(totals.totals.disk_bytes, totals.disk_budget_bytes);
  memory_->set_totals(totals.totals.memory_bytes, totals.memory_budget_bytes);
  gpu_->setVisible(totals.gpu.has_value());
  if (totals.gpu) gpu_->set_totals(totals.gpu->used_bytes, totals.gpu->budget_bytes);
  const auto n_lookups = totals.totals.n_hits + totals.totals.n_misses;
  auto text = tr("%n block(s)", nullptr, static_cast<int>(totals.totals.n_blocks)) +
              QStringLiteral(", ") +
              tr("%n token(s)", nullptr, static_cast<int>(totals.totals.n_tokens));
  if (n_lookups > 0) {
    const double rate =
        100.0 * static_cast<double>(totals.totals.n_hits) / static_cast<double>(n_lookups);
    text +=
        QStringLiteral(". ") +
        tr("%1 % of %2 look-ups were served.").arg(decimal_text(rate, 1), count_text(n_lookups));
  }
  if (totals.gpu && totals.gpu->n_blocks > 0) {
    text += QLatin1Char(' ') +
            tr("%n block(s) on the GPU", nullptr, static_cast<int>(totals.gpu->n_blocks)) +
            QLatin1Char('.');
  }
  figures_->setText(text);
}

}  // namespace kvlink::ui
