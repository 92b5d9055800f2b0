// SPDX-License-Identifier: Apache-2.0
// How much of a budget is used, and a slider that offers another budget.
#pragma once

#include <QWidget>
#include <cstdint>

class QBoxLayout;
class QLabel;
class QProgressBar;
class QSlider;
class QTimer;

namespace kvlink::ui {

/// The slider goes in steps of a quarter of a doubling. It only offers: whoever owns the settings
/// decides, and set_totals() puts it back to what holds. GUI thread.
class BudgetRow : public QWidget {
  Q_OBJECT

 public:
  /// `smallest`: the budget at the left end, in bytes, a power of two; `n_doublings` to the right.
  /// `may_be_zero`: the left end means "none".
  struct Range {
    std::int64_t smallest = std::int64_t{1} << 28;
    int n_doublings = 12;
    bool may_be_zero = false;
  };
  BudgetRow(const QString& name, Range range, QWidget* parent = nullptr);

  void set_totals(std::int64_t used_bytes, std::int64_t budget_bytes);
  std::int64_t budget_of(int position) const;
  int position_of(std::int64_t bytes) const;

 signals:
  /// Half a second after the slider came to rest somewhere else.
  void chosen(std::int64_t budget_bytes);

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  void slider_moved(int position);
  void place_slider();

  QString name_;
  Range range_;
  std::int64_t used_bytes_ = 0;
  std::int64_t budget_bytes_ = 0;
  QBoxLayout* top_;
  QLabel* figures_;
  QProgressBar* bar_;
  QSlider* slider_;
  QTimer* rest_;
};

}  // namespace kvlink::ui
