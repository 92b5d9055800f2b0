// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/models_page.h"

#include <QDragEnterEvent>
#include <QFileDialog>
#include <QHeaderView>
#include <QLabel>
#include <QMimeData>
#include <QPushButton>
#include <QTableView>
#include <QTimer>
#include <QToolButton>
#include <QUrl>
#include <QVBoxLayout>
#include <utility>

#include "ui/inspect/chat_format_row.h"
#include "ui/inspect/job_row.h"
#include "ui/inspect/model_table.h"
#include "ui/inspect/quantities.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

QLabel* text_label(QWidget* parent) {
  auto* label = new QLabel(parent);
  label->setTextFormat(Qt::PlainText);
  label->setWordWrap(true);
  label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  return label;
}

QStringList local_paths(const QMimeData& mime) {
  QStringList paths;
  for (const auto& url : mime.urls()) {
    if (url.isLocalFile()) paths << url.toLocalFile();
  }
  return paths;
}

}  // namespace

ModelsPage::ModelsPage(QWidget* parent)
    : QWidget(parent),
      in_use_(text_label(this)),
      first_run_(text_label(this)),
      details_(text_label(this)),
      table_(new ModelTable(this)),
      chat_(new ChatFormatRow(this)),
      job_(new JobRow(this)),
      message_(new InlineMessage(this)),
      undo_timer_(new QTimer(this)) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(4, 4, 12, 12);
  column->setSpacing(8);
  column->addWidget(first_run_);
  column->addWidget(in_use_);
  column->addWidget(chat_);
  build_table();
  build_actions();
  build_sources();
  column->addWidget(job_);
  column->addWidget(message_);
  details_->setForegroundRole(QPalette::PlaceholderText);
  column->addWidget(details_);
  first_run_->hide();
  details_->hide();  // nothing is chosen yet
  chat_->hide();
  undo_timer_->setSingleShot(true);
  connect(undo_timer_, &QTimer::timeout, this, &ModelsPage::carry_out_removal);
  connect(chat_, &ChatFormatRow::chosen, this, &ModelsPage::chat_format_wanted);
  connect(job_, &JobRow::stop_wanted, this, &ModelsPage::stop_wanted);
  setAcceptDrops(true);
  selection_changed();
}

void ModelsPage::build_table() {
  view_ = new QTableView(this);
  view_->setModel(table_);
  view_->setAccessibleName(tr("Models found on this computer"));
  view_->setSelectionBehavior(QAbstractItemView::SelectRows);
  view_->setSelectionMode(QAbstractItemView::SingleSelection);
  view_->setAlternatingRowColors(true);
  view_->setShowGrid(false);
  view_->setTabKeyNavigation(false);
  view_->verticalHeader()->hide();
  view_->horizontalHeader()->setHighlightSections(false);
  view_->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
  view_->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
  view_->horizontalHeader()->setSectionResizeMode(ModelTable::kName, QHeaderView::Stretch);
  view_->setMinimumHeight(6 * fontMetrics().height());
  layout()->addWidget(view_);
  connect(view_->selectionModel(), &QItemSelectionModel::selectionChanged, this,
          &ModelsPage::selection_changed);
  connect(table_, &QAbstractItemModel::dataChanged, this, &ModelsPage::selection_changed);
  connect(table_, &QAbstractItemModel::modelReset, this, &ModelsPage::selection_changed);
}

QToolButton* ModelsPage::add_button(QLayout* row, const char* icon_name, const QString& text,
                                    const QString& tip) {
  auto* button = new QToolButton(this);
  button->setIcon(icon(QLatin1String(icon_name)));
  button->setText(text);
  button->setToolTip(tip);
  button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  button->setFocusPolicy(Qt::StrongFocus);
  row->addWidget(button);
  return button;
}

