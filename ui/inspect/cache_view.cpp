// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/cache_view.h"

#include <QCheckBox>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QScrollBar>
#include <QTableView>
#include <QTimer>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>

#include "ui/ask/inline_message.h"
#include "ui/inspect/block_actions.h"
#include "ui/inspect/cache_budgets.h"
#include "ui/inspect/document_strip.h"
#include "ui/inspect/quantities.h"
#include "ui/theme/flow_layout.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

constexpr int kFilterMs = 150;

QLabel* quiet_label(QWidget* parent) {
  auto* label = new QLabel(parent);
  label->setForegroundRole(QPalette::PlaceholderText);
  label->setTextFormat(Qt::PlainText);
  label->setWordWrap(true);
  return label;
}

}  // namespace

CacheView::CacheView(QWidget* parent) : QWidget(parent), table_(new BlockTable(this)) {
  table_->set_last_answer(&answer_);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(12, 12, 12, 12);
  column->setSpacing(8);
  build_totals();
  build_filter();
  build_strip();
  build_table();
  build_actions();
  selection_changed();
}

// --- building

void CacheView::build_totals() {
  budgets_ = new CacheBudgets(this);
  layout()->addWidget(budgets_);
  connect(budgets_, &CacheBudgets::disk_budget_chosen, this, &CacheView::disk_budget_chosen);
  connect(budgets_, &CacheBudgets::memory_budget_chosen, this, &CacheView::memory_budget_chosen);
  connect(budgets_, &CacheBudgets::gpu_budget_chosen, this, &CacheView::gpu_budget_chosen);
}

void CacheView::build_filter() {
  words_ = new QLineEdit(this);
  words_->setPlaceholderText(tr("Search documents or block numbers"));
  words_->setAccessibleName(tr("Search blocks"));
  words_->setClearButtonEnabled(true);
  words_->addAction(icon(QStringLiteral("search")), QLineEdit::LeadingPosition);
  stale_only_ = new QCheckBox(tr("Stale only"), this);
  document_chip_ = new QToolButton(this);
  document_chip_->setIcon(icon(QStringLiteral("filter")));
  document_chip_->setText(tr("This document only"));
  document_chip_->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  document_chip_->setCheckable(true);
  document_chip_->setEnabled(false);
  auto* row = new FlowLayout(6);
  row->addWidget(stale_only_);
  row->addWidget(document_chip_);
  auto* column = static_cast<QVBoxLayout*>(layout());
  column->addWidget(words_);
  column->addLayout(row);
  auto* pause = new QTimer(this);
  pause->setSingleShot(true);
  pause->setInterval(kFilterMs);
  connect(words_, &QLineEdit::textChanged, pause, qOverload<>(&QTimer::start));
  connect(pause, &QTimer::timeout, this, &CacheView::apply_query);
  connect(stale_only_, &QCheckBox::toggled, this, &CacheView::apply_query);
  connect(document_chip_, &QToolButton::toggled, this, &CacheView::apply_query);
}

void CacheView::build_strip() {
  strip_ = new DocumentStrip(this);
  layout()->addWidget(strip_);
  connect(strip_, &DocumentStrip::activated, this, [this](const Digest& block) {
    const int row = table_->row_of(block);
    if (row < 0) return;
    view_->selectRow(row);
    view_->scrollTo(table_->index(row, 0));
  });
}

void CacheView::build_table() {
  view_ = new QTableView(this);
  view_->setModel(table_);
  view_->setAccessibleName(tr("Blocks"));
  view_->setSelectionBehavior(QAbstractItemView::SelectRows);
  view_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  view_->setAlternatingRowColors(true);
  view_->setShowGrid(false);
  view_->setWordWrap(false);
  view_->setTabKeyNavigation(false);
  view_->setSortingEnabled(true);
  view_->sortByColumn(BlockTable::kDocument, Qt::AscendingOrder);
  view_->verticalHeader()->hide();
  view_->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  view_->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 8);
  view_->horizontalHeader()->setHighlightSections(false);
  view_->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
  const int letter = fontMetrics().averageCharWidth();
  view_->setColumnWidth(BlockTable::kDocument, 24 * letter);
  for (int column = BlockTable::kPassage; column < BlockTable::kColumnCount; ++column) {
    const auto name = table_->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString();
    const int wide = fontMetrics().horizontalAdvance(name) + 28;
    view_->setColumnWidth(column,
                          std::max(wide, (column == BlockTable::kCreated ? 17 : 11) * letter));
  }
  view_->setColumnWidth(BlockTable::kLastAnswer, 20 * letter);
  view_->setMinimumHeight(6 * fontMetrics().height());
  empty_ = quiet_label(this);
  empty_->setAlignment(Qt::AlignCenter);
  empty_->setText(
      tr("No blocks yet. Add documents: each passage is read once by the model, and "
         "what it computed is kept here."));
  static_cast<QVBoxLayout*>(layout())->addWidget(empty_, 1);
  static_cast<QVBoxLayout*>(layout())->addWidget(view_, 1);
  view_->hide();
  const auto* selection = view_->selectionModel();
  connect(selection, &QItemSelectionModel::selectionChanged, this, &CacheView::selection_changed);
  connect(table_, &BlockTable::arranged, this, &CacheView::rows_arranged);
  connect(table_, &BlockTable::modelAboutToBeReset, this, [this] {
    const auto index = view_->currentIndex();
    if (index.isValid()) current_ = table_->item(index.row()).row.id;
    scrolled_ = view_->verticalScrollBar()->value();
  });
  connect(selection, &QItemSelectionModel::currentRowChanged, this,
          [this](const QModelIndex& current) {
            if (current.isValid()) show_strip(table_->item(current.row()).document);
          });
}

