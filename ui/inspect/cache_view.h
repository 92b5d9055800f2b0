// SPDX-License-Identifier: Apache-2.0
// The inspector without its worker: budgets, strip map, table, and the buttons for what can be
// done.
#pragma once

#include <QWidget>
#include <functional>
#include <optional>
#include <vector>

#include "ui/inspect/block_table.h"

class QCheckBox;
class QLabel;
class QLineEdit;
class QProgressBar;
class QTableView;
class QTimer;
class QToolButton;

namespace kvlink::ui {

class BlockActions;
class CacheBudgets;
class DocumentStrip;
class InlineMessage;
class StripMap;

/// Told what there is; says what the user wants. Evictions wait a moment in which they can be
/// undone, since afterwards only computing the blocks again brings them back. GUI thread.
class CacheView : public QWidget {
  Q_OBJECT

 public:
  explicit CacheView(QWidget* parent = nullptr);

  void set_snapshot(BlockTable::Snapshot snapshot);
  void set_totals(const desk::CacheTotals& totals);
  void answer_started();
  void blocks_looked_up(const std::vector<desk::BlockEvent>& events);
  void show_document(desk::DocumentId document);

  /// How long an eviction can be undone.
  void set_undo_ms(int milliseconds) { undo_ms_ = milliseconds; }
  void show_progress(const desk::CacheProgress& progress);
  /// The request has ended; `sentence` stays until the next one.
  void show_report(const QString& sentence, bool problem);
  /// Blocks of the last verification that ended well.
  void mark_verified(const std::vector<Digest>& ids) { table_->mark_verified(ids); }
  /// A question with one button that says yes.
  void offer(const QString& question, const QString& yes, std::function<void()> accept);

  BlockTable& table() { return *table_; }
  const StripMap& strip() const;
  std::vector<Digest> selected_blocks() const;

 signals:
  void pin_wanted(const std::vector<kvlink::Digest>& blocks, bool pinned);
  void evict_wanted(const std::vector<kvlink::Digest>& blocks);
  void verify_wanted(const std::vector<kvlink::Digest>& blocks);
  void rebuild_wanted(const std::vector<kvlink::Digest>& blocks,
                      const std::vector<kvlink::desk::DocumentId>& documents);
  void reveal_wanted(const kvlink::Digest& block);
  void cancel_wanted();
  void disk_budget_chosen(std::int64_t bytes);
  void memory_budget_chosen(std::int64_t bytes);
  void gpu_budget_chosen(std::int64_t bytes);

 private:
  void build_totals();
  void build_filter();
  void build_strip();
  void build_table();
  void build_actions();
  void apply_query();
  void show_strip(desk::DocumentId document);
  void rows_arranged();
  void show_wanted();
  std::vector<int> selected_rows() const;
  bool are_pinned(const std::vector<int>& rows) const;
  void selection_changed();
  void begin_eviction(std::vector<Digest> blocks);
  void carry_out_eviction();
  void undo_eviction();
  void evict_stale();
  void rebuild_selected();

  LastAnswer answer_;
  desk::DocumentId strip_document_ = 0;
  desk::DocumentId wanted_document_ = 0;  ///< to be selected once the rows are arranged
  std::optional<Digest> current_;         ///< the block that was selected before a reset
  int scrolled_ = 0;                      ///< and where the table stood
  std::vector<Digest> to_evict_;
  QString kept_report_;  ///< came while an eviction could be undone
  std::int64_t n_stale_ = 0;
  std::int64_t stale_bytes_ = 0;
  int undo_ms_ = 8000;

  BlockTable* table_;
  CacheBudgets* budgets_ = nullptr;
  QLineEdit* words_ = nullptr;
  QCheckBox* stale_only_ = nullptr;
  QToolButton* document_chip_ = nullptr;
  DocumentStrip* strip_ = nullptr;
  QTableView* view_ = nullptr;
  QLabel* empty_ = nullptr;
  InlineMessage* message_ = nullptr;
  QProgressBar* progress_ = nullptr;
  QToolButton* cancel_ = nullptr;
  QTimer* undo_timer_ = nullptr;
  BlockActions* actions_ = nullptr;
};

}  // namespace kvlink::ui