/// What can be done with the chosen model.
void ModelsPage::build_actions() {
  auto* row = new QHBoxLayout;
  use_ = add_button(row, "check", tr("Use this model"), tr("Says first what that would cost"));
  check_ = add_button(row, "verify", tr("Try it"),
                      tr("Loads the model for a moment and computes with it"));
  link_ = add_button(row, "pin", tr("Keep a link"),
                     tr("Puts a link into the models folder; the model stays where it is"));
  copy_ = add_button(row, "copy", tr("Copy it here"), tr("Copies it into the models folder"));
  remove_ = add_button(row, "evict", tr("Remove"),
                       tr("Erases it from the models folder; of a link only the link"));
  row->addStretch();
  static_cast<QVBoxLayout*>(layout())->addLayout(row);
  connect(use_, &QToolButton::clicked, this, [this] {
    if (const auto* item = selected()) emit use_wanted(item->found.role, selected_path());
  });
  connect(check_, &QToolButton::clicked, this, [this] {
    table_->set_checking(selected_path());
    emit check_wanted(selected_path());
  });
  connect(link_, &QToolButton::clicked, this,
          [this] { emit import_wanted(selected_path(), app::ImportMethod::kReference); });
  connect(copy_, &QToolButton::clicked, this,
          [this] { emit import_wanted(selected_path(), app::ImportMethod::kCopy); });
  connect(remove_, &QToolButton::clicked, this, &ModelsPage::begin_removal);
}

/// Where other models come from.
void ModelsPage::build_sources() {
  auto* row = new QHBoxLayout;
  auto* files = add_button(row, "add-files", tr("Add a file …"), tr("A GGUF file from anywhere"));
  auto* folder = add_button(row, "add-folder", tr("Add a folder …"),
                            tr("A model as Hugging Face keeps it: config.json and safetensors"));
  auto* refresh =
      add_button(row, "rebuild", tr("Look again"), tr("Looks through the folders again"));
  row->addStretch();
  static_cast<QVBoxLayout*>(layout())->addLayout(row);
  connect(files, &QToolButton::clicked, this, &ModelsPage::choose_files);
  connect(folder, &QToolButton::clicked, this, &ModelsPage::choose_folder);
  connect(refresh, &QToolButton::clicked, this, &ModelsPage::refresh_wanted);
}

