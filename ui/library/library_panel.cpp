// SPDX-License-Identifier: Apache-2.0
#include "ui/library/library_panel.h"

#include <QAbstractItemDelegate>
#include <QButtonGroup>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QScrollArea>
#include <QScrollBar>
#include <QStackedWidget>
#include <QToolButton>
#include <QTreeView>
#include <QVBoxLayout>
#include <algorithm>

#include "app/desk/desk.h"
#include "ui/ask/visible_text.h"
#include "ui/library/document_delegate.h"
#include "ui/library/document_words.h"
#include "ui/library/pre_scan_card.h"
#include "ui/library/problem_bar.h"
#include "ui/library/shown_extents.h"
#include "ui/theme/flow_layout.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

/// So many files, dropped as such, begin without a question; more are shown first.
constexpr std::int64_t kMaxFilesAtOnce = 50;
constexpr std::int64_t kMaxBytesAtOnce = 20'000'000;
/// Putting more selected rows back one by one would keep the window waiting.
constexpr int kMaxRemembered = 500;

QLabel* centered_label(QWidget* parent) {
  auto* label = new QLabel(parent);
  label->setAlignment(Qt::AlignCenter);
  label->setWordWrap(true);
  label->setTextFormat(Qt::PlainText);
  return label;
}

}  // namespace

LibraryPanel::LibraryPanel(desk::Desk& desk, QWidget* parent)
    : QWidget(parent),
      desk_(desk),
      model_(new LibraryModel(this)),
      view_(new QTreeView(this)),
      card_(new PreScanCard(this)),
      problem_(new ProblemBar(this)),
      search_(new QLineEdit(this)) {
  build();
  connect_desk();
  new ShownExtents(*view_, *model_, desk_.library());
  update_counts();
  update_scope();
  update_page();
}

LibraryPanel::~LibraryPanel() = default;

// --- building

void LibraryPanel::build() {
  search_->setObjectName(QStringLiteral("librarySearch"));
  search_->setPlaceholderText(tr("Search the library"));
  search_->setAccessibleName(tr("Search the library"));
  search_->setClearButtonEnabled(true);
  search_->addAction(icon(QStringLiteral("search")), QLineEdit::LeadingPosition);
  search_->installEventFilter(this);
  connect(search_, &QLineEdit::textChanged, this, [this](const QString& words) {
    model_->set_search(words);
    update_page();
  });

  view_->setObjectName(QStringLiteral("libraryView"));
  view_->setAccessibleName(tr("Documents"));
  view_->setModel(model_);
  view_->setItemDelegate(new DocumentDelegate(view_));
  view_->setHeaderHidden(true);
  view_->setUniformRowHeights(true);
  view_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  view_->setDragEnabled(true);
  view_->setDragDropMode(QAbstractItemView::DragDrop);
  view_->setDropIndicatorShown(true);
  view_->setDragDropOverwriteMode(true);  // onto a collection, never between its rows
  view_->setEditTriggers(QAbstractItemView::EditKeyPressed);
  view_->setContextMenuPolicy(Qt::CustomContextMenu);
  view_->setIndentation(14);
  view_->setExpandsOnDoubleClick(true);
  view_->setFrameShape(QFrame::NoFrame);
  view_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  view_->setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
  view_->installEventFilter(this);
  connect(view_, &QTreeView::customContextMenuRequested, this, &LibraryPanel::open_menu);
  connect(view_, &QTreeView::activated, this, [this](const QModelIndex& index) {
    const auto* row = model_->row_of(index);
    if (row != nullptr && row->id != 0) emit show_document(row->id);
  });
  connect(view_, &QTreeView::collapsed, this, [this](const QModelIndex& index) {
    collapsed_.insert(index.data(LibraryModel::kPath).toString());
  });
  connect(view_, &QTreeView::expanded, this, [this](const QModelIndex& index) {
    collapsed_.remove(index.data(LibraryModel::kPath).toString());
  });
  connect(model_, &QAbstractItemModel::modelAboutToBeReset, this, &LibraryPanel::remember_view);
  connect(model_, &QAbstractItemModel::modelReset, this, &LibraryPanel::expand_again);
  connect(model_, &QAbstractItemModel::modelReset, this, &LibraryPanel::restore_view);
  connect(model_, &LibraryModel::settled, this, &LibraryPanel::settled);
  connect(model_, &LibraryModel::counts_changed, this, &LibraryPanel::update_counts);
  connect(model_, &LibraryModel::checked_changed, this, &LibraryPanel::update_scope);
  connect(model_, &LibraryModel::move_wanted, this, &LibraryPanel::move);
  connect(model_, &LibraryModel::rename_wanted, &desk_.library(),
          [&library = desk_.library()](const QString& before, const QString& name) {
            library.rename_collection(before, name);
          });

  connect(
      view_->itemDelegate(), &QAbstractItemDelegate::closeEditor, this,
      [this] {
        for (const auto& change : std::exchange(held_, {})) apply(change);
      },
      Qt::QueuedConnection);

  pages_ = new QStackedWidget(this);
  pages_->addWidget(view_);
  // Where the column is low, its words are scrolled and not cut.
  auto* empty = new QScrollArea(pages_);
  empty->setWidget(build_empty_page());
  empty->setWidgetResizable(true);
  empty->setFrameShape(QFrame::NoFrame);
  empty->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  empty->setFocusPolicy(Qt::NoFocus);
  pages_->addWidget(empty);

  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(8, 8, 8, 8);
  column->setSpacing(6);
  column->addWidget(search_);
  column->addWidget(build_filters());
  column->addWidget(card_);
  column->addWidget(pages_, 1);
  column->addWidget(problem_);
  column->addWidget(build_scope_line());
  connect_problems();
  connect(card_, &PreScanCard::start_requested, this, &LibraryPanel::start_scanned);
  connect(card_, &PreScanCard::cancelled, this, [this] {
    desk_.library().cancel_pre_scan(scan_id_);
    looking_at_.clear();
    card_->hide();
    view_->setFocus();
  });
}

