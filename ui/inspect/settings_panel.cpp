// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/settings_panel.h"

#include <QCoreApplication>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QListWidget>
#include <QPushButton>
#include <QScrollArea>
#include <QStackedWidget>
#include <QTimer>
#include <QVBoxLayout>
#include <utility>

#include "app/desk/desk.h"
#include "ui/inspect/appearance_page.h"
#include "ui/inspect/model_jobs.h"
#include "ui/inspect/model_table.h"
#include "ui/inspect/models_page.h"
#include "ui/inspect/settings_effect.h"
#include "ui/inspect/settings_form.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

constexpr int kEstimateMs = 300;

}  // namespace

SettingsPanel::SettingsPanel(desk::Desk& desk, QWidget* parent)
    : QWidget(parent),
      desk_(desk),
      names_(new QListWidget(this)),
      pages_(new QStackedWidget(this)),
      models_(new ModelsPage(this)),
      jobs_(new ModelJobs(desk, *models_, this)),
      footer_(new QWidget(this)),
      effect_words_(new QLabel(footer_)),
      apply_(new QPushButton(footer_)),
      discard_(new QPushButton(tr("Discard"), footer_)),
      pause_(new QTimer(this)) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(16, 12, 16, 12);
  column->setSpacing(10);
  build_heading();
  build_pages();
  build_footer();
  pause_->setSingleShot(true);
  pause_->setInterval(kEstimateMs);
  connect(pause_, &QTimer::timeout, this, [this] {
    estimate_ = desk::next_request_id();
    desk_.settings().estimate(estimate_, edited_settings());
  });
  follow_models();
  follow_desk();
  show_facts(desk.facts());
}

SettingsPanel::~SettingsPanel() = default;

// --- building

void SettingsPanel::build_heading() {
  auto* title = new QLabel(tr("Models and settings"), this);
  auto large = title->font();
  large.setPointSizeF(large.pointSizeF() * 1.4);
  large.setWeight(QFont::DemiBold);
  title->setFont(large);
  auto* done = new QPushButton(icon(QStringLiteral("close")), tr("Close"), this);
  auto* row = new QHBoxLayout;
  row->addWidget(title);
  row->addStretch();
  row->addWidget(done);
  static_cast<QVBoxLayout*>(layout())->addLayout(row);
  connect(done, &QPushButton::clicked, this, &SettingsPanel::closed);
}

void SettingsPanel::add_page(const QString& name, const char* icon_name, QWidget* page) {
  auto* area = new QScrollArea(pages_);
  area->setWidget(page);
  area->setWidgetResizable(true);
  area->setFrameShape(QFrame::NoFrame);
  area->setAccessibleName(name);
  pages_->addWidget(area);
  names_->addItem(new QListWidgetItem(icon(QLatin1String(icon_name)), name));
}

void SettingsPanel::build_pages() {
  using Page = SettingsForm::Page;
  add_page(tr("Models"), "model", models_);
  const auto add_form = [&](const QString& name, const char* icon_name, Page page) {
    auto* form = new SettingsForm(page, this);
    forms_.push_back(form);
    add_page(name, icon_name, form);
    connect(form, &SettingsForm::edited, this, &SettingsPanel::settings_edited);
  };
  add_form(tr("Answers"), "conversation", Page::kAnswers);
  add_form(tr("Computing"), "timing", Page::kComputing);
  add_form(tr("Memory and disk"), "cache", Page::kStorage);
  add_page(tr("Appearance"), "light", new AppearancePage(this));
  names_->setAccessibleName(tr("Pages of settings"));
  names_->setFrameShape(QFrame::NoFrame);
  names_->setSpacing(2);
  names_->setCurrentRow(0);
  connect(names_, &QListWidget::currentRowChanged, this, [this](int row) {
    pages_->setCurrentIndex(row);
    lay_out_again();
  });
  auto* row = new QHBoxLayout;
  row->setSpacing(16);
  row->addWidget(names_);
  row->addWidget(pages_, 1);
  static_cast<QVBoxLayout*>(layout())->addLayout(row, 1);
}

void SettingsPanel::build_footer() {
  effect_words_->setWordWrap(true);
  effect_words_->setTextFormat(Qt::PlainText);
  apply_->setIcon(icon(QStringLiteral("check")));
  auto* row = new QHBoxLayout(footer_);
  row->setContentsMargins(0, 0, 0, 0);
  row->addWidget(effect_words_, 1);
  row->addWidget(discard_);
  row->addWidget(apply_);
  layout()->addWidget(footer_);
  footer_->hide();
  connect(apply_, &QPushButton::clicked, this, &SettingsPanel::apply);
  connect(discard_, &QPushButton::clicked, this, &SettingsPanel::discard);
}

// --- models

