// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/cache_view.h"

#include <QCheckBox>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QScrollArea>
#include <QScrollBar>
#include <QTableView>
#include <QTimer>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>

#include "ui/ask/inline_message.h"
#include "ui/inspect/budget_row.h"
#include "ui/inspect/quantities.h"
#include "ui/inspect/strip_map.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

constexpr int kFilterMs = 150;
constexpr int kStripRows = 4;

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
  disk_ = new BudgetRow(tr("Disk"), {}, this);
  memory_ = new BudgetRow(
      tr("Memory"), {.smallest = std::int64_t{1} << 26, .n_doublings = 12, .may_be_zero = true},
      this);
  figures_ = quiet_label(this);
  for (QWidget* widget : {static_cast<QWidget*>(disk_), static_cast<QWidget*>(memory_),
                          static_cast<QWidget*>(figures_)}) {
    layout()->addWidget(widget);
  }
  connect(disk_, &BudgetRow::chosen, this, &CacheView::disk_budget_chosen);
  connect(memory_, &BudgetRow::chosen, this, &CacheView::memory_budget_chosen);
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
  auto* row = new QHBoxLayout;
  row->addWidget(stale_only_);
  row->addWidget(document_chip_);
  row->addStretch();
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
  strip_title_ = quiet_label(this);
  strip_title_->setText(tr("Select a block to see the passages of its document."));
  strip_ = new StripMap(this);
  strip_area_ = new QScrollArea(this);
  strip_area_->setWidget(strip_);
  strip_area_->setWidgetResizable(true);
  strip_area_->setFrameShape(QFrame::NoFrame);
  strip_area_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  strip_area_->setMaximumHeight(kStripRows * (fontMetrics().height() + 3));
  strip_area_->setFocusPolicy(Qt::NoFocus);
  strip_area_->hide();
  layout()->addWidget(strip_title_);
  layout()->addWidget(strip_area_);
  layout()->addWidget(new StripLegend(this));
  connect(strip_, &StripMap::activated, this, [this](const Digest& block) {
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

QToolButton* CacheView::action(const char* icon_name, const QString& text, const QString& tip) {
  auto* button = new QToolButton(this);
  button->setIcon(icon(QLatin1String(icon_name)));
  button->setText(text);
  button->setToolTip(tip);
  button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  button->setAutoRaise(true);
  button->setFocusPolicy(Qt::StrongFocus);
  return button;
}

void CacheView::build_actions() {
  message_ = new InlineMessage(this);
  progress_ = new QProgressBar(this);
  progress_->setAccessibleName(tr("Progress"));
  cancel_ = action("close", tr("Cancel"), tr("What is done stays done"));
  progress_->hide();
  cancel_->hide();
  auto* running = new QHBoxLayout;
  running->addWidget(progress_, 1);
  running->addWidget(cancel_);
  actions_ = {
      .pin = action("pin", tr("Pin"), tr("Pinned blocks are never evicted to make room")),
      .evict = action("evict", tr("Evict"),
                      tr("Removes the blocks; they are computed again when a question needs them")),
      .verify = action("verify", tr("Verify"), tr("Reads the blocks and checks every byte")),
      .rebuild = action("rebuild", tr("Rebuild"), tr("Removes the blocks and computes them again")),
      .reveal = action("reveal", tr("Show file"), tr("Shows the block's file in its folder")),
      .evict_stale = action("evict", tr("Evict stale"),
                            tr("Removes every block of another model or another prompt"))};
  auto* grid = new QGridLayout;
  grid->setSpacing(2);
  int at = 0;
  for (auto* button : {actions_.pin, actions_.evict, actions_.evict_stale, actions_.verify,
                       actions_.rebuild, actions_.reveal}) {
    grid->addWidget(button, at / 3, at % 3, Qt::AlignLeft);
    ++at;
  }
  grid->setColumnStretch(3, 1);
  auto* column = static_cast<QVBoxLayout*>(layout());
  column->addWidget(message_);
  column->addLayout(running);
  column->addLayout(grid);
  undo_timer_ = new QTimer(this);
  undo_timer_->setSingleShot(true);
  connect(undo_timer_, &QTimer::timeout, this, &CacheView::carry_out_eviction);
  connect(cancel_, &QToolButton::clicked, this, &CacheView::cancel_wanted);
  connect(actions_.pin, &QToolButton::clicked, this, [this] {
    const auto rows = selected_rows();
    const bool all_pinned = std::all_of(rows.begin(), rows.end(),
                                        [this](int row) { return table_->item(row).row.pinned; });
    emit pin_wanted(selected_blocks(), !all_pinned);
  });
  connect(actions_.evict, &QToolButton::clicked, this,
          [this] { begin_eviction(selected_blocks()); });
  connect(actions_.evict_stale, &QToolButton::clicked, this, &CacheView::evict_stale);
  connect(actions_.verify, &QToolButton::clicked, this,
          [this] { emit verify_wanted(selected_blocks()); });
  connect(actions_.rebuild, &QToolButton::clicked, this, &CacheView::rebuild_selected);
  connect(actions_.reveal, &QToolButton::clicked, this, [this] {
    const auto blocks = selected_blocks();
    if (!blocks.empty()) emit reveal_wanted(blocks.front());
  });
}

// --- what there is

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
  disk_->set_totals(totals.totals.disk_bytes, totals.disk_budget_bytes);
  memory_->set_totals(totals.totals.memory_bytes, totals.memory_budget_bytes);
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
  figures_->setText(text);
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
    for (const auto& block : table_->snapshot()->blocks) {
      if (block.row.content == events.front().content) {
        show_strip(block.document);
        return;
      }
    }
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
  const auto* named = table_->document(document);
  strip_area_->setVisible(named != nullptr);
  document_chip_->setEnabled(named != nullptr);
  if (named == nullptr) {
    strip_title_->setText(tr("Select a block to see the passages of its document."));
    return;
  }
  auto cells = cells_of(*table_->snapshot(), document, answer_);
  const auto n_cached = std::count_if(cells.begin(), cells.end(), [](const StripCell& cell) {
    return cell.place != StripCell::Place::kNone && !cell.stale;
  });
  strip_title_->setText(
      tr("%1: %2 of %n passage(s) have a block.", nullptr, static_cast<int>(cells.size()))
          .arg(table_->document_name(document), count_text(n_cached)));
  strip_->set_cells(std::move(cells));
  fit_strip();
}

void CacheView::fit_strip() {
  // The area may not be laid out yet: its width is the view's without the margins.
  const auto margins = layout()->contentsMargins();
  const int wide = width() - margins.left() - margins.right();
  strip_area_->setFixedHeight(
      std::min(strip_->heightForWidth(wide), kStripRows * (fontMetrics().height() + 3)));
}

void CacheView::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  fit_strip();
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

void CacheView::selection_changed() {
  const auto rows = selected_rows();
  const bool any = !rows.empty();
  for (auto* button : {actions_.pin, actions_.evict, actions_.rebuild, actions_.reveal}) {
    button->setEnabled(any);
  }
  const bool all_pinned = any && std::all_of(rows.begin(), rows.end(), [this](int row) {
                            return table_->item(row).row.pinned;
                          });
  actions_.pin->setText(all_pinned ? tr("Unpin") : tr("Pin"));
  actions_.verify->setText(any ? tr("Verify") : tr("Verify all"));
  actions_.verify->setEnabled(!table_->snapshot()->blocks.empty());
  actions_.evict_stale->setEnabled(n_stale_ > 0);
  actions_.evict_stale->setText(n_stale_ > 0 ? tr("Evict %1 stale").arg(count_text(n_stale_))
                                             : tr("Evict stale"));
}

void CacheView::begin_eviction(std::vector<Digest> blocks) {
  if (blocks.empty()) return;
  if (undo_timer_->isActive()) carry_out_eviction();
  const std::unordered_set<Digest, DigestHash> wanted(blocks.begin(), blocks.end());
  std::int64_t bytes = 0;
  std::int64_t tokens = 0;
  for (const auto& block : table_->snapshot()->blocks) {
    if (!wanted.contains(block.row.id)) continue;
    bytes += block.row.file_bytes;
    tokens += block.row.n_tokens;
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
  if (undo_timer_->isActive()) return;
  message_->remove_buttons();
  message_->tell(sentence, problem ? Tone::kProblem : Tone::kPlain);
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
