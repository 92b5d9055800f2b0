// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/models_page.h"

#include <QDragEnterEvent>
#include <QFileDialog>
#include <QHeaderView>
#include <QLabel>
#include <QMimeData>
#include <QTableView>
#include <QToolButton>
#include <QUrl>
#include <QVBoxLayout>

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
      table_(new ModelTable(this)) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(4, 4, 12, 12);
  column->setSpacing(8);
  column->addWidget(first_run_);
  column->addWidget(in_use_);
  build_table();
  build_actions();
  details_->setForegroundRole(QPalette::PlaceholderText);
  column->addWidget(details_);
  first_run_->hide();
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

void ModelsPage::build_actions() {
  auto* row = new QHBoxLayout;
  const auto add = [&](const char* name, const QString& text, const QString& tip) {
    auto* button = new QToolButton(this);
    button->setIcon(icon(QLatin1String(name)));
    button->setText(text);
    button->setToolTip(tip);
    button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    button->setFocusPolicy(Qt::StrongFocus);
    row->addWidget(button);
    return button;
  };
  use_ = add("check", tr("Use this model"), tr("Says first what that would cost"));
  check_ = add("verify", tr("Try it"), tr("Loads the model for a moment and computes with it"));
  auto* files = add("add-files", tr("Add a file …"), tr("A GGUF file from anywhere"));
  auto* refresh = add("rebuild", tr("Look again"), tr("Looks through the folders again"));
  row->addStretch();
  static_cast<QVBoxLayout*>(layout())->addLayout(row);
  connect(use_, &QToolButton::clicked, this, [this] {
    const auto rows = view_->selectionModel()->selectedRows();
    if (rows.isEmpty()) return;
    emit use_wanted(table_->item(rows.front().row()).found.role, selected_path());
  });
  connect(check_, &QToolButton::clicked, this, [this] {
    table_->set_checking(selected_path());
    emit check_wanted(selected_path());
  });
  connect(files, &QToolButton::clicked, this, &ModelsPage::choose_files);
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

QString ModelsPage::selected_path() const {
  const auto rows = view_->selectionModel()->selectedRows();
  if (rows.isEmpty()) return {};
  return desk::text_of(table_->item(rows.front().row()).found.path.string());
}

void ModelsPage::selection_changed() {
  const auto rows = view_->selectionModel()->selectedRows();
  const bool any = !rows.isEmpty();
  use_->setEnabled(any && !table_->item(rows.front().row()).in_use);
  check_->setEnabled(any);
  if (!any) return;
  const auto row = rows.front().row();
  details_->setText(table_->details(row));
  details_->setVisible(!details_->text().isEmpty());
}

void ModelsPage::show_facts(const desk::DeskFacts& facts) {
  first_run_->setVisible(!facts.model.has_value());
  in_use_->setVisible(facts.model.has_value());
  if (facts.model) {
    const auto& model = *facts.model;
    const QStringList lines = {
        tr("In use: %1 (%2), %3").arg(model.name, model.architecture, model.device),
        tr("%1 layers, context of %2 tokens, KV %3 per 1,000 tokens")
            .arg(count_text(model.n_layers), count_text(model.context_tokens),
                 bytes_text(model.kv_bytes_per_token * 1000)),
        model.has_adapter ? tr("Link adapter: yes")
                          : tr("Link adapter: no; the mode Link needs one"),
        tr("Fingerprint: %1").arg(model.fingerprint.left(16))};
    in_use_->setText(lines.join(QLatin1Char('\n')));
    return;
  }
  first_run_->setText(
      tr("There is no model yet.\n\n"
         "The command ./run in the source folder fetches two, 176 MB in all: "
         "SmolLM2-135M-Instruct, which answers, and all-MiniLM-L6-v2, which finds passages. They "
         "go into %1. Start it once while connected to the internet; the window itself never "
         "opens a connection.\n\n"
         "To bring your own, drop a GGUF file of a Llama-like model here, or copy it into that "
         "folder. Models that LM Studio, Hugging Face or GPT4All keep on this computer are listed "
         "below.")
          .arg(desk::text_of(facts.paths.models.string())) +
      (facts.why_no_model.isEmpty() ? QString() : QStringLiteral("\n\n") + facts.why_no_model));
}

void ModelsPage::show_models(const desk::ModelList& list) {
  const auto path = selected_path();
  table_->set_models(list.models);
  for (int row = 0; row < table_->rowCount(); ++row) {
    if (desk::text_of(table_->item(row).found.path.string()) == path) view_->selectRow(row);
  }
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
