// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/appearance_page.h"

#include <QComboBox>
#include <QFormLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QSpinBox>

#include "ui/theme/appearance.h"

namespace kvlink::ui {

AppearancePage::AppearancePage(QWidget* parent)
    : QWidget(parent), theme_(new QComboBox(this)), font_(new QSpinBox(this)) {
  auto* form = new QFormLayout(this);
  form->setContentsMargins(4, 4, 12, 12);
  form->setLabelAlignment(Qt::AlignLeft);
  theme_->addItems({tr("As the system"), tr("Light"), tr("Dark")});
  theme_->setAccessibleName(tr("Theme"));
  font_->setRange(Appearance::kMinFontPercent, Appearance::kMaxFontPercent);
  font_->setSingleStep(10);
  font_->setSuffix(tr(" %"));
  font_->setAccessibleName(tr("Size of letters"));
  form->addRow(tr("Theme"), theme_);
  form->addRow(tr("Size of letters"), font_);
  auto* keys = new QLabel(tr("Ctrl++ and Ctrl+− change the size of letters anywhere."), this);
  keys->setWordWrap(true);
  keys->setForegroundRole(QPalette::PlaceholderText);
  form->addRow(keys);
  show_current();
  auto* look = appearance();
  if (look == nullptr) return;
  connect(theme_, &QComboBox::activated, look,
          [look](int index) { look->set_theme(static_cast<ThemeChoice>(index)); });
  connect(font_, &QSpinBox::valueChanged, look, &Appearance::set_font_percent);
  connect(look, &Appearance::changed, this, &AppearancePage::show_current);
}

void AppearancePage::show_current() {
  const auto* look = appearance();
  if (look == nullptr) return;
  const QSignalBlocker quiet_theme(theme_);
  const QSignalBlocker quiet_font(font_);
  theme_->setCurrentIndex(static_cast<int>(look->theme()));
  font_->setValue(look->font_percent());
}

}  // namespace kvlink::ui
