// SPDX-License-Identifier: Apache-2.0
// What Esc means, in one place.
#pragma once

#include <QObject>
#include <functional>
#include <vector>

class QWidget;

namespace kvlink::ui {

/// Esc closes the topmost layer that is open above the conversation; with none open it stops the
/// answer under way; with no answer either it belongs to the widget that has the focus. A field
/// that edits a row in place comes before all of them: there Esc takes the change back.
///
/// One per window; sees the keys of that window before its widgets do. GUI thread.
class EscapeRule : public QObject {
  Q_OBJECT

 public:
  struct Layer {
    std::function<bool()> is_open;
    std::function<void()> close;
  };

  /// `layers`: topmost first.
  EscapeRule(QWidget& window, std::vector<Layer> layers, Layer answer);
  ~EscapeRule() override;

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  /// What Esc would do now; null: nothing of the window's.
  const Layer* meant() const;

  QWidget& window_;
  std::vector<Layer> layers_;
  Layer answer_;
};

}  // namespace kvlink::ui