void CacheView::build_actions() {
  message_ = new InlineMessage(this);
  progress_ = new QProgressBar(this);
  progress_->setAccessibleName(tr("Progress"));
  cancel_ = BlockActions::make_button(this, "close", tr("Cancel"), tr("What is done stays done"));
  progress_->hide();
  cancel_->hide();
  actions_ = new BlockActions(this);
  auto* running = new QHBoxLayout;
  running->addWidget(progress_, 1);
  running->addWidget(cancel_);
  auto* column = static_cast<QVBoxLayout*>(layout());
  column->addWidget(message_);
  column->addLayout(running);
  column->addWidget(actions_);
  undo_timer_ = new QTimer(this);
  undo_timer_->setSingleShot(true);
  connect(undo_timer_, &QTimer::timeout, this, &CacheView::carry_out_eviction);
  connect(cancel_, &QToolButton::clicked, this, &CacheView::cancel_wanted);
  connect(actions_, &BlockActions::pin_pressed, this,
          [this] { emit pin_wanted(selected_blocks(), !are_pinned(selected_rows())); });
  connect(actions_, &BlockActions::evict_pressed, this,
          [this] { begin_eviction(selected_blocks()); });
  connect(actions_, &BlockActions::evict_stale_pressed, this, &CacheView::evict_stale);
  connect(actions_, &BlockActions::verify_pressed, this,
          [this] { emit verify_wanted(selected_blocks()); });
  connect(actions_, &BlockActions::rebuild_pressed, this, &CacheView::rebuild_selected);
  connect(actions_, &BlockActions::reveal_pressed, this, [this] {
    const auto blocks = selected_blocks();
    if (!blocks.empty()) emit reveal_wanted(blocks.front());
  });
}

// --- what there is

const StripMap& CacheView::strip() const { return strip_->map(); }

void CacheView::set_snapshot(BlockTable::Snapshot snapshot) {
  table_->set_snapshot(std::move(snapshot));
}

/// What a reset of the table forgets is put back.
void CacheView::rows_arranged() {
  n_stale_ = 0;
  stale_bytes_ = 0;
  for (const auto& block : table_->snapshot()->blocks) {
    if (!block.stale) continue;
    ++n_stale_;
    stale_bytes_ += block.row.file_bytes;
  }
  if (const auto current = std::exchange(current_, std::nullopt)) {
    const int row = table_->row_of(*current);
    if (row >= 0) view_->selectRow(row);
    view_->verticalScrollBar()->setValue(scrolled_);
  }
  const bool any = !table_->snapshot()->blocks.empty();
  empty_->setVisible(!any);
  view_->setVisible(any);
  show_strip(strip_document_);
  show_wanted();
  selection_changed();
}

void CacheView::set_totals(const desk::CacheTotals& totals) {
  budgets_->set_totals(totals);
  strip_->set_gpu(totals.gpu.has_value());
}

void CacheView::answer_started() {
  answer_.clear();
  table_->answer_changed();
  show_strip(strip_document_);
}

void CacheView::blocks_looked_up(const std::vector<desk::BlockEvent>& events) {
  answer_.add(events);
  table_->answer_changed();
  if (strip_document_ == 0 && !events.empty()) {
    strip_document_ = events.front().document;
  }
  show_strip(strip_document_);
}

void CacheView::show_document(desk::DocumentId document) {
  document_chip_->setChecked(false);
  words_->clear();
  stale_only_->setChecked(false);
  apply_query();
  wanted_document_ = document;
  if (!table_->is_arranging()) show_wanted();
  show_strip(document);
}

void CacheView::show_wanted() {
  const auto document = std::exchange(wanted_document_, 0);
  const int row = document == 0 ? -1 : table_->row_of_document(document);
  if (row < 0) return;
  view_->selectRow(row);
  view_->scrollTo(table_->index(row, 0), QAbstractItemView::PositionAtTop);
}

void CacheView::show_strip(desk::DocumentId document) {
  strip_document_ = document;
  const bool is_known = table_->document(document) != nullptr;
  document_chip_->setEnabled(is_known);
  if (!is_known) {
    strip_->show_nothing();
    return;
  }
  strip_->show_cells(table_->document_name(document),
                     cells_of(*table_->snapshot(), document, answer_));
}

void CacheView::apply_query() {
  BlockQuery query;
  query.words = words_->text();
  query.stale_only = stale_only_->isChecked();
  query.document = document_chip_->isChecked() ? strip_document_ : 0;
  table_->set_query(query);
}

