// SPDX-License-Identifier: Apache-2.0
// The passages of one document as a strip of cells, with its name and what the cells mean.
#pragma once

#include <QWidget>
#include <vector>

#include "ui/inspect/strip_map.h"

class QLabel;
class QScrollArea;

namespace kvlink::ui {

/// Told what to show. A few rows high; a longer strip scrolls. GUI thread.
class DocumentStrip : public QWidget {
  Q_OBJECT

 public:
  explicit DocumentStrip(QWidget* parent = nullptr);

  void show_cells(const QString& name, std::vector<StripCell> cells);
  void show_nothing();
  /// Whether a tier of the GPU is among what the cells mean.
  void set_gpu(bool in_use) { legend_->set_gpu(in_use); }
  const StripMap& map() const { return *map_; }

 signals:
  void activated(const kvlink::Digest& block);

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  void fit();

  QLabel* title_;
  StripMap* map_;
  QScrollArea* area_;
  StripLegend* legend_;
};

}  // namespace kvlink::ui