void LibraryPanel::connect_problems() {
  connect(problem_, &ProblemBar::read_requested, this, &LibraryPanel::read_problem_again);
  connect(problem_, &ProblemBar::ignore_requested, this, &LibraryPanel::ignore_problem);
  connect(view_->selectionModel(), &QItemSelectionModel::selectionChanged, this,
          &LibraryPanel::update_problem);
  // Many rows change at a time: what is selected is looked at once.
  problem_soon_.setSingleShot(true);
  connect(&problem_soon_, &QTimer::timeout, this, &LibraryPanel::update_problem);
  connect(model_, &QAbstractItemModel::dataChanged, this, [this] {
    if (!problem_soon_.isActive() && view_->selectionModel()->hasSelection()) {
      problem_soon_.start(0);
    }
  });
}

/// Everything but what the user closed.
void LibraryPanel::expand_again() {
  const QSet<QString> closed = collapsed_;
  const QSignalBlocker quiet(view_);  // expanding by program is not the user's
  view_->expandAll();
  if (closed.isEmpty()) return;
  for (int i = 0; i < model_->rowCount(); ++i) {
    const QModelIndex top = model_->index(i, 0);
    if (closed.contains(top.data(LibraryModel::kPath).toString())) view_->collapse(top);
  }
}

QWidget* LibraryPanel::build_filters() {
  auto* bar = new QWidget(this);
  auto* row = new FlowLayout(2);
  bar->setLayout(row);
  auto* group = new QButtonGroup(bar);
  const LibraryFilter kinds[] = {LibraryFilter::kAll, LibraryFilter::kReady,
                                 LibraryFilter::kProblems};
  const char* names[] = {"filterAll", "filterReady", "filterProblems"};
  for (int i = 0; i < 3; ++i) {
    auto* button = filters_[i] = new QToolButton(bar);
    button->setObjectName(QLatin1String(names[i]));
    button->setCheckable(true);
    button->setAutoRaise(true);
    button->setToolButtonStyle(Qt::ToolButtonTextOnly);
    button->setChecked(i == 0);
    group->addButton(button);
    row->addWidget(button);
    connect(button, &QToolButton::clicked, this, [this, kind = kinds[i]] {
      model_->set_filter(kind);
      update_page();
    });
  }
  return bar;
}

QWidget* LibraryPanel::build_empty_page() {
  auto* page = new QWidget(this);
  empty_title_ = centered_label(page);
  QFont large = empty_title_->font();
  large.setPointSizeF(large.pointSizeF() * 1.25);
  large.setWeight(QFont::DemiBold);
  empty_title_->setFont(large);
  empty_words_ = centered_label(page);
  empty_buttons_ = new QWidget(page);
  auto* files = new QPushButton(icon(QStringLiteral("add-files")), tr("Add files"), empty_buttons_);
  auto* folder =
      new QPushButton(icon(QStringLiteral("add-folder")), tr("Add folder"), empty_buttons_);
  connect(files, &QPushButton::clicked, this, &LibraryPanel::add_files_requested);
  connect(folder, &QPushButton::clicked, this, &LibraryPanel::add_folder_requested);
  auto* buttons = new QVBoxLayout(empty_buttons_);
  buttons->addWidget(files);
  buttons->addWidget(folder);
  auto* column = new QVBoxLayout(page);
  column->setContentsMargins(16, 16, 16, 16);
  column->setSpacing(10);
  column->addStretch(2);
  column->addWidget(empty_title_);
  column->addWidget(empty_words_);
  column->addWidget(empty_buttons_, 0, Qt::AlignHCenter);
  column->addStretch(3);
  return page;
}

