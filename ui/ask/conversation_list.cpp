// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/conversation_list.h"

#include <QAbstractItemDelegate>
#include <QDateTime>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLocale>
#include <QMenu>
#include <QPainter>
#include <QStyledItemDelegate>
#include <QVBoxLayout>
#include <utility>

#include "ui/ask/visible_text.h"
#include "ui/theme/flow_layout.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

using ExportFormat = desk::ConversationWorker::ExportFormat;

constexpr int kIdRole = Qt::UserRole;
constexpr int kNameRole = Qt::UserRole + 1;
constexpr int kWhenRole = Qt::UserRole + 2;
constexpr int kSearchPauseMs = 200;
constexpr int kRowPadding = 12;
constexpr int kDateMargin = 8;
constexpr qsizetype kMaxName = 200;

QString when_words(std::int64_t unix_seconds) {
  const auto time = QDateTime::fromSecsSinceEpoch(unix_seconds);
  return QLocale().toString(time, QLocale::ShortFormat);
}

/// The name, and at the right when it was used last, as far as both have room.
class DatedDelegate : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;

  void paint(QPainter* painter, const QStyleOptionViewItem& option,
             const QModelIndex& index) const override {
    const QString when = index.data(kWhenRole).toString();
    const int width = option.fontMetrics.horizontalAdvance(when) + 2 * kDateMargin;
    if (2 * width > option.rect.width()) {
      QStyledItemDelegate::paint(painter, option, index);
      return;
    }
    QStyleOptionViewItem name = option;
    initStyleOption(&name, index);
    const auto* style = option.widget->style();
    const QString text = std::exchange(name.text, {});
    style->drawControl(QStyle::CE_ItemViewItem, &name, painter, option.widget);
    const bool selected = option.state & QStyle::State_Selected;
    const auto colour = [&](QPalette::ColorRole usual) {
      return option.palette.color(selected ? QPalette::HighlightedText : usual);
    };
    const QRect inside = option.rect.adjusted(kDateMargin / 2, 0, -kDateMargin / 2, 0);
    const QRect left = inside.adjusted(0, 0, -width, 0);
    painter->save();
    painter->setFont(option.font);
    painter->setPen(colour(QPalette::Text));
    painter->drawText(left, Qt::AlignVCenter | Qt::AlignLeft | Qt::TextSingleLine,
                      option.fontMetrics.elidedText(text, Qt::ElideRight, left.width()));
    painter->setPen(colour(QPalette::PlaceholderText));
    painter->drawText(inside, Qt::AlignVCenter | Qt::AlignRight, when);
    painter->restore();
  }
};

}  // namespace

ConversationList::ConversationList(desk::ConversationWorker& worker, QWidget* parent)
    : QWidget(parent),
      worker_(worker),
      search_(new QLineEdit(this)),
      list_(new QListWidget(this)),
      empty_(new QLabel(this)),
      message_(new InlineMessage(this)),
      open_(new QPushButton(tr("Open"), this)),
      rename_(new QPushButton(icon(QStringLiteral("edit")), tr("Rename"), this)),
      delete_(new QPushButton(tr("Delete"), this)),
      export_(new QPushButton(tr("Export"), this)) {
  build();
  connect_worker();
  enable_buttons();
}

ConversationList::~ConversationList() { carry_out_deletion(); }

