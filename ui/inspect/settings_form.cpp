// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/settings_form.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFileDialog>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QVBoxLayout>
#include <cmath>
#include <type_traits>
#include <utility>

#include "ui/ask/mode_words.h"
#include "ui/inspect/device_row.h"

namespace kvlink::ui {
namespace {

using app::Settings;

constexpr int kMaxPromptBytes = 4000;
constexpr int kMaxLanguagesBytes = 100;
constexpr double kMegabytes = 1e6;

/// The beginning that the setting has room for: its limit counts bytes of UTF-8.
QString cut(const QString& text, qsizetype n_bytes) {
  const QByteArray bytes = text.toUtf8();
  if (bytes.size() <= n_bytes) return text;
  const auto continues = [&](qsizetype at) {
    return (static_cast<unsigned char>(bytes[at]) & 0xC0U) == 0x80U;
  };
  while (n_bytes > 0 && continues(n_bytes)) --n_bytes;
  return QString::fromUtf8(bytes.first(n_bytes));
}

/// As wide as there is room, not as its longest entry: the list that opens shows all of it.
void keep_narrow(QComboBox& combo) {
  constexpr int kLetters = 18;
  combo.setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  combo.setMinimumContentsLength(kLetters);
}

}  // namespace

SettingsForm::SettingsForm(Page page, QWidget* parent)
    : QWidget(parent), column_(new QVBoxLayout(this)) {
  column_->setContentsMargins(4, 4, 12, 12);
  column_->setSpacing(6);
  switch (page) {
    case Page::kAnswers:
      build_answers();
      build_sampling();
      break;
    case Page::kComputing:
      build_computing();
      break;
    case Page::kStorage:
      build_storage();
      break;
  }
  column_->addStretch();
}

void SettingsForm::show_settings(const Settings& settings) {
  shown_ = settings;
  showing_ = true;
  for (const auto& field : fields_) field.show(settings);
  showing_ = false;
}

void SettingsForm::take_into(Settings& settings) const {
  for (const auto& field : fields_) field.take(settings);
}

void SettingsForm::tell_edited() {
  if (!showing_) emit edited();
}

QFormLayout* SettingsForm::section(const QString& title, const QString& explanation) {
  auto* heading = new QLabel(title, this);
  auto bold = heading->font();
  bold.setBold(true);
  heading->setFont(bold);
  if (column_->count() > 0) column_->addSpacing(12);
  column_->addWidget(heading);
  if (!explanation.isEmpty()) {
    auto* words = new QLabel(explanation, this);
    words->setWordWrap(true);
    words->setForegroundRole(QPalette::PlaceholderText);
    column_->addWidget(words);
  }
  auto* form = new QFormLayout;
  form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
  form->setLabelAlignment(Qt::AlignLeft);
  form->setRowWrapPolicy(QFormLayout::WrapLongRows);
  column_->addLayout(form);
  return form;
}

template <typename Get>
void SettingsForm::add_number(QFormLayout* form, const QString& label, const QString& tip,
                              Range range, Get get, double unit, const QString& suffix) {
  auto* spin = new QDoubleSpinBox(this);
  spin->setDecimals(range.n_decimals);
  spin->setRange(range.low, range.high);
  spin->setSingleStep(range.step);
  spin->setSuffix(suffix);
  spin->setGroupSeparatorShown(true);
  spin->setToolTip(tip);
  spin->setAccessibleName(label);
  spin->setMaximumWidth(spin->fontMetrics().averageCharWidth() * 26);
  if (!range.zero.isEmpty()) spin->setSpecialValueText(range.zero);
  form->addRow(label, spin);
  connect(spin, &QDoubleSpinBox::valueChanged, this, &SettingsForm::tell_edited);
  fields_.push_back({[spin, get, unit](const Settings& settings) {
                       auto copy = settings;
                       spin->setValue(static_cast<double>(get(copy)) / unit);
                       // What rounding left, so that a touch can be told from a look.
                       spin->setProperty("shown", spin->value());
                     },
                     [spin, get, unit](Settings& settings) {
                       if (spin->value() == spin->property("shown").toDouble()) return;
                       using Value = std::remove_reference_t<decltype(get(settings))>;
                       const double value = spin->value() * unit;
                       get(settings) = static_cast<Value>(
                           std::is_integral_v<Value> ? std::round(value) : value);
                     }});
}

template <typename Get>
void SettingsForm::add_choice(QFormLayout* form, const QString& label, const QString& tip,
                              const std::vector<std::pair<QString, int>>& choices, Get get) {
  auto* combo = new QComboBox(this);
  keep_narrow(*combo);
  for (const auto& [words, value] : choices) combo->addItem(words, value);
  combo->setToolTip(tip);
  combo->setAccessibleName(label);
  form->addRow(label, combo);
  connect(combo, &QComboBox::currentIndexChanged, this, &SettingsForm::tell_edited);
  fields_.push_back({[combo, get](const Settings& settings) {
                       auto copy = settings;
                       combo->setCurrentIndex(combo->findData(static_cast<int>(get(copy))));
                     },
                     [combo, get](Settings& settings) {
                       if (combo->currentIndex() < 0) return;
                       using Value = std::remove_reference_t<decltype(get(settings))>;
                       get(settings) = static_cast<Value>(combo->currentData().toInt());
                     }});
}

void SettingsForm::add_prompt(QFormLayout* form) {
  auto* prompt = new QPlainTextEdit(this);
  prompt->setTabChangesFocus(true);
  prompt->setAccessibleName(tr("System prompt"));
  prompt->setMinimumHeight(prompt->fontMetrics().height() * 4);
  prompt->setMaximumHeight(prompt->fontMetrics().height() * 7);
  form->addRow(prompt);
  connect(prompt, &QPlainTextEdit::textChanged, this, &SettingsForm::tell_edited);
  fields_.push_back({[prompt](const Settings& settings) {
                       prompt->setPlainText(QString::fromStdString(settings.system_prompt));
                     },
                     [prompt](Settings& settings) {
                       settings.system_prompt =
                           cut(prompt->toPlainText(), kMaxPromptBytes).toStdString();
                     }});
}

void SettingsForm::add_check(QFormLayout* form, const QString& label, const QString& tip,
                             bool Settings::*member) {
  auto* check = new QCheckBox(label, this);
  check->setToolTip(tip);
  form->addRow(check);
  connect(check, &QCheckBox::toggled, this, &SettingsForm::tell_edited);
  fields_.push_back({[=](const Settings& s) { check->setChecked(s.*member); },
                     [=](Settings& s) { s.*member = check->isChecked(); }});
}

/// Which pictures are read, and in which languages.
void SettingsForm::add_ocr(QFormLayout* form) {
  add_choice(
      form, tr("Pictures of text"),
      tr("Read with Tesseract where it is installed; a page takes seconds and waits for "
         "everything else"),
      {{tr("not read"), static_cast<int>(app::Ocr::kOff)},
       {tr("scanned pages, and pictures added themselves"), static_cast<int>(app::Ocr::kScans)},
       {tr("also pictures in folders"), static_cast<int>(app::Ocr::kPictures)}},
      [](Settings & s) -> auto& { return s.ocr; });
  auto* languages = new QLineEdit(this);
  languages->setMaxLength(kMaxLanguagesBytes);
  languages->setAccessibleName(tr("Languages of pictures"));
  languages->setToolTip(
      tr("Tesseract's names, as deu+eng; auto: English and the language of this system"));
  form->addRow(tr("Languages of pictures"), languages);
  connect(languages, &QLineEdit::textChanged, this, &SettingsForm::tell_edited);
  fields_.push_back({[languages](const Settings& settings) {
                       languages->setText(QString::fromStdString(settings.ocr_languages));
                     },
                     [languages](Settings& settings) {
                       const QString typed =
                           cut(languages->text().trimmed(), kMaxLanguagesBytes).trimmed();
                       settings.ocr_languages = typed.isEmpty() ? "auto" : typed.toStdString();
                     }});
}

void SettingsForm::add_mode(QFormLayout* form) {
  constexpr int kAutomatic = -1;
  auto* combo = new QComboBox(this);
  keep_narrow(*combo);
  combo->addItem(tr("Best the model can do"), kAutomatic);
  for (const auto mode : kModes) combo->addItem(mode_title(mode), static_cast<int>(mode));
  combo->setToolTip(tr("How stored blocks are joined. A question can choose another."));
  combo->setAccessibleName(tr("Mode"));
  form->addRow(tr("Mode"), combo);
  connect(combo, &QComboBox::currentIndexChanged, this, &SettingsForm::tell_edited);
  fields_.push_back({[combo](const Settings& settings) {
                       combo->setCurrentIndex(combo->findData(
                           settings.mode ? static_cast<int>(*settings.mode) : kAutomatic));
                     },
                     [combo](Settings& settings) {
                       const int chosen = combo->currentData().toInt();
                       settings.mode.reset();
                       if (chosen != kAutomatic)
                         settings.mode = static_cast<inference::LinkMode>(chosen);
                     }});
}

/// One of two words, or a file: typed, or chosen.
void SettingsForm::add_adapter(QFormLayout* form) {
  auto* combo = new QComboBox(this);
  keep_narrow(*combo);
  combo->setEditable(true);
  combo->setInsertPolicy(QComboBox::NoInsert);
  combo->addItem(tr("The one made for the model"), QStringLiteral("default"));
  combo->addItem(tr("None"), QStringLiteral("none"));
  combo->setToolTip(
      tr("Trained link tokens that join passages. Another one may mean computing "
         "blocks again; the line below says so first."));
  combo->setAccessibleName(tr("Link adapter"));
  auto* choose = new QPushButton(this);
  choose->setText(tr("File…"));
  choose->setAccessibleName(tr("Choose the file of a link adapter"));
  choose->setAutoDefault(false);
  auto* row = new QHBoxLayout;
  row->addWidget(combo, 1);
  row->addWidget(choose);
  form->addRow(tr("Link adapter"), row);
  connect(combo, &QComboBox::editTextChanged, this, &SettingsForm::tell_edited);
  connect(choose, &QPushButton::clicked, this, [this, combo] {
    auto* dialog = new QFileDialog(this, tr("Choose a link adapter"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFile);
    dialog->setNameFilters({tr("Link adapters (*.safetensors)"), tr("All files (*)")});
    connect(dialog, &QFileDialog::fileSelected, combo, &QComboBox::setEditText);
    dialog->open();
  });
  fields_.push_back({[combo](const Settings& settings) {
                       const auto wanted = QString::fromStdString(settings.adapter);
                       const int known = combo->findData(wanted);
                       combo->setCurrentIndex(known);
                       if (known < 0) combo->setEditText(wanted);
                     },
                     [combo](Settings& settings) {
                       const QString typed = combo->currentText().trimmed();
                       const int known = combo->findText(typed);
                       const QString wanted = known < 0 ? typed : combo->itemData(known).toString();
                       settings.adapter = wanted.isEmpty() ? "default" : wanted.toStdString();
                     }});
}

void SettingsForm::build_answers() {
  auto* prompt = section(tr("System prompt"),
                         tr("What the model is told first. Blocks are computed behind it: another "
                            "text means computing all of them again."));
  add_prompt(prompt);
  auto* form = section(tr("Answers"));
  add_mode(form);
  add_adapter(form);
  add_number(
      form, tr("Recompute share"), tr("Of each passage, in the mode Recompute"), {0, 1, 0.05, 2},
      [](Settings & s) -> auto& { return s.recompute_share; });
  add_number(
      form, tr("Weight of similarity"),
      tr("How much the passage most like the question counts before the others; 0: all alike"),
      {0, 100, 1, 2}, [](Settings & s) -> auto& { return s.passage_prior; });
  add_number(
      form, tr("Passages per answer"), tr("How many are read for a question"), {1, 64},
      [](Settings & s) -> auto& { return s.chunks_per_answer; });
  add_number(
      form, tr("Longest answer"), tr("The answer ends there at the latest"), {1, 65536, 16},
      [](Settings & s) -> auto& { return s.max_answer_tokens; }, 1, tr(" tokens"));
  add_check(form, tr("End the answer where the model begins the next question"),
            tr("Small models like to make up what the user asks next"),
            &Settings::end_at_next_question);
}

void SettingsForm::build_sampling() {
  auto* form = section(tr("Choice of words"));
  add_number(
      form, tr("Temperature"), tr("0 takes the most likely word: best for documents"),
      {0, 10, 0.1, 2}, [](Settings & s) -> auto& { return s.sampler.temperature; });
  add_number(
      form, tr("Top k"), tr("Only the k most likely words are considered"),
      {0, 100000, 1, 0, tr("no limit")}, [](Settings & s) -> auto& { return s.sampler.top_k; });
  add_number(
      form, tr("Top p"), tr("Only the most likely words that together have this share"),
      {0, 1, 0.05, 2}, [](Settings & s) -> auto& { return s.sampler.top_p; });
  add_number(
      form, tr("Repetition penalty"), tr("1: none"), {1, 10, 0.05, 2},
      [](Settings & s) -> auto& { return s.sampler.repetition_penalty; });
  add_number(
      form, tr("Seed"), tr("The same seed gives the same answer"), {0, 2147483647.0},
      [](Settings & s) -> auto& { return s.sampler.seed; });
}

void SettingsForm::build_computing() {
  auto* form = section(tr("Device"));
  add_device(form);
  add_number(
      form, tr("Threads"), tr("That compute"), {0, 1024, 1, 0, tr("one per physical core")},
      [](Settings & s) -> auto& { return s.threads; });
  add_number(
      form, tr("Context"), tr("What the model can see at once"),
      {0, 1048576, 256, 0, tr("as the model was trained")},
      [](Settings & s) -> auto& { return s.max_context; }, 1, tr(" tokens"));
  auto* passages = section(tr("Passages"), tr("For documents that are added from now on, or "
                                              "indexed again."));
  add_number(
      passages, tr("Aim for"), tr("A passage ends at the next border after this many"),
      {16, 4096, 10}, [](Settings & s) -> auto& { return s.chunk_target_tokens; }, 1,
      tr(" tokens"));
  add_number(
      passages, tr("At most"), tr("A passage never has more"), {32, 8192, 10},
      [](Settings & s) -> auto& { return s.chunk_max_tokens; }, 1, tr(" tokens"));
  add_number(
      passages, tr("Largest document"), tr("Larger files are listed as problems"), {1, 4294, 1, 1},
      [](Settings & s) -> auto& { return s.max_document_bytes; }, kMegabytes, tr(" MB"));
  auto* reading = section(tr("Reading"), tr("Of files that are added from now on, or read again."));
  add_check(reading, tr("Open ZIP and tar archives"),
            tr("Each archive becomes one document; nothing is unpacked to the disk"),
            &Settings::read_archives);
  add_ocr(reading);
}

void SettingsForm::add_device(QFormLayout* form) {
  device_ = new DeviceRow(this);
  form->addRow(tr("Device"), device_);
  connect(device_, &DeviceRow::edited, this, &SettingsForm::tell_edited);
  fields_.push_back({[this](const Settings& settings) { device_->show_choice(settings.device); },
                     [this](Settings& settings) { settings.device = device_->choice(); }});
}

void SettingsForm::show_devices(const desk::DeviceFacts& devices) {
  if (device_ != nullptr) device_->show_devices(devices);
}

void SettingsForm::build_storage() {
  auto* form = section(tr("Blocks"), tr("What the model computed for each passage."));
  add_number(
      form, tr("On disk"), tr("Least useful blocks make room beyond this"),
      {0, 1e6, 1, 2, tr("nothing")}, [](Settings & s) -> auto& { return s.disk_budget_bytes; }, 1e9,
      tr(" GB"));
  add_number(
      form, tr("In memory"), tr("Kept between questions"), {0, 1e6, 0.1, 2, tr("nothing")},
      [](Settings & s) -> auto& { return s.memory_budget_bytes; }, 1e9, tr(" GB"));
  add_number(
      form, tr("On the GPU"), tr("Kept there between questions, where a GPU is used"),
      {0, 1e6, 0.1, 2, tr("nothing")}, [](Settings & s) -> auto& { return s.gpu_budget_bytes; },
      1e9, tr(" GB"));
  using cache::Eviction;
  add_choice(
      form, tr("Make room by"), tr("Which block goes first"),
      {{tr("cost of computing × use / size"), static_cast<int>(Eviction::kGdsf)},
       {tr("longest not used"), static_cast<int>(Eviction::kLru)},
       {tr("least often used"), static_cast<int>(Eviction::kLfu)}},
      [](Settings & s) -> auto& { return s.eviction; });
  add_choice(
      form, tr("Precision"), tr("Of stored blocks; another one means computing all again"),
      {{tr("f16: as computed"), static_cast<int>(DType::kF16)},
       {tr("q8: half the size"), static_cast<int>(DType::kQ8Kv)}},
      [](Settings & s) -> auto& { return s.block_dtype; });
  add_choice(
      form, tr("While answering"), tr("Of what the model holds in memory; a GPU keeps f16"),
      {{tr("f16: as computed"), static_cast<int>(DType::kF16)},
       {tr("bf16: the same size"), static_cast<int>(DType::kBF16)},
       {tr("q8: half the size"), static_cast<int>(DType::kQ8Kv)}},
      [](Settings & s) -> auto& { return s.kv_type; });
}

}  // namespace kvlink::ui