QWidget* LibraryPanel::build_scope_line() {
  auto* line = new QWidget(this);
  auto* row = new QHBoxLayout(line);
  row->setContentsMargins(2, 0, 0, 0);
  scope_ = new QLabel(line);
  scope_->setTextFormat(Qt::PlainText);
  scope_->setWordWrap(true);
  scope_->setObjectName(QStringLiteral("scopeWords"));
  clear_scope_ = new QToolButton(line);
  clear_scope_->setText(tr("Clear"));
  clear_scope_->setToolTip(tr("Ask the whole library"));
  clear_scope_->setAutoRaise(true);
  connect(clear_scope_, &QToolButton::clicked, model_, &LibraryModel::clear_checked);
  row->addWidget(scope_, 1);
  row->addWidget(clear_scope_);
  // As high with the button as without: the list must not jump.
  line->setMinimumHeight(clear_scope_->sizeHint().height());
  return line;
}

void LibraryPanel::connect_desk() {
  auto& library = desk_.library();
  connect(&library, &desk::LibraryWorker::documents_changed, this, &LibraryPanel::apply);
  connect(&library, &desk::LibraryWorker::pre_scanned, this, &LibraryPanel::pre_scanned);
  connect(&library, &desk::LibraryWorker::paths_found, this,
          [this](desk::RequestId, const std::vector<QString>& paths) { add_paths(paths); });
  connect(&library, &desk::LibraryWorker::failed, this,
          [this](desk::RequestId id, const desk::Problem&) {
            if (id != scan_id_) return;
            looking_at_.clear();
            card_->hide();
          });
  connect(&desk_, &desk::Desk::state_changed, this, &LibraryPanel::update_page);
  connect(&desk_, &desk::Desk::opened, this, [this] { add_paths({}); });
  connect(&desk_.prefetch(), &desk::PrefetchWorker::warmed, this,
          [this](desk::RequestId, qint64 n_blocks, qint64 n_missing) {
            tell_warmed(n_blocks, n_missing);
          });
  connect(&desk_.prefetch(), &desk::PrefetchWorker::failed, this,
          [this](desk::RequestId, const desk::Problem& problem) { emit notice(problem.message); });
  connect(&desk_, &desk::Desk::state_changed, this, &LibraryPanel::update_problem);
}

// --- what comes from the desk

void LibraryPanel::apply(const desk::DocumentsChange& change) {
  if (is_naming()) {
    held_.push_back(change);
    return;
  }
  if (change.all) lists_ = true;
  model_->apply(change);
}

/// Whether a collection's name is being typed: rows that come would throw it away.
bool LibraryPanel::is_naming() const {
  const auto* editor = view_->viewport()->findChild<QLineEdit*>();
  return editor != nullptr && editor->isVisible();
}

/// A reset forgets the scroll position and the selection; the user's are put back.
void LibraryPanel::remember_view() {
  const auto* current = model_->row_of(view_->currentIndex());
  seen_ = {.current = current == nullptr ? QString() : current->path,
           .selected = {},
           .scroll = view_->verticalScrollBar()->value()};
  int n_selected = 0;
  for (const auto& range : view_->selectionModel()->selection()) n_selected += range.height();
  if (n_selected > kMaxRemembered) return;
  for (const auto* row : selected()) seen_.selected += row->path;
}

void LibraryPanel::restore_view() {
  auto* selection = view_->selectionModel();
  for (const auto& path : seen_.selected) {
    selection->select(model_->index_of(path), QItemSelectionModel::Select);
  }
  const QModelIndex again = model_->index_of(seen_.current);
  if (again.isValid()) selection->setCurrentIndex(again, QItemSelectionModel::NoUpdate);
  view_->verticalScrollBar()->setValue(seen_.scroll);
  update_problem();
}

void LibraryPanel::settled() {
  if (lists_) listed_ = true;
  if (lists_ && !to_check_.isEmpty()) {
    std::vector<desk::DocumentId> ids;
    for (const auto& path : std::exchange(to_check_, {})) {
      if (const auto* row = model_->row_of(model_->index_of(path))) ids.push_back(row->id);
    }
    model_->set_checked(ids);
  }
  lists_ = false;
  update_page();
  rename_if_new();
}