void ConversationList::build() {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(12, 8, 12, 12);
  auto* top = new QHBoxLayout;
  auto* back = new QPushButton(icon(QStringLiteral("previous")), tr("Back"), this);
  search_->setPlaceholderText(tr("Search questions and answers\u2026"));
  search_->setAccessibleName(tr("Search conversations"));
  search_->setClearButtonEnabled(true);
  top->addWidget(back);
  top->addWidget(search_, 1);
  column->addLayout(top);
  list_->setAccessibleName(tr("Conversations"));
  list_->setItemDelegate(new DatedDelegate(list_));
  list_->setEditTriggers(QAbstractItemView::EditKeyPressed);
  list_->setUniformItemSizes(true);
  list_->setAlternatingRowColors(true);
  empty_->setAlignment(Qt::AlignCenter);
  empty_->setForegroundRole(QPalette::PlaceholderText);
  column->addWidget(empty_);
  column->addWidget(list_, 1);
  column->addWidget(message_);
  auto* menu = new QMenu(export_);
  menu->addAction(tr("As Markdown\u2026"), this, [this] { choose_file(ExportFormat::kMarkdown); });
  menu->addAction(tr("As JSON\u2026"), this, [this] { choose_file(ExportFormat::kJson); });
  export_->setMenu(menu);
  auto* bottom = new FlowLayout(6);
  for (QPushButton* button : {open_, rename_, delete_, export_}) {
    button->setAutoDefault(false);
    bottom->addWidget(button);
  }
  column->addLayout(bottom);
  search_timer_.setSingleShot(true);
  search_timer_.setInterval(kSearchPauseMs);
  undo_timer_.setSingleShot(true);
  undo_timer_.setInterval(kUndoMs);
  connect(back, &QPushButton::clicked, this, &ConversationList::closed);
  connect(&search_timer_, &QTimer::timeout, this, &ConversationList::refresh);
  connect(&undo_timer_, &QTimer::timeout, this, [this] {
    carry_out_deletion();
    message_->hide();
  });
  connect(search_, &QLineEdit::textChanged, this, [this] { search_timer_.start(); });
  connect(search_, &QLineEdit::returnPressed, this, [this] {
    refresh();
    list_->setFocus();
  });
  connect(list_, &QListWidget::itemActivated, this, [this] { emit chosen_to_open(chosen()); });
  connect(list_, &QListWidget::currentRowChanged, this, &ConversationList::enable_buttons);
  connect(list_, &QListWidget::itemChanged, this, &ConversationList::take_name);
  connect(
      list_->itemDelegate(), &QAbstractItemDelegate::closeEditor, this,
      [this] {
        if (std::exchange(refill_, false)) refresh();
      },
      Qt::QueuedConnection);
  connect(open_, &QPushButton::clicked, this, [this] { emit chosen_to_open(chosen()); });
  connect(rename_, &QPushButton::clicked, this, [this] { list_->editItem(list_->currentItem()); });
  connect(delete_, &QPushButton::clicked, this, &ConversationList::delete_chosen);
}

void ConversationList::connect_worker() {
  connect(&worker_, &desk::ConversationWorker::changed, this,
          [this](const std::vector<desk::ConversationRow>& rows, const QString& words) {
            if (words.isEmpty()) emit listed(rows);
            if (words == search_->text().trimmed()) show_rows(rows);
          });
  connect(&worker_, &desk::ConversationWorker::exported, this,
          [this](desk::RequestId id, const QByteArray& text) {
            const auto found = exports_.find(id);
            if (found != exports_.end()) worker_.write_file(id, found->second, text);
          });
  connect(&worker_, &desk::ConversationWorker::written, this,
          [this](desk::RequestId id, const QString& path) {
            if (exports_.erase(id) == 0) return;
            message_->remove_buttons();
            message_->tell(tr("Exported to %1.").arg(path), Tone::kPlain);
          });
  connect(&worker_, &desk::ConversationWorker::failed, this,
          [this](desk::RequestId id, const desk::Problem& what) {
            if (exports_.erase(id) != 0) emit problem(what.message);
          });
}

void ConversationList::focus_search() {
  search_->setFocus();
  search_->selectAll();
}

void ConversationList::refresh() { worker_.list(search_->text().trimmed()); }

void ConversationList::set_current(desk::ConversationId id) {
  current_ = id;
  int row = -1;  // not listed yet: chosen when it is
  for (int i = 0; i < list_->count(); ++i) {
    if (list_->item(i)->data(kIdRole).toLongLong() == id) row = i;
  }
  list_->setCurrentRow(row);
}

desk::ConversationId ConversationList::chosen() const {
  const auto* item = list_->currentItem();
  return item == nullptr ? 0 : item->data(kIdRole).toLongLong();
}

