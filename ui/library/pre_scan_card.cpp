// SPDX-License-Identifier: Apache-2.0
#include "ui/library/pre_scan_card.h"

#include <QCheckBox>
#include <QGridLayout>
#include <QLabel>
#include <QPushButton>
#include <algorithm>

#include "ui/ask/visible_text.h"
#include "ui/inspect/quantities.h"
#include "ui/theme/scrolled_page.h"

namespace kvlink::ui {
namespace {

constexpr std::size_t kMaxTypes = 8;  // more are summed up in one line

QLabel* plain_label(QWidget* parent) {
  auto* label = new QLabel(parent);
  label->setTextFormat(Qt::PlainText);
  label->setWordWrap(true);
  return label;
}

QString suffix_words(const QString& suffix) {
  return suffix.isEmpty() ? PreScanCard::tr("no suffix") : visible_text(suffix);
}

}  // namespace

PreScanCard::PreScanCard(QWidget* parent)
    : QFrame(parent),
      title_(plain_label(this)),
      estimate_(plain_label(this)),
      notes_(plain_label(this)),
      types_(new QGridLayout),
      start_(new QPushButton(tr("Start"), this)),
      cancel_(new QPushButton(tr("Cancel"), this)),
      caching_(new QCheckBox(tr("Cache them, for fast answers"), this)),
      follow_(new QCheckBox(tr("Follow what changes there"), this)) {
  setObjectName(QStringLiteral("preScanCard"));
  setFrameShape(QFrame::StyledPanel);
  setAutoFillBackground(true);
  setBackgroundRole(QPalette::Base);
  QFont bold = title_->font();
  bold.setWeight(QFont::DemiBold);
  title_->setFont(bold);
  for (auto* box : {caching_, follow_}) {
    box->setChecked(true);
    // A long translation is cut; it must not make the column wider.
    box->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
  }
  follow_->setObjectName(QStringLiteral("preScanFollow"));
  follow_->setToolTip(
      tr("While KVLink is open, files that are new or changed are read, and documents whose files "
         "are deleted leave the library. What changed meanwhile is looked up at the next start."));
  caching_->setToolTip(
      tr("The language model reads every passage once, now. Otherwise documents are only "
         "searchable, and a question computes what it needs."));
  start_->setObjectName(QStringLiteral("preScanStart"));
  cancel_->setObjectName(QStringLiteral("preScanCancel"));
  start_->setAutoDefault(true);
  auto* body = new QWidget;
  types_->setColumnStretch(0, 1);
  types_->setHorizontalSpacing(12);
  types_->setVerticalSpacing(2);
  auto* buttons = new QHBoxLayout;
  buttons->addStretch();
  buttons->addWidget(cancel_);
  buttons->addWidget(start_);
  auto* parts = new QVBoxLayout(body);
  parts->setContentsMargins(0, 0, 0, 0);
  parts->setSpacing(1);
  parts->addLayout(types_);
  parts->addWidget(caching_);
  parts->addWidget(follow_);
  parts->addWidget(estimate_);
  parts->addWidget(notes_);
  // What is to be decided and the buttons stay in sight; the rest is scrolled in a low window.
  auto* scroll = new ScrolledPage(body, this);
  scroll->set_fitted(true);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(12, 6, 12, 6);
  column->setSpacing(1);  // large letters leave little room below the list
  column->addWidget(title_);
  column->addWidget(scroll);
  column->addLayout(buttons);
  connect(caching_, &QCheckBox::toggled, this, &PreScanCard::update_estimate);
  connect(cancel_, &QPushButton::clicked, this, &PreScanCard::cancelled);
  connect(start_, &QPushButton::clicked, this, [this] {
    desk::AddRequest request{.paths = scan_.paths, .caching = caching_->isChecked()};
    for (std::size_t i = 0; i < boxes_.size(); ++i) {
      if (!boxes_[i]->isChecked()) request.excluded_suffixes.push_back(scan_.types[i].suffix);
    }
    if (follow_->isChecked()) request.follow = scan_.folders;
    emit start_requested(request);
  });
  hide();
}

void PreScanCard::clear_types() {
  boxes_.clear();
  while (auto* item = types_->takeAt(0)) {
    if (item->widget() != nullptr) item->widget()->deleteLater();
    delete item;
  }
}

void PreScanCard::show_counting(const std::vector<QString>& paths) {
  clear_types();
  scan_ = {};
  title_->setText(paths.size() == 1
                      ? tr("Looking into %1…").arg(visible_text(paths.front()))
                      : tr("Looking into %n place(s)…", nullptr, static_cast<int>(paths.size())));
  for (QWidget* part : {static_cast<QWidget*>(estimate_), static_cast<QWidget*>(notes_),
                        static_cast<QWidget*>(caching_), static_cast<QWidget*>(follow_),
                        static_cast<QWidget*>(start_)}) {
    part->hide();
  }
  show();
}

void PreScanCard::show_scan(const desk::PreScan& scan) {
  clear_types();
  scan_ = scan;
  // Supported types come first, so a box's place is its type's.
  int line = 0;
  std::int64_t n_more = 0;
  for (const auto& type : scan.types) {
    if (!type.supported) break;
    auto* box = new QCheckBox(without_mnemonic(suffix_words(type.suffix)), this);
    box->setChecked(true);
    boxes_.push_back(box);
    connect(box, &QCheckBox::toggled, this, &PreScanCard::update_estimate);
    if (boxes_.size() > kMaxTypes) {
      box->hide();
      n_more += type.n_files;
      continue;
    }
    types_->addWidget(box, line, 0);
    types_->addWidget(new QLabel(count_text(type.n_files), this), line, 1, Qt::AlignRight);
    types_->addWidget(new QLabel(bytes_text(type.n_bytes), this), line, 2, Qt::AlignRight);
    ++line;
  }
  QStringList notes;
  if (n_more > 0) notes += tr("%n more file(s) of other types.", nullptr, int(n_more));
  if (scan.n_unsupported > 0) {
    QStringList names;
    for (const auto& type : scan.types) {
      if (!type.supported && names.size() < 6) names += suffix_words(type.suffix);
    }
    notes += tr("%n file(s) of other kinds stay out: %1.", nullptr, int(scan.n_unsupported))
                 .arg(names.join(QStringLiteral(", ")));
  }
  if (scan.n_hidden > 0) notes += tr("%n hidden name(s) stay out.", nullptr, int(scan.n_hidden));
  if (scan.n_links > 0) {
    notes += tr("%n link(s) to other folders are not followed.", nullptr, int(scan.n_links));
  }
  for (std::size_t i = 0; i < std::min<std::size_t>(scan.problems.size(), 3); ++i) {
    notes += visible_text(scan.problems[i].message);
  }
  notes_->setText(notes.join(QLatin1Char('\n')));
  notes_->setVisible(!notes.isEmpty());
  caching_->setVisible(scan.n_files > 0);
  follow_->setVisible(scan.n_files > 0 && !scan.folders.empty());
  start_->setVisible(scan.n_files > 0);
  update_estimate();
  show();
}

std::int64_t PreScanCard::n_wanted() const {
  std::int64_t n = 0;
  for (std::size_t i = 0; i < boxes_.size(); ++i) {
    if (boxes_[i]->isChecked()) n += scan_.types[i].n_files;
  }
  return n;
}

void PreScanCard::update_estimate() {
  const auto n = n_wanted();
  title_->setText(scan_.n_files == 0 ? tr("Nothing here can be read.")
                                     : tr("Add %n file(s)?", nullptr, static_cast<int>(n)));
  start_->setEnabled(n > 0);
  estimate_->setText(estimate_words());
  estimate_->setVisible(n > 0);
}

QString PreScanCard::estimate_words() const {
  std::int64_t n_bytes = 0;
  for (std::size_t i = 0; i < boxes_.size(); ++i) {
    if (boxes_[i]->isChecked()) n_bytes += scan_.types[i].n_bytes;
  }
  const double share =
      scan_.n_bytes > 0 ? static_cast<double>(n_bytes) / static_cast<double>(scan_.n_bytes) : 0;
  const double index_seconds = scan_.index_seconds * share;
  QString words = index_seconds < 1
                      ? tr("Searchable within a second.")
                      : tr("Searchable in about %1.").arg(seconds_text(index_seconds));
  if (caching_->isChecked()) {
    const auto kv_bytes = static_cast<std::int64_t>(static_cast<double>(scan_.kv_bytes) * share);
    const double seconds = index_seconds + scan_.cache_seconds * share;
    words +=
        QLatin1Char(' ') +
        (seconds < 1 ? tr("Cached within a second, using %1 on disk.").arg(bytes_text(kv_bytes))
                     : tr("Cached in about %1, using %2 on disk.")
                           .arg(seconds_text(seconds), bytes_text(kv_bytes)));
    if (kv_bytes > scan_.kv_bytes_free) {
      words +=
          QLatin1Char(' ') + tr("The cache budget has room for %1 of that.")
                                 .arg(bytes_text(std::max<std::int64_t>(scan_.kv_bytes_free, 0)));
    }
  }
  if (!scan_.measured) {
    words += QLatin1Char(' ') + tr("(A guess: nothing was measured here yet.)");
  }
  return words;
}

}  // namespace kvlink::ui