// --- what can be done

/// From the ranges: Qt's list of the selected rows asks for every cell.
std::vector<int> CacheView::selected_rows() const {
  std::vector<int> rows;
  for (const auto& range : view_->selectionModel()->selection()) {
    for (int row = range.top(); row <= range.bottom(); ++row) rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

std::vector<Digest> CacheView::selected_blocks() const {
  std::vector<Digest> blocks;
  for (const int row : selected_rows()) blocks.push_back(table_->item(row).row.id);
  return blocks;
}

bool CacheView::are_pinned(const std::vector<int>& rows) const {
  return !rows.empty() && std::all_of(rows.begin(), rows.end(),
                                      [this](int row) { return table_->item(row).row.pinned; });
}

void CacheView::selection_changed() {
  const auto rows = selected_rows();
  actions_->show_facts({.any_selected = !rows.empty(),
                        .all_pinned = are_pinned(rows),
                        .any_block = !table_->snapshot()->blocks.empty(),
                        .n_stale = n_stale_});
}

void CacheView::begin_eviction(std::vector<Digest> blocks) {
  if (blocks.empty()) return;
  if (undo_timer_->isActive()) carry_out_eviction();
  const std::unordered_set<Digest, DigestHash> wanted(blocks.begin(), blocks.end());
  std::int64_t bytes = 0;
  std::int64_t tokens = 0;
  blocks.clear();
  for (const auto& block : table_->snapshot()->blocks) {
    if (!wanted.contains(block.row.id) || block.row.pinned) continue;
    blocks.push_back(block.row.id);
    bytes += block.row.file_bytes;
    tokens += block.row.n_tokens;
  }
  if (blocks.empty()) {
    show_report(tr("Pinned blocks stay. Unpin them first."), false);
    return;
  }
  to_evict_ = std::move(blocks);
  message_->remove_buttons();
  message_->tell(
      tr("%n block(s) will be removed in %1 s: %2. Then only computing their %3 tokens again "
         "brings them back.",
         nullptr, static_cast<int>(to_evict_.size()))
          .arg(undo_ms_ / 1000)
          .arg(bytes_text(bytes), count_text(tokens)),
      Tone::kWarning);
  auto* undo = message_->add_button(tr("Undo"));
  undo->setObjectName(QStringLiteral("undo_eviction"));
  connect(undo, &QPushButton::clicked, this, &CacheView::undo_eviction);
  undo_timer_->start(undo_ms_);
}

void CacheView::carry_out_eviction() {
  undo_timer_->stop();
  const auto blocks = std::exchange(to_evict_, {});
  if (blocks.empty()) return;
  message_->remove_buttons();
  message_->hide();
  emit evict_wanted(blocks);
}

void CacheView::undo_eviction() {
  undo_timer_->stop();
  to_evict_.clear();
  show_report(tr("Nothing was removed."), false);
}

void CacheView::evict_stale() {
  std::vector<Digest> blocks;
  for (const auto& block : table_->snapshot()->blocks) {
    if (block.stale) blocks.push_back(block.row.id);
  }
  begin_eviction(std::move(blocks));
}

void CacheView::rebuild_selected() {
  std::vector<desk::DocumentId> documents;
  for (const int row : selected_rows()) {
    const auto document = table_->item(row).document;
    if (document != 0) documents.push_back(document);
  }
  std::sort(documents.begin(), documents.end());
  documents.erase(std::unique(documents.begin(), documents.end()), documents.end());
  if (documents.empty()) {
    show_report(tr("No document has the text of these blocks now: there is nothing to compute."),
                true);
    return;
  }
  emit rebuild_wanted(selected_blocks(), documents);
}

void CacheView::show_progress(const desk::CacheProgress& progress) {
  if (progress.total <= 0) return;
  progress_->setRange(0, static_cast<int>(progress.total));
  progress_->setValue(static_cast<int>(progress.done));
  progress_->setFormat(
      tr("%1 of %2 blocks").arg(count_text(progress.done), count_text(progress.total)));
  progress_->show();
  cancel_->show();
}

void CacheView::show_report(const QString& sentence, bool problem) {
  progress_->hide();
  cancel_->hide();
  const QString kept = std::exchange(kept_report_, {});
  const QString all = kept.isEmpty() ? sentence : kept + QLatin1Char('\n') + sentence;
  if (undo_timer_->isActive()) {
    kept_report_ = all;
    return;
  }
  message_->remove_buttons();
  message_->tell(all, problem ? Tone::kProblem : Tone::kPlain);
}

void CacheView::offer(const QString& question, const QString& yes, std::function<void()> accept) {
  if (undo_timer_->isActive()) carry_out_eviction();
  message_->remove_buttons();
  message_->tell(question, Tone::kWarning);
  connect(message_->add_button(yes), &QPushButton::clicked, this,
          [this, accept = std::move(accept)] {
            message_->hide();
            accept();
          });
  connect(message_->add_button(tr("Leave it")), &QPushButton::clicked, message_, &QWidget::hide);
}

}  // namespace kvlink::ui