void ConversationList::show_rows(const std::vector<desk::ConversationRow>& rows) {
  if (is_editing()) {
    refill_ = true;
    return;
  }
  const desk::ConversationId before = chosen() != 0 ? chosen() : current_;
  filling_ = true;
  list_->clear();
  for (const auto& row : rows) {
    if (row.id == deleted_.id) continue;
    auto* item = new QListWidgetItem(one_line(row.name, kMaxName), list_);
    item->setFlags(item->flags() | Qt::ItemIsEditable);
    item->setSizeHint({0, fontMetrics().lineSpacing() + kRowPadding});
    item->setData(kIdRole, static_cast<qlonglong>(row.id));
    item->setData(kNameRole, row.name);
    item->setData(kWhenRole, when_words(row.updated_unix));
    item->setData(Qt::AccessibleDescriptionRole, when_words(row.updated_unix));
    item->setToolTip(
        plain_tooltip(tr("%1\nlast used %2").arg(row.name, when_words(row.updated_unix))));
    if (row.id == before) list_->setCurrentItem(item);
  }
  filling_ = false;
  empty_->setText(search_->text().trimmed().isEmpty() ? tr("No conversation is kept yet.")
                                                      : tr("No conversation contains this."));
  empty_->setVisible(list_->count() == 0);
  list_->setVisible(list_->count() > 0);
  enable_buttons();
}

/// What is being typed is not thrown away.
bool ConversationList::is_editing() const {
  const auto* editor = list_->viewport()->findChild<QLineEdit*>();
  return editor != nullptr && editor->isVisible();
}

void ConversationList::take_name(QListWidgetItem* item) {
  const QString name = item->text().simplified().left(kMaxName);
  const QString before = item->data(kNameRole).toString();
  if (filling_ || name == one_line(before, kMaxName)) return;
  const desk::ConversationId id = item->data(kIdRole).toLongLong();
  if (name.isEmpty()) {
    refresh();
    return;
  }
  worker_.rename(id, name);
  emit renamed(id, name);
}

void ConversationList::delete_chosen() {
  auto* item = list_->currentItem();
  if (item == nullptr) return;
  carry_out_deletion();
  deleted_ = {item->data(kIdRole).toLongLong(), item->data(kNameRole).toString(), 0};
  delete item;
  message_->remove_buttons();
  message_->tell(tr("\u201c%1\u201d was deleted.").arg(one_line(deleted_.name, 60)), Tone::kPlain);
  auto* undo = message_->add_button(tr("Undo"));
  connect(undo, &QPushButton::clicked, this, &ConversationList::undo_deletion);
  undo_timer_.start();
  enable_buttons();
  emit deleted(deleted_.id);
}

void ConversationList::undo_deletion() {
  undo_timer_.stop();
  deleted_ = {};
  message_->hide();
  refresh();
}

void ConversationList::carry_out_deletion() {
  undo_timer_.stop();
  if (deleted_.id == 0) return;
  worker_.remove(std::exchange(deleted_, {}).id);
}

void ConversationList::export_to(desk::ConversationId id, ExportFormat format,
                                 const QString& path) {
  const desk::RequestId request = desk::next_request_id();
  exports_[request] = path;
  worker_.export_text(request, id, format);
}

void ConversationList::choose_file(ExportFormat format) {
  const desk::ConversationId id = chosen();
  if (id == 0) return;
  auto* dialog = new QFileDialog(this, tr("Export conversation"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setAcceptMode(QFileDialog::AcceptSave);
  dialog->setDefaultSuffix(format == ExportFormat::kJson ? QStringLiteral("json")
                                                         : QStringLiteral("md"));
  connect(dialog, &QFileDialog::fileSelected, this,
          [this, id, format](const QString& path) { export_to(id, format, path); });
  dialog->open();
}

void ConversationList::enable_buttons() {
  const bool any = chosen() != 0;
  for (QPushButton* button : {open_, rename_, delete_, export_}) button->setEnabled(any);
}

void ConversationList::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Escape) {
    emit closed();
  } else if (event->key() == Qt::Key_Delete && list_->hasFocus()) {
    delete_chosen();
  } else {
    QWidget::keyPressEvent(event);
  }
}

}  // namespace kvlink::ui
