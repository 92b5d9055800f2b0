// SPDX-License-Identifier: Apache-2.0
// Which models there are, which is in use, and how to get one.
#pragma once

#include <QWidget>

#include "app/desk/settings_messages.h"

class QLabel;
class QTableView;
class QToolButton;

namespace kvlink::ui {

class ModelTable;

/// Told what there is; says what the user wants. Model files and folders can be dropped on it.
/// GUI thread.
class ModelsPage : public QWidget {
  Q_OBJECT

 public:
  explicit ModelsPage(QWidget* parent = nullptr);

  void show_facts(const desk::DeskFacts& facts);
  void show_models(const desk::ModelList& list);
  void show_check(const desk::ModelChecked& checked);
  ModelTable& table() { return *table_; }

 signals:
  void refresh_wanted();
  void check_wanted(const QString& path);
  void use_wanted(kvlink::app::ModelRole role, const QString& path);
  void models_added(const QStringList& paths);

 protected:
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  void build_table();
  void build_actions();
  void selection_changed();
  QString selected_path() const;
  void choose_files();

  QLabel* in_use_;
  QLabel* first_run_;
  QLabel* details_;
  ModelTable* table_;
  QTableView* view_ = nullptr;
  QToolButton* use_ = nullptr;
  QToolButton* check_ = nullptr;
};

}  // namespace kvlink::ui
