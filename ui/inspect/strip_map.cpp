// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/strip_map.h"

#include <QHelpEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QStringList>
#include <QToolTip>
#include <algorithm>
#include <utility>

#include "ui/inspect/quantities.h"
#include "ui/theme/colors.h"

namespace kvlink::ui {
namespace {

constexpr int kGap = 3;

QColor fill_of(const StripCell& cell, const Colors& colors) {
  if (cell.damaged) return colors.bad;
  if (cell.stale) return colors.stale;
  if (cell.place == StripCell::Place::kGpu) return colors.gpu;
  return cell.place == StripCell::Place::kMemory ? colors.memory : colors.disk;
}

QColor ring_of(BlockUse use, const Colors& colors) {
  if (use == BlockUse::kMissed) return colors.missed;
  return use == BlockUse::kRecomputed ? colors.recomputed : colors.used;
}

void paint_cell(QPainter& painter, const QRectF& rect, const StripCell& cell,
                const Colors& colors) {
  const auto inner = rect.adjusted(2.5, 2.5, -2.5, -2.5);
  if (cell.place == StripCell::Place::kNone) {
    painter.setPen(QPen(colors.nothing, 1));
    painter.setBrush(Qt::NoBrush);
  } else {
    painter.setPen(Qt::NoPen);
    painter.setBrush(fill_of(cell, colors));
  }
  painter.drawRoundedRect(inner, 1.5, 1.5);
  if (cell.pinned) {
    painter.setPen(Qt::NoPen);
    painter.setBrush(QColor(Qt::white));
    painter.drawEllipse(inner.center(), 1.6, 1.6);
  }
  if (cell.last.use == BlockUse::kNotUsed) return;
  painter.setPen(QPen(ring_of(cell.last.use, colors), 1.8));
  painter.setBrush(Qt::NoBrush);
  painter.drawRoundedRect(rect.adjusted(0.9, 0.9, -0.9, -0.9), 3, 3);
}

/// The nearest tier that has it.
StripCell::Place place_of(const desk::BlockItem& block) {
  if (block.on_gpu) return StripCell::Place::kGpu;
  return block.row.in_memory ? StripCell::Place::kMemory : StripCell::Place::kDisk;
}

QString place_text(StripCell::Place place) {
  if (place == StripCell::Place::kGpu) return StripMap::tr("on the GPU");
  return place == StripCell::Place::kMemory ? StripMap::tr("in memory") : StripMap::tr("on disk");
}

}  // namespace

std::vector<StripCell> cells_of(const desk::CacheSnapshot& snapshot, desk::DocumentId document,
                                const LastAnswer& answer) {
  const auto named = std::find_if(snapshot.documents.begin(), snapshot.documents.end(),
                                  [&](const auto& candidate) { return candidate.id == document; });
  if (document == 0 || named == snapshot.documents.end()) return {};
  std::vector<StripCell> cells(
      static_cast<std::size_t>(std::max<std::int64_t>(0, named->n_chunks)));
  // A passage that was missed may still have no block.
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i].last = answer.of_passage(document, static_cast<std::int64_t>(i));
  }
  auto block = std::lower_bound(
      snapshot.blocks.begin(), snapshot.blocks.end(), document,
      [](const auto& candidate, auto wanted) { return candidate.document < wanted; });
  for (; block != snapshot.blocks.end() && block->document == document; ++block) {
    if (block->ordinal < 0 || block->ordinal >= named->n_chunks) continue;
    auto& cell = cells[static_cast<std::size_t>(block->ordinal)];
    // A block that serves hides a stale one of the same passage.
    if (cell.place != StripCell::Place::kNone && block->stale) continue;
    cell = {.place = place_of(*block),
            .stale = block->stale,
            .damaged = !block->row.damage.empty(),
            .pinned = block->row.pinned,
            .last = answer.of(block->row.content),
            .n_tokens = block->row.n_tokens,
            .n_bytes = block->row.file_bytes,
            .id = block->row.id};
  }
  return cells;
}

StripMap::StripMap(QWidget* parent) : QWidget(parent) {
  setAccessibleName(tr("Blocks of the selected document"));
  setAccessibleDescription(tr("The table below says the same for each block."));
  setMouseTracking(true);
  auto policy = sizePolicy();
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
}

void StripMap::set_cells(std::vector<StripCell> cells) {
  const bool other_size = cells.size() != cells_.size();
  cells_ = std::move(cells);
  if (other_size) {
    setMinimumHeight(heightForWidth(width()));
    updateGeometry();
  }
  update();
}

int StripMap::side() const { return fontMetrics().height() + 1; }

int StripMap::n_columns(int width) const {
  return std::max(1, (width + kGap - 1) / (side() + kGap - 1));
}

QRect StripMap::cell_rect(std::size_t cell) const {
  const int columns = n_columns(width());
  const int step = side() + kGap - 1;
  const int at = static_cast<int>(cell);
  return {at % columns * step, at / columns * step, side(), side()};
}

int StripMap::heightForWidth(int width) const {
  const int n = static_cast<int>(cells_.size());
  const int columns = n_columns(width);
  return std::max(1, (n + columns - 1) / columns) * (side() + kGap - 1);
}

