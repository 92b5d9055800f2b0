// SPDX-License-Identifier: Apache-2.0
// The choice of how passages reach the model.
#pragma once

#include <QComboBox>
#include <optional>

#include "ui/ask/mode_words.h"

namespace kvlink::ui {

/// Closed it shows a name; open, a name and a sentence per mode. A mode the model cannot serve is
/// disabled, with the reason as its sentence.
class ModePicker : public QComboBox {
  Q_OBJECT

 public:
  explicit ModePicker(QWidget* parent = nullptr);

  void set_adapter(Adapter adapter);
  inference::LinkMode mode() const;
  void set_mode(inference::LinkMode mode);
  /// Of the chosen mode; "".
  QString warning() const { return mode_warning(mode(), adapter_); }

 signals:
  void mode_changed();

 private:
  void describe();

  Adapter adapter_ = Adapter::kNone;
};

}  // namespace kvlink::ui
