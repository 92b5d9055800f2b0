// SPDX-License-Identifier: Apache-2.0
// The settings as fields one can read and change.
#pragma once

#include <QWidget>
#include <functional>
#include <vector>

#include "app/desk/settings_messages.h"
#include "app/settings.h"

class QComboBox;
class QDoubleSpinBox;
class QFormLayout;
class QSpinBox;
class QVBoxLayout;

namespace kvlink::ui {

class DeviceRow;

/// Shows a Settings and gives back what the user made of it: a field nobody touched keeps its
/// value to the bit, shown rounded or not. Fields that are not here (models) pass through. GUI
/// thread.
class SettingsForm : public QWidget {
  Q_OBJECT

 public:
  enum class Page : std::uint8_t { kAnswers, kComputing, kStorage };
  explicit SettingsForm(Page page, QWidget* parent = nullptr);

  void show_settings(const app::Settings& settings);
  /// What the page on computing offers.
  void show_devices(const desk::DeviceFacts& devices);
  /// Writes this page's fields into `settings`.
  void take_into(app::Settings& settings) const;

 signals:
  /// By the user, not by show_settings().
  void edited();

 private:
  struct Field {
    std::function<void(const app::Settings&)> show;
    std::function<void(app::Settings&)> take;
  };
  struct Range {
    double low = 0;
    double high = 0;
    double step = 1;
    int n_decimals = 0;
    QString zero = {};  ///< what 0 means, in words
  };

  void build_answers();
  void build_sampling();
  void build_computing();
  void build_storage();
  QFormLayout* section(const QString& title, const QString& explanation = {});
  /// A number; `unit` divides it for the eye (1e9: gigabytes).
  template <typename Get>
  void add_number(QFormLayout* form, const QString& label, const QString& tip, Range range, Get get,
                  double unit = 1, const QString& suffix = {});
  template <typename Get>
  void add_choice(QFormLayout* form, const QString& label, const QString& tip,
                  const std::vector<std::pair<QString, int>>& choices, Get get);
  void add_mode(QFormLayout* form);
  void add_adapter(QFormLayout* form);
  void add_prompt(QFormLayout* form);
  void add_check(QFormLayout* form, const QString& label, const QString& tip,
                 bool app::Settings::*member);
  void add_ocr(QFormLayout* form);
  void add_device(QFormLayout* form);
  void tell_edited();

  std::vector<Field> fields_;
  app::Settings shown_;
  bool showing_ = false;
  DeviceRow* device_ = nullptr;  ///< on the page on computing
  QVBoxLayout* column_;
};

}  // namespace kvlink::ui
