// SPDX-License-Identifier: Apache-2.0
#include "ui/library/problem_bar.h"

#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QVBoxLayout>
#include <algorithm>
#include <iterator>
#include <utility>

#include "ui/ask/visible_text.h"
#include "ui/theme/flow_layout.h"

namespace kvlink::ui {
namespace {

using app::Remedy;
using desk::DocumentRow;
using desk::DocumentStage;

constexpr qsizetype kMaxReason = 300;
constexpr int kMaxPassword = 127;  // readers of PDF take no more

bool has_problem(const DocumentRow& row) {
  return row.stage == DocumentStage::kIgnored || row.stage == DocumentStage::kFailed ||
         row.remedy != Remedy::kNone;
}

/// A row that failed before the library knew it can be read again.
Remedy remedy_of(const DocumentRow& row) {
  const bool failed = row.stage == DocumentStage::kFailed;
  return failed && row.remedy == Remedy::kNone ? Remedy::kRetry : row.remedy;
}

bool is_like(const DocumentRow& a, const DocumentRow& b) {
  const bool ignored = a.stage == DocumentStage::kIgnored;
  return ignored == (b.stage == DocumentStage::kIgnored) && remedy_of(a) == remedy_of(b);
}

QString words_of_all(const DocumentRow& first, int n) {
  if (first.stage == DocumentStage::kIgnored) {
    return ProblemBar::tr("%n document(s) could not be read and are ignored.", nullptr, n);
  }
  switch (remedy_of(first)) {
    case Remedy::kPassword:
      return ProblemBar::tr("%n document(s) need a password.", nullptr, n);
    case Remedy::kRecognise:
      return ProblemBar::tr("%n document(s) have pictures that were not read.", nullptr, n);
    default:
      break;
  }
  return first.stage == DocumentStage::kFailed
             ? ProblemBar::tr("%n document(s) could not be read.", nullptr, n)
             : ProblemBar::tr("%n document(s) could not be read wholly.", nullptr, n);
}

QString verb_of(Remedy remedy) {
  switch (remedy) {
    case Remedy::kPassword:
      return ProblemBar::tr("Open");
    case Remedy::kRecognise:
      return ProblemBar::tr("Read its pictures (OCR)");
    default:
      return ProblemBar::tr("Try again");
  }
}

}  // namespace

ProblemBar::ProblemBar(QWidget* parent)
    : QFrame(parent),
      reason_(new QLabel(this)),
      password_(new QLineEdit(this)),
      act_(new QPushButton(this)),
      ignore_(new QPushButton(this)) {
  setObjectName(QStringLiteral("problemBar"));
  setFrameShape(QFrame::StyledPanel);
  setAutoFillBackground(true);
  setBackgroundRole(QPalette::Base);
  reason_->setTextFormat(Qt::PlainText);
  reason_->setWordWrap(true);
  reason_->setObjectName(QStringLiteral("problemReason"));
  password_->setObjectName(QStringLiteral("problemPassword"));
  password_->setEchoMode(QLineEdit::Password);
  password_->setMaxLength(kMaxPassword);
  password_->setPlaceholderText(tr("Password"));
  password_->setAccessibleName(tr("Password of the document"));
  password_->setToolTip(
      tr("It goes to the program that opens the document, and is kept in memory "
         "until KVLink closes; no file has it."));
  act_->setObjectName(QStringLiteral("problemAct"));
  act_->setAutoDefault(true);
  ignore_->setObjectName(QStringLiteral("problemIgnore"));
  auto* buttons = new FlowLayout(6, Qt::AlignRight);
  buttons->addWidget(ignore_);
  buttons->addWidget(act_);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(10, 8, 10, 8);
  column->addWidget(reason_);
  column->addWidget(password_);
  column->addLayout(buttons);
  connect(act_, &QPushButton::clicked, this, &ProblemBar::act);
  connect(password_, &QLineEdit::returnPressed, this, &ProblemBar::act);
  connect(password_, &QLineEdit::textChanged, act_, [this](const QString& text) {
    if (password_->isVisibleTo(this)) act_->setEnabled(!text.isEmpty());
  });
  connect(ignore_, &QPushButton::clicked, this, [this] { emit ignore_requested(!is_ignored_); });
  hide();
}

std::vector<const DocumentRow*> ProblemBar::meant(const std::vector<const DocumentRow*>& rows) {
  const auto first = std::find_if(rows.begin(), rows.end(),
                                  [](const DocumentRow* row) { return has_problem(*row); });
  std::vector<const DocumentRow*> found;
  if (first == rows.end()) return found;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(found),
               [&](const DocumentRow* row) { return has_problem(*row) && is_like(*row, **first); });
  return found;
}

void ProblemBar::show_documents(const std::vector<const DocumentRow*>& rows, bool can_read) {
  const auto documents = meant(rows);
  setVisible(!documents.empty());
  if (documents.empty()) {
    password_->clear();
    return;
  }
  const DocumentRow& first = *documents.front();
  if (std::exchange(path_, first.path) != first.path) password_->clear();
  reason_->setText(documents.size() == 1
                       ? one_line(first.title + QStringLiteral(": ") + first.reason, kMaxReason)
                       : words_of_all(first, static_cast<int>(documents.size())));
  is_ignored_ = first.stage == DocumentStage::kIgnored;
  const Remedy remedy = remedy_of(first);
  const bool locked = !is_ignored_ && remedy == Remedy::kPassword;
  password_->setVisible(locked);
  act_->setVisible(!is_ignored_);
  act_->setText(verb_of(remedy));
  act_->setEnabled(can_read && !(locked && password_->text().isEmpty()));
  password_->setEnabled(can_read);
  ignore_->setText(is_ignored_ ? tr("Tell me again") : tr("Ignore"));
  ignore_->setToolTip(is_ignored_ ? tr("It is listed among the problems again.")
                                  : tr("It is not listed among the problems, until it changes."));
}

void ProblemBar::focus_action() {
  if (password_->isVisibleTo(this)) {
    password_->setFocus(Qt::OtherFocusReason);
  } else {
    act_->setFocus(Qt::OtherFocusReason);
  }
}

void ProblemBar::act() {
  if (!act_->isEnabled()) return;
  const QString password = password_->isVisibleTo(this) ? password_->text() : QString();
  password_->clear();
  emit read_requested(password);
}

}  // namespace kvlink::ui
