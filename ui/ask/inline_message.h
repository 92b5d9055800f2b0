// SPDX-License-Identifier: Apache-2.0
// A sentence between other things, instead of a dialog in front of them.
#pragma once

#include <QFrame>
#include <QLabel>

class QBoxLayout;
class QPushButton;

namespace kvlink::ui {

/// From the least to the most serious.
enum class Tone : std::uint8_t { kPlain, kWarning, kProblem };

/// Plain text, always. Invisible until it is told something. Buttons stand beside the text, or
/// below it where it would have no room.
class InlineMessage : public QFrame {
  Q_OBJECT

 public:
  explicit InlineMessage(QWidget* parent = nullptr);

  void tell(const QString& text, Tone tone);
  QString text() const { return label_->text(); }
  Tone tone() const { return tone_; }
  /// A button at the end; the caller connects it. `text` is a verb.
  QPushButton* add_button(const QString& text);
  void remove_buttons();

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  void place_buttons();

  QLabel* label_;
  QBoxLayout* row_;
  QLayout* buttons_;
  Tone tone_ = Tone::kPlain;
};

}  // namespace kvlink::ui
