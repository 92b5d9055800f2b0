// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/device_row.h"

#include <QComboBox>
#include <QLabel>
#include <QSignalBlocker>
#include <QStandardItemModel>
#include <QStringList>
#include <QVBoxLayout>

namespace kvlink::ui {

DeviceRow::DeviceRow(QWidget* parent)
    : QWidget(parent), box_(new QComboBox(this)), words_(new QLabel(this)) {
  box_->setAccessibleName(tr("Device"));
  box_->setToolTip(tr("What reads passages and answers questions"));
  box_->setMinimumContentsLength(24);
  box_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  words_->setWordWrap(true);
  words_->setTextFormat(Qt::PlainText);
  words_->setForegroundRole(QPalette::PlaceholderText);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->addWidget(box_);
  column->addWidget(words_);
  setFocusProxy(box_);
  fill();
  connect(box_, &QComboBox::currentIndexChanged, this, [this] {
    choice_ = box_->currentData().toString();
    emit edited();
  });
}

void DeviceRow::show_devices(const desk::DeviceFacts& devices) {
  devices_ = devices;
  fill();
}

void DeviceRow::show_choice(const std::string& choice) {
  choice_ = QString::fromStdString(choice);
  fill();
}

std::string DeviceRow::choice() const { return choice_.toStdString(); }
QString DeviceRow::words() const { return words_->text(); }

void DeviceRow::add(const QString& text, const QString& choice, const QString& problem) {
  box_->addItem(text, choice);
  const int row = box_->count() - 1;
  if (problem.isEmpty()) return;
  box_->setItemData(row, problem, Qt::ToolTipRole);
  auto* items = qobject_cast<QStandardItemModel*>(box_->model());
  // What is chosen already stays to be seen.
  if (items != nullptr && choice != choice_) items->item(row)->setEnabled(false);
}

void DeviceRow::fill() {
  const QSignalBlocker quiet(box_);
  if (choice_.isEmpty()) choice_ = QStringLiteral("auto");
  box_->clear();
  QStringList lines;
  add(tr("Automatic: a GPU where one can be used"), QStringLiteral("auto"));
  add(devices_.processor.isEmpty() ? tr("Processor") : tr("Processor: %1").arg(devices_.processor),
      QStringLiteral("cpu"));
  for (const auto& gpu : devices_.gpus) {
    add(gpu.words, gpu.id, gpu.problem);
    if (!gpu.problem.isEmpty()) lines << tr("Not usable: %1.").arg(gpu.problem);
  }
  if (devices_.gpus.empty() && !devices_.why_no_gpu.isEmpty()) {
    lines << tr("No GPU can be used: %1.").arg(devices_.why_no_gpu);
  }
  if (box_->findData(choice_) < 0) add(tr("%1 (not there)").arg(choice_), choice_);
  box_->setCurrentIndex(box_->findData(choice_));
  if (!devices_.gpu_in_use.isEmpty() && !devices_.gpus.empty()) {
    lines << tr("Now: %1.").arg(devices_.gpu_in_use);
  }
  words_->setText(lines.join(QLatin1Char('\n')));
  words_->setVisible(!lines.isEmpty());
}

}  // namespace kvlink::ui
