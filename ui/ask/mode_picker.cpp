// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/mode_picker.h"

#include <QAbstractItemView>
#include <QPainter>
#include <QStandardItemModel>
#include <QStyledItemDelegate>
#include <algorithm>

#include "ui/theme/colors.h"

namespace kvlink::ui {
namespace {

constexpr int kSentenceRole = Qt::UserRole + 1;
constexpr int kPadding = 6;

/// Two lines: the name, and the sentence below it.
class ModeDelegate : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;

  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    const QFontMetrics metrics(option.font);
    const int width = metrics.horizontalAdvance(index.data(kSentenceRole).toString());
    return {width + 4 * kPadding, 2 * metrics.lineSpacing() + 2 * kPadding};
  }

  void paint(QPainter* painter, const QStyleOptionViewItem& option,
             const QModelIndex& index) const override {
    const bool selected = option.state & QStyle::State_Selected;
    const bool enabled = option.state & QStyle::State_Enabled;
    if (selected) painter->fillRect(option.rect, option.palette.highlight());
    const auto group = enabled ? QPalette::Normal : QPalette::Disabled;
    const auto role = selected ? QPalette::HighlightedText : QPalette::Text;
    const QColor strong = option.palette.color(group, role);
    const QRect area = option.rect.adjusted(2 * kPadding, kPadding, -2 * kPadding, -kPadding);
    const int line = QFontMetrics(option.font).lineSpacing();
    painter->save();
    QFont bold = option.font;
    bold.setBold(true);
    painter->setFont(bold);
    painter->setPen(strong);
    painter->drawText(area, Qt::AlignTop | Qt::TextSingleLine, index.data().toString());
    painter->setFont(option.font);
    if (!selected) painter->setPen(colors_of(option.palette).quiet);
    painter->drawText(area.adjusted(0, line, 0, 0), Qt::AlignTop | Qt::TextSingleLine,
                      index.data(kSentenceRole).toString());
    painter->restore();
  }
};

}  // namespace

ModePicker::ModePicker(QWidget* parent) : QComboBox(parent) {
  setAccessibleName(tr("How passages reach the model"));
  setObjectName(QStringLiteral("mode-picker"));
  setItemDelegate(new ModeDelegate(this));
  for (const auto mode : kModes) addItem(mode_title(mode), static_cast<int>(mode));
  setMaxVisibleItems(static_cast<int>(kModes.size()));
  connect(this, &QComboBox::currentIndexChanged, this, [this] {
    describe();
    emit mode_changed();
  });
  set_adapter(Adapter::kNone);
  set_mode(inference::LinkMode::kReposition);
}

void ModePicker::set_adapter(Adapter adapter) {
  adapter_ = adapter;
  auto* items = qobject_cast<QStandardItemModel*>(model());
  int width = 0;
  for (int i = 0; i < count(); ++i) {
    const auto mode = static_cast<inference::LinkMode>(itemData(i).toInt());
    const bool possible = mode != inference::LinkMode::kLink || adapter_ == Adapter::kTrained;
    const QString sentence = possible ? mode_sentence(mode) : mode_warning(mode, adapter_);
    const QString warning = possible ? mode_warning(mode, adapter_) : QString();
    setItemData(i, sentence, kSentenceRole);
    setItemData(i, warning.isEmpty() ? sentence : sentence + QLatin1Char('\n') + warning,
                Qt::ToolTipRole);
    setItemData(i, sentence, Qt::AccessibleDescriptionRole);
    items->item(i)->setEnabled(possible);
    width = std::max(width, fontMetrics().horizontalAdvance(sentence));
  }
  view()->setMinimumWidth(width + 6 * kPadding);
  describe();
}

inference::LinkMode ModePicker::mode() const {
  return static_cast<inference::LinkMode>(currentData().toInt());
}

void ModePicker::set_mode(inference::LinkMode mode) {
  setCurrentIndex(findData(static_cast<int>(mode)));
}

void ModePicker::describe() {
  const QString sentence = currentData(kSentenceRole).toString();
  setToolTip(sentence);
  setAccessibleDescription(sentence);
}

}  // namespace kvlink::ui
