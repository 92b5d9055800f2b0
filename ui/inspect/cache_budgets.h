// SPDX-License-Identifier: Apache-2.0
// The tiers in which blocks are kept: how much each holds of what it may, and how often they serve.
#pragma once

#include <QWidget>

#include "app/desk/cache_messages.h"

class QLabel;

namespace kvlink::ui {

class BudgetRow;

/// A tier that is not there (the memory of a GPU where none is in use) is not shown. GUI thread.
class CacheBudgets : public QWidget {
  Q_OBJECT

 public:
  explicit CacheBudgets(QWidget* parent = nullptr);
  void set_totals(const desk::CacheTotals& totals);

 signals:
  void disk_budget_chosen(std::int64_t bytes);
  void memory_budget_chosen(std::int64_t bytes);
  void gpu_budget_chosen(std::int64_t bytes);

 private:
  BudgetRow* disk_;
  BudgetRow* memory_;
  BudgetRow* gpu_;
  QLabel* figures_;
};

}  // namespace kvlink::ui