QSize StripMap::sizeHint() const { return {240, heightForWidth(240)}; }

int StripMap::cell_at(const QPoint& point) const {
  const int step = side() + kGap - 1;
  if (point.x() < 0 || point.y() < 0) return -1;
  const int column = point.x() / step;
  if (column >= n_columns(width())) return -1;
  const int at = point.y() / step * n_columns(width()) + column;
  return at < static_cast<int>(cells_.size()) ? at : -1;
}

void StripMap::resizeEvent(QResizeEvent* event) {
  setMinimumHeight(heightForWidth(event->size().width()));
  QWidget::resizeEvent(event);
}

void StripMap::paintEvent(QPaintEvent* event) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const auto& colors = colors_of(palette());
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    const auto rect = cell_rect(i);
    if (rect.top() > event->rect().bottom()) break;
    if (rect.intersects(event->rect())) paint_cell(painter, rect, cells_[i], colors);
  }
}

void StripMap::mousePressEvent(QMouseEvent* event) {
  const int at = cell_at(event->position().toPoint());
  if (at < 0) return;
  const auto& cell = cells_[static_cast<std::size_t>(at)];
  if (cell.place != StripCell::Place::kNone) emit activated(cell.id);
}

QString StripMap::details(std::size_t cell) const {
  const auto& facts = cells_.at(cell);
  QStringList lines = {tr("Passage %1").arg(cell + 1)};
  if (facts.place == StripCell::Place::kNone) {
    lines << tr("no block: it is computed when a question needs it");
  } else {
    lines << tr("%n token(s)", nullptr, static_cast<int>(facts.n_tokens)) + QStringLiteral(", ") +
                 bytes_text(facts.n_bytes);
    lines << place_text(facts.place);
  }
  if (facts.pinned) lines << tr("pinned");
  if (facts.stale) lines << tr("stale: made by another model or behind another prompt");
  if (facts.damaged) lines << tr("damaged: set aside");
  if (facts.last.use != BlockUse::kNotUsed) {
    lines << tr("last answer: %1").arg(use_text(facts.last.use));
  }
  if (!facts.last.reason.isEmpty()) lines << facts.last.reason;
  return lines.join(QLatin1Char('\n'));
}

bool StripMap::event(QEvent* event) {
  if (event->type() != QEvent::ToolTip) return QWidget::event(event);
  const auto* help = static_cast<QHelpEvent*>(event);
  const int at = cell_at(help->pos());
  if (at < 0) {
    QToolTip::hideText();
  } else {
    const auto text = details(static_cast<std::size_t>(at)).toHtmlEscaped();
    QToolTip::showText(help->globalPos(),
                       QStringLiteral("<p style='white-space:pre-wrap'>%1</p>").arg(text), this);
  }
  return true;
}

// --- legend

struct StripLegend::Item {
  QString text;
  StripCell cell;
};

StripLegend::StripLegend(QWidget* parent) : QWidget(parent) {
  setAccessibleName(tr("What the cells mean"));
  auto policy = sizePolicy();
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
}

std::vector<StripLegend::Item> StripLegend::items() const {
  const auto cell = [](StripCell::Place place, BlockUse use, bool stale = false) {
    StripCell made;
    made.place = place;
    made.stale = stale;
    made.last.use = use;
    return made;
  };
  using Place = StripCell::Place;
  std::vector<Item> items = {
      {tr("memory"), cell(Place::kMemory, BlockUse::kNotUsed)},
      {tr("disk"), cell(Place::kDisk, BlockUse::kNotUsed)},
      {tr("stale"), cell(Place::kDisk, BlockUse::kNotUsed, true)},
      {tr("no block"), cell(Place::kNone, BlockUse::kNotUsed)},
      {tr("used"), cell(Place::kDisk, BlockUse::kFromDisk)},
      {tr("missed"), cell(Place::kNone, BlockUse::kMissed)},
      {tr("computed again"), cell(Place::kDisk, BlockUse::kRecomputed)}};
  if (gpu_in_use_) items.insert(items.begin(), {tr("GPU"), cell(Place::kGpu, BlockUse::kNotUsed)});
  return items;
}

void StripLegend::set_gpu(bool in_use) {
  if (std::exchange(gpu_in_use_, in_use) == in_use) return;
  updateGeometry();
  update();
}

int StripLegend::lay_out(int width, QPainter* painter) const {
  const int height = fontMetrics().height() + 2;
  int x = 0;
  int y = 0;
  for (const auto& item : items()) {
    const int wide = height + 5 + fontMetrics().horizontalAdvance(item.text) + 14;
    if (x > 0 && x + wide > width) {
      x = 0;
      y += height + 2;
    }
    if (painter != nullptr) {
      paint_cell(*painter, QRectF(x, y, height, height), item.cell, colors_of(palette()));
      painter->setPen(colors_of(palette()).quiet);
      painter->drawText(QRect(x + height + 5, y, wide, height), Qt::AlignVCenter, item.text);
    }
    x += wide;
  }
  return y + height;
}

int StripLegend::heightForWidth(int width) const { return lay_out(width, nullptr); }

void StripLegend::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  lay_out(width(), &painter);
}

}  // namespace kvlink::ui