void SettingsPanel::follow_models() {
  auto* worker = &desk_.settings();
  models_->set_undo_ms(desk_.options().undo_ms);
  connect(worker, &desk::SettingsWorker::models_listed, this, [this](const desk::ModelList& list) {
    models_->show_models(list);
    if (!to_select_.isEmpty()) models_->select(std::exchange(to_select_, {}));
  });
  connect(jobs_, &ModelJobs::models_changed, this,
          [this](const QString& added, const QString& instead_of) {
            if (!added.isEmpty()) to_select_ = added;
            added_.removeAll(instead_of);
            list_models();
          });
  connect(models_, &ModelsPage::refresh_wanted, this, &SettingsPanel::list_models);
  connect(models_, &ModelsPage::chat_format_wanted, this, [this](const QString& name) {
    candidate_.chat_format = desk::utf8_of(name);
    settings_edited();
  });
  connect(models_, &ModelsPage::models_added, this, [this](const QStringList& paths) {
    for (const auto& path : paths) add_model(path);
  });
  connect(models_, &ModelsPage::use_wanted, this, [this](app::ModelRole role, const QString& path) {
    auto& chosen = role == app::ModelRole::kGenerator ? candidate_.generator : candidate_.embedder;
    chosen = desk::utf8_of(path);
    settings_edited();
  });
}

void SettingsPanel::list_models() {
  desk_.settings().list_models(desk::next_request_id(), {added_.begin(), added_.end()});
}

void SettingsPanel::show_models() { names_->setCurrentRow(0); }

void SettingsPanel::add_model(const QString& path) {
  show_models();
  if (!added_.contains(path)) added_ << path;
  list_models();
  models_->table().set_checking(path);
  jobs_->check(path);
}

bool SettingsPanel::takes_drops(const QWidget& widget) const {
  return models_->isVisible() && (&widget == models_ || models_->isAncestorOf(&widget));
}

void SettingsPanel::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  lay_out_again();
  list_models();
}

void SettingsPanel::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::FontChange) lay_out_again();
}

/// A page that was hidden while letters grew has the sizes of before: Qt asks it when nobody sees
/// it, and not again.
void SettingsPanel::lay_out_again() {
  names_->setFixedWidth(names_->sizeHintForColumn(0) + 36);
  auto* area = qobject_cast<QScrollArea*>(pages_->currentWidget());
  if (area == nullptr) return;
  for (auto* part : area->widget()->findChildren<QWidget*>()) part->updateGeometry();
  QCoreApplication::postEvent(area->widget(), new QEvent(QEvent::LayoutRequest));
}

void SettingsPanel::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Escape) {
    emit closed();
    return;
  }
  QWidget::keyPressEvent(event);
}

// --- settings

void SettingsPanel::follow_desk() {
  connect(&desk_, &desk::Desk::opened, this, [this](const desk::DeskFacts& facts) {
    show_facts(facts);
    if (isVisible()) list_models();  // else when it is shown: it reads whole files
    if (std::exchange(encode_when_open_, false) && facts.model) {
      desk_.ingest().encode(desk::next_request_id(), {});
    }
  });
  connect(&desk_, &desk::Desk::settings_changed, this, &SettingsPanel::settings_changed);
  // The window tells why.
  connect(&desk_, &desk::Desk::failed, this, [this] { encode_when_open_ = false; });
  connect(&desk_.settings(), &desk::SettingsWorker::effect_estimated, this,
          &SettingsPanel::show_effect);
}

void SettingsPanel::show_facts(const desk::DeskFacts& facts) {
  models_->show_facts(facts);
  for (auto* form : forms_) form->show_devices(facts.devices);
  base_ = facts.settings;
  discard();
}

/// Set elsewhere in the window: what is being edited here goes on from them.
void SettingsPanel::settings_changed(const desk::DeskFacts& facts) {
  if (!touched_) {
    show_facts(facts);
    return;
  }
  candidate_ = edited_settings();
  for (const auto budget : {&app::Settings::disk_budget_bytes, &app::Settings::memory_budget_bytes,
                            &app::Settings::gpu_budget_bytes}) {
    if (candidate_.*budget == base_.*budget) candidate_.*budget = facts.settings.*budget;
  }
  base_ = facts.settings;
  for (auto* form : forms_) form->show_settings(candidate_);
  settings_edited();
}

app::Settings SettingsPanel::edited_settings() const {
  auto settings = candidate_;
  for (const auto* form : forms_) form->take_into(settings);
  return settings;
}

void SettingsPanel::settings_edited() {
  touched_ = true;
  effect_words_->setText(tr("Looking what this would change …"));
  apply_->setText(tr("Apply"));
  apply_->setEnabled(false);
  footer_->show();
  pause_->start();
}

void SettingsPanel::show_effect(const desk::SettingsEffect& effect) {
  if (effect.id != estimate_ || !touched_) return;
  effect_ = effect;
  effect_words_->setText(effect_sentence(effect));
  apply_->setEnabled(effect.problem.isEmpty());
  apply_->setText(effect.n_stale_blocks > 0 ? tr("Apply and compute again") : tr("Apply"));
}

void SettingsPanel::apply() {
  if (!effect_ || !effect_->problem.isEmpty()) return;
  encode_when_open_ = effect_->n_stale_blocks > 0;
  const auto settings = effect_->settings;
  touched_ = false;
  footer_->hide();
  desk_.apply_settings(settings);
}

void SettingsPanel::discard() {
  pause_->stop();
  estimate_ = 0;
  effect_.reset();
  touched_ = false;
  candidate_ = base_;
  models_->show_chat_format(desk_.facts());
  for (auto* form : forms_) form->show_settings(base_);
  footer_->hide();
}

}  // namespace kvlink::ui