void ModelsPage::choose_files() {
  auto* dialog = new QFileDialog(this, tr("Add a model"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setFileMode(QFileDialog::ExistingFiles);
  dialog->setNameFilters({tr("Models (*.gguf)"), tr("All files (*)")});
  connect(dialog, &QFileDialog::filesSelected, this, &ModelsPage::models_added);
  dialog->open();
}

void ModelsPage::choose_folder() {
  auto* dialog = new QFileDialog(this, tr("Add a model"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setFileMode(QFileDialog::Directory);
  connect(dialog, &QFileDialog::filesSelected, this, &ModelsPage::models_added);
  dialog->open();
}

const desk::ModelItem* ModelsPage::selected() const {
  const auto rows = view_->selectionModel()->selectedRows();
  return rows.isEmpty() ? nullptr : &table_->item(rows.front().row());
}

QString ModelsPage::selected_path() const {
  const auto* item = selected();
  return item == nullptr ? QString() : desk::text_of(item->found.path.string());
}

void ModelsPage::select(const QString& path) {
  for (int row = 0; row < table_->rowCount(); ++row) {
    if (desk::text_of(table_->item(row).found.path.string()) == path) view_->selectRow(row);
  }
}

void ModelsPage::selection_changed() {
  const auto* item = selected();
  const bool any = item != nullptr;
  const bool is_used = any && item->in_use;
  use_->setEnabled(any && !is_used);
  check_->setEnabled(any);
  link_->setEnabled(any && !item->is_kept);
  copy_->setEnabled(any && !item->is_kept);
  // Without its file the model in use would not be found at the next start.
  remove_->setEnabled(any && item->is_kept && !is_used);
  if (!any) return;
  details_->setText(table_->details(view_->selectionModel()->selectedRows().front().row()));
  details_->setVisible(!details_->text().isEmpty());
}

// --- what happens to models

void ModelsPage::show_job(const QString& what) { job_->begin(what); }

void ModelsPage::show_job_bytes(std::int64_t done, std::int64_t total) {
  job_->show_bytes(done, total);
}

void ModelsPage::show_no_job() { job_->end(); }

void ModelsPage::tell(const QString& sentence, Tone tone) {
  if (undo_timer_->isActive()) return;  // the way back stays in sight
  message_->remove_buttons();
  message_->tell(sentence, tone);
}

void ModelsPage::begin_removal() {
  const auto* item = selected();
  if (item == nullptr) return;
  if (undo_timer_->isActive()) carry_out_removal();
  const auto name = desk::text_of(item->found.name);
  const int seconds = undo_ms_ / 1000;
  tell(item->is_link ? tr("The link %1 will be removed in %2 s. The model stays where it is.")
                           .arg(name)
                           .arg(seconds)
                     : tr("%1 will be erased in %2 s: %3.")
                           .arg(name)
                           .arg(seconds)
                           .arg(bytes_text(item->found.bytes)),
       Tone::kWarning);
  auto* undo = message_->add_button(tr("Undo"));
  undo->setObjectName(QStringLiteral("undo_removal"));
  connect(undo, &QPushButton::clicked, this, [this] {
    undo_timer_->stop();
    to_remove_.clear();
    tell(tr("Nothing was removed."), Tone::kPlain);
  });
  to_remove_ = name;
  undo_timer_->start(undo_ms_);
}

void ModelsPage::carry_out_removal() {
  undo_timer_->stop();
  const auto name = std::exchange(to_remove_, {});
  if (name.isEmpty()) return;
  tell({}, Tone::kPlain);
  emit remove_wanted(name);
}

// --- what there is

void ModelsPage::show_chat_format(const desk::DeskFacts& facts) { chat_->show_facts(facts); }

void ModelsPage::show_facts(const desk::DeskFacts& facts) {
  first_run_->setVisible(!facts.model.has_value());
  in_use_->setVisible(facts.model.has_value());
  chat_->show_facts(facts);
  if (facts.model) {
    const auto& model = *facts.model;
    const QStringList lines = {
        tr("In use: %1 (%2), %3").arg(model.name, model.architecture, model.device),
        tr("%1 layers, context of %2 tokens, KV %3 per 1,000 tokens")
            .arg(count_text(model.n_layers), count_text(model.context_tokens),
                 bytes_text(model.kv_bytes_per_token * 1000)),
        tr("Chats are written as %1, %2")
            .arg(chat_format_words(model.chat_format), model.chat_format_from),
        model.has_adapter ? tr("Link adapter: yes")
                          : tr("Link adapter: no; the mode Link needs one"),
        tr("Fingerprint: %1").arg(model.fingerprint.left(16))};
    in_use_->setText(lines.join(QLatin1Char('\n')));
    return;
  }
  first_run_->setText(
      tr("There is no model yet.\n\n"
         "Two come with the package kvlink-models; or the command ./run in the source folder "
         "fetches them into %1, 176 MB in all: SmolLM2-135M-Instruct, which answers, and "
         "all-MiniLM-L6-v2, which finds passages. Both need the internet once; the window itself "
         "never opens a connection.\n\n"
         "To bring your own, drop a GGUF file of a Llama-like model here, or copy it into that "
         "folder. Models that LM Studio, Hugging Face or GPT4All keep on this computer are listed "
         "below.")
          .arg(desk::text_of(facts.paths.models.string())) +
      (facts.why_no_model.isEmpty() ? QString() : QStringLiteral("\n\n") + facts.why_no_model));
}

void ModelsPage::show_models(const desk::ModelList& list) {
  const auto path = selected_path();
  table_->set_models(list.models);
  select(path);
}

void ModelsPage::show_check(const desk::ModelChecked& checked) { table_->set_checked(checked); }

void ModelsPage::dragEnterEvent(QDragEnterEvent* event) {
  if (!local_paths(*event->mimeData()).isEmpty()) event->acceptProposedAction();
}

void ModelsPage::dropEvent(QDropEvent* event) {
  const auto paths = local_paths(*event->mimeData());
  if (paths.isEmpty()) return;
  event->acceptProposedAction();
  emit models_added(paths);
}

}  // namespace kvlink::ui