void LibraryPanel::add_paths(const std::vector<QString>& paths) {
  // What was not decided yet is part of what is decided now.
  for (const auto& path : paths) {
    if (std::find(looking_at_.begin(), looking_at_.end(), path) == looking_at_.end()) {
      looking_at_.push_back(path);
    }
  }
  if (looking_at_.empty()) return;
  desk_.library().cancel_pre_scan(scan_id_);
  scan_id_ = desk::next_request_id();
  card_->show_counting(looking_at_);
  desk_.library().pre_scan(scan_id_, looking_at_);
}

void LibraryPanel::add_text(const QString& text) {
  if (!text.trimmed().isEmpty()) desk_.library().take_text(desk::next_request_id(), text);
}

void LibraryPanel::pre_scanned(const desk::PreScan& scan) {
  if (scan.id != scan_id_) return;
  const auto n_named = static_cast<std::int64_t>(scan.paths.size());
  const bool only_files =
      scan.n_files + scan.n_unsupported == n_named && scan.problems.empty() && scan.folders.empty();
  const bool small =
      scan.n_files > 0 && scan.n_files <= kMaxFilesAtOnce && scan.n_bytes <= kMaxBytesAtOnce;
  if (!only_files || !small) {
    card_->show_scan(scan);
    return;
  }
  if (scan.n_unsupported > 0) {
    emit notice(tr("%n file(s) are of a kind that cannot be read yet.", nullptr,
                   static_cast<int>(scan.n_unsupported)));
  }
  start_scanned({.paths = scan.paths});
}

void LibraryPanel::start_scanned(const desk::AddRequest& request) {
  looking_at_.clear();
  card_->hide();
  start(request);
}

void LibraryPanel::start(const desk::AddRequest& request) {
  const auto id = desk::next_request_id();
  desk::AddRequest told = request;
  told.password.clear();  // what is kept of a run goes to a file
  emit run_started(id, told);
  desk_.ingest().add(id, request);
}

// --- scope, counts, pages

void LibraryPanel::update_counts() {
  const auto& counts = model_->counts();
  const QLocale locale;
  filters_[0]->setText(tr("All %1").arg(locale.toString(counts.n_documents)));
  filters_[1]->setText(tr("Ready %1").arg(locale.toString(counts.n_ready)));
  filters_[2]->setText(tr("Problems %1").arg(locale.toString(counts.n_problems)));
  emit counts_changed(counts);
}

void LibraryPanel::update_scope() {
  const auto checked = model_->checked();
  QString words;
  if (checked.size() == 1) {
    const auto* row = model_->find(checked.front());
    words = row != nullptr ? one_line(row->title, 40) : QString();
  } else if (!checked.empty()) {
    words = tr("%n document(s)", nullptr, static_cast<int>(checked.size()));
  }
  scope_->setText(words.isEmpty() ? tr("Questions use the whole library")
                                  : tr("Questions use: %1").arg(words));
  clear_scope_->setVisible(!checked.empty());
  emit scope_changed(checked, words);
}

void LibraryPanel::update_page() {
  const bool has_rows = model_->n_shown() > 0;
  pages_->setCurrentIndex(has_rows ? 0 : 1);
  if (has_rows) return;
  const bool is_empty = model_->counts().n_documents == 0;
  const bool can_add = desk_.state() == desk::DeskState::kReady;
  empty_buttons_->setVisible(is_empty && can_add);
  if (!listed_) {
    empty_title_->setText(desk_.state() == desk::DeskState::kFailed ? tr("The library is not open")
                                                                    : tr("Opening the library…"));
    empty_words_->clear();
  } else if (is_empty) {
    empty_title_->setText(tr("Drop files or a folder"));
    empty_words_->setText(
        tr("They never leave this computer. Text, PDF, office files, web pages and mail can be "
           "read; the guide lists the formats."));
  } else {
    empty_title_->setText(tr("No document here"));
    empty_words_->setText(model_->filter() == LibraryFilter::kProblems
                              ? tr("Everything could be read.")
                              : tr("Nothing matches the search and the filter."));
  }
}

std::vector<QString> LibraryPanel::checked_paths() const {
  if (!to_check_.isEmpty()) return {to_check_.begin(), to_check_.end()};  // not in the list yet
  return model_->checked_paths();
}

void LibraryPanel::check_paths_later(const QStringList& paths) { to_check_ = paths; }

void LibraryPanel::show_problems() { filters_[2]->click(); }

}  // namespace kvlink::ui
