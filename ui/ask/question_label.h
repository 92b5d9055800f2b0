// SPDX-License-Identifier: Apache-2.0
// The question above its answer.
#pragma once

#include <QLabel>

namespace kvlink::ui {

/// Plain text on a quiet ground.
class QuestionLabel : public QLabel {
  Q_OBJECT

 public:
  QuestionLabel(const QString& question, QWidget* parent);

 protected:
  void paintEvent(QPaintEvent* event) override;
};

}  // namespace kvlink::ui
