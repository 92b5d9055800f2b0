// SPDX-License-Identifier: Apache-2.0
// One cell per passage of a document: the colour says where its block is, the ring what the last
// answer did with it.
#pragma once

#include <QWidget>
#include <vector>

#include "ui/inspect/block_table.h"

namespace kvlink::ui {

/// Plain value.
struct StripCell {
  enum class Place : std::uint8_t { kNone, kDisk, kMemory, kGpu };
  Place place = Place::kNone;
  bool stale = false;
  bool damaged = false;
  bool pinned = false;
  LastAnswer::Entry last;
  std::int64_t n_tokens = 0;
  std::int64_t n_bytes = 0;
  Digest id;  ///< of the block; zero where there is none
};

/// A document's cells in reading order, from a snapshot.
std::vector<StripCell> cells_of(const desk::CacheSnapshot& snapshot, desk::DocumentId document,
                                const LastAnswer& answer);

/// Painted; every fact of a cell is in the table too. GUI thread.
class StripMap : public QWidget {
  Q_OBJECT

 public:
  explicit StripMap(QWidget* parent = nullptr);

  void set_cells(std::vector<StripCell> cells);
  const std::vector<StripCell>& cells() const { return cells_; }
  QRect cell_rect(std::size_t cell) const;
  /// What the tooltip of a cell says, one fact a line.
  QString details(std::size_t cell) const;

  bool hasHeightForWidth() const override { return true; }
  int heightForWidth(int width) const override;
  QSize sizeHint() const override;

 signals:
  void activated(const kvlink::Digest& block);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  bool event(QEvent* event) override;

 private:
  int side() const;
  int n_columns(int width) const;
  int cell_at(const QPoint& point) const;

  std::vector<StripCell> cells_;
};

/// What colours and rings mean, in one line that wraps.
class StripLegend : public QWidget {
  Q_OBJECT

 public:
  explicit StripLegend(QWidget* parent = nullptr);
  /// Whether blocks may lie on a GPU.
  void set_gpu(bool in_use);
  bool hasHeightForWidth() const override { return true; }
  int heightForWidth(int width) const override;
  QSize sizeHint() const override { return {300, heightForWidth(300)}; }

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  struct Item;
  std::vector<Item> items() const;
  int lay_out(int width, QPainter* painter) const;

  bool gpu_in_use_ = false;
};

}  // namespace kvlink::ui
