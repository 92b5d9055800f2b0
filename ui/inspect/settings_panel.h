// SPDX-License-Identifier: Apache-2.0
// Models and settings; a page that takes the place of the three columns, not a dialog.
#pragma once

#include <QStringList>
#include <QWidget>
#include <optional>
#include <vector>

#include "app/desk/settings_messages.h"

class QLabel;
class QListWidget;
class QPushButton;
class QStackedWidget;
class QTimer;

namespace kvlink::desk {
class Desk;
}

namespace kvlink::ui {

class ModelJobs;
class ModelsPage;
class SettingsForm;

class SettingsPanel : public QWidget {
  Q_OBJECT

 public:
  explicit SettingsPanel(desk::Desk& desk, QWidget* parent = nullptr);
  ~SettingsPanel() override;

 public slots:
  void show_models();
  /// A model file or folder was dropped on the window.
  void add_model(const QString& path);
  /// Whether what is dropped on this widget is for the list of models.
  bool takes_drops(const QWidget& widget) const;

 signals:
  /// The user is done: the window shows the columns again.
  void closed();

 protected:
  void showEvent(QShowEvent* event) override;
  void changeEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  void build_heading();
  void lay_out_again();
  void build_pages();
  void add_page(const QString& name, const char* icon_name, QWidget* page);
  void build_footer();
  void follow_models();
  void follow_desk();
  void settings_changed(const desk::DeskFacts& facts);
  void show_facts(const desk::DeskFacts& facts);
  void list_models();
  app::Settings edited_settings() const;
  void settings_edited();
  void show_effect(const desk::SettingsEffect& effect);
  void apply();
  void discard();

  desk::Desk& desk_;
  app::Settings base_;       ///< in force
  app::Settings candidate_;  ///< and the models chosen here
  bool touched_ = false;
  bool encode_when_open_ = false;
  QStringList added_;
  QString to_select_;  ///< when the models are listed the next time
  desk::RequestId estimate_ = 0;
  std::optional<desk::SettingsEffect> effect_;

  QListWidget* names_;
  QStackedWidget* pages_;
  ModelsPage* models_;
  ModelJobs* jobs_;
  std::vector<SettingsForm*> forms_;
  QWidget* footer_;
  QLabel* effect_words_;
  QPushButton* apply_;
  QPushButton* discard_;
  QTimer* pause_;
};

}  // namespace kvlink::ui
