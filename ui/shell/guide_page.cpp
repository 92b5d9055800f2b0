// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/guide_page.h"

#include <QDir>
#include <QFile>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QScrollArea>
#include <QScrollBar>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/ask/answer_view.h"
#include "ui/ask/inline_message.h"
#include "ui/ask/link_opening.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

constexpr int kPageRole = Qt::UserRole;
constexpr int kMaxTextWidth = 820;  // lines stay readable in a wide window

}  // namespace

GuidePage::GuidePage(QWidget* parent)
    : QWidget(parent),
      search_(new QLineEdit(this)),
      titles_(new QListWidget(this)),
      none_(new QLabel(tr("No page contains this."), this)),
      area_(new QScrollArea(this)),
      view_(new AnswerView(this)),
      link_(new InlineMessage(this)) {
  build();
  connect(search_, &QLineEdit::textChanged, this, &GuidePage::narrow);
  connect(titles_, &QListWidget::currentRowChanged, this, &GuidePage::show_page);
  connect(view_, &SafeTextView::link_activated, this,
          [this](const QUrl& address) { offer_link(*link_, address); });
}

void GuidePage::build() {
  auto* title = new QLabel(tr("Guide"), this);
  QFont large = title->font();
  large.setPointSizeF(large.pointSizeF() * 1.4);
  large.setWeight(QFont::DemiBold);
  title->setFont(large);
  auto* done = new QPushButton(icon(QStringLiteral("close")), tr("Close"), this);
  connect(done, &QPushButton::clicked, this, &GuidePage::closed);
  search_->setPlaceholderText(tr("Search the guide"));
  search_->setAccessibleName(tr("Search the guide"));
  search_->setClearButtonEnabled(true);
  titles_->setAccessibleName(tr("Pages of the guide"));
  titles_->setFrameShape(QFrame::NoFrame);
  titles_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  none_->setForegroundRole(QPalette::PlaceholderText);
  none_->hide();
  view_->setMaximumWidth(kMaxTextWidth);
  view_->setAccessibleName(tr("Text of the page"));
  auto* sheet = new QWidget(area_);
  sheet->setBackgroundRole(QPalette::Base);
  auto* inside = new QVBoxLayout(sheet);
  inside->setContentsMargins(20, 12, 20, 12);
  inside->addWidget(view_);
  inside->addStretch();
  area_->setWidget(sheet);
  area_->setWidgetResizable(true);
  area_->setFrameShape(QFrame::NoFrame);
  area_->setFocusPolicy(Qt::NoFocus);
  area_->viewport()->setBackgroundRole(QPalette::Base);
  auto* top = new QHBoxLayout;
  top->addWidget(title);
  top->addStretch();
  top->addWidget(done);
  auto* left = new QVBoxLayout;
  left->addWidget(search_);
  left->addWidget(none_);
  left->addWidget(titles_, 1);
  auto* right = new QVBoxLayout;
  right->addWidget(link_);
  right->addWidget(area_, 1);
  auto* row = new QHBoxLayout;
  row->setSpacing(16);
  row->addLayout(left, 1);
  row->addLayout(right, 3);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(16, 12, 16, 12);
  column->setSpacing(10);
  column->addLayout(top);
  column->addLayout(row, 1);
}

/// The pages are part of the program: nothing is read from a disk.
void GuidePage::load() {
  const QDir folder(QStringLiteral(":/guide"));
  for (const auto& name : folder.entryList({QStringLiteral("*.md")}, QDir::Files, QDir::Name)) {
    QFile file(folder.filePath(name));
    if (!file.open(QIODevice::ReadOnly)) continue;
    Page page;
    page.text = QString::fromUtf8(file.readAll());
    page.title = page.text.section(QLatin1Char('\n'), 0, 0).remove(0, 1).trimmed();
    pages_.push_back(std::move(page));
  }
  narrow({});
}

void GuidePage::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  if (pages_.empty()) load();
}

void GuidePage::narrow(const QString& words) {
  const QStringList parts = words.split(QLatin1Char(' '), Qt::SkipEmptyParts);
  const QString before = shown_title();
  titles_->clear();
  int row = 0;
  for (std::size_t i = 0; i < pages_.size(); ++i) {
    const bool fits = std::all_of(parts.begin(), parts.end(), [&](const QString& part) {
      return pages_[i].text.contains(part, Qt::CaseInsensitive);
    });
    if (!fits) continue;
    auto* item = new QListWidgetItem(pages_[i].title, titles_);
    item->setData(kPageRole, static_cast<int>(i));
    item->setSizeHint({0, titles_->fontMetrics().height() + 10});
    if (pages_[i].title == before) row = titles_->count() - 1;
  }
  none_->setVisible(titles_->count() == 0);
  titles_->setCurrentRow(row);
}

void GuidePage::show_page(int row) {
  const auto* item = titles_->item(row);
  if (item == nullptr) return;
  link_->hide();
  view_->set_answer(pages_[static_cast<std::size_t>(item->data(kPageRole).toInt())].text);
  area_->verticalScrollBar()->setValue(0);
}

QString GuidePage::shown_title() const {
  const auto* item = titles_->currentItem();
  return item == nullptr ? QString() : item->text();
}

void GuidePage::focus_list() { titles_->setFocus(); }

void GuidePage::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Escape) {
    emit closed();
    return;
  }
  QWidget::keyPressEvent(event);
}

}  // namespace kvlink::ui
