// SPDX-License-Identifier: Apache-2.0
// What a folder would bring, shown in the library column before anything is read.
#pragma once

#include <QFrame>
#include <vector>

#include "app/desk/library_messages.h"

class QCheckBox;
class QGridLayout;
class QLabel;
class QPushButton;

namespace kvlink::ui {

/// Counts by type with a check box each, time and disk estimates, Start and Cancel. Hidden until
/// there is something to decide.
class PreScanCard : public QFrame {
  Q_OBJECT

 public:
  explicit PreScanCard(QWidget* parent = nullptr);

  void show_counting(const std::vector<QString>& paths);
  void show_scan(const desk::PreScan& scan);
  /// Files of the types that are checked.
  std::int64_t n_wanted() const;

 signals:
  void start_requested(const kvlink::desk::AddRequest& request);
  void cancelled();

 private:
  void clear_types();
  void update_estimate();
  QString estimate_words() const;

  QLabel* title_;
  QLabel* estimate_;
  QLabel* notes_;
  QGridLayout* types_;
  QPushButton* start_;
  QPushButton* cancel_;
  QCheckBox* caching_;
  QCheckBox* follow_;
  desk::PreScan scan_;
  std::vector<QCheckBox*> boxes_;  ///< of the supported types of scan_, in order
};

}  // namespace kvlink::ui
