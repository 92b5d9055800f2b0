// SPDX-License-Identifier: Apache-2.0
// Which models there are, which is in use, and how to get one.
#pragma once

#include <QWidget>

#include "app/desk/settings_messages.h"
#include "ui/ask/inline_message.h"

class QLabel;
class QTableView;
class QTimer;
class QToolButton;

namespace kvlink::ui {

class ChatFormatRow;
class JobRow;
class ModelTable;

/// Told what there is; says what the user wants. Model files and folders can be dropped on it. A
/// removal waits for the undo time first; a window that closes meanwhile removes nothing. GUI
/// thread.
class ModelsPage : public QWidget {
  Q_OBJECT

 public:
  explicit ModelsPage(QWidget* parent = nullptr);

  void show_facts(const desk::DeskFacts& facts);
  /// Only what holds of the chat format, after another was chosen and given up.
  void show_chat_format(const desk::DeskFacts& facts);
  void show_models(const desk::ModelList& list);
  void show_check(const desk::ModelChecked& checked);
  /// What is being done with a model, until show_no_job.
  void show_job(const QString& what);
  void show_job_bytes(std::int64_t done, std::int64_t total);
  void show_no_job();
  /// A sentence below the models; an empty one takes it away.
  void tell(const QString& sentence, Tone tone);
  void select(const QString& path);
  void set_undo_ms(int milliseconds) { undo_ms_ = milliseconds; }
  ModelTable& table() { return *table_; }

 signals:
  void refresh_wanted();
  void check_wanted(const QString& path);
  void use_wanted(kvlink::app::ModelRole role, const QString& path);
  void import_wanted(const QString& path, kvlink::app::ImportMethod method);
  /// By its name in the models folder.
  void remove_wanted(const QString& name);
  void stop_wanted();
  void chat_format_wanted(const QString& name);
  void models_added(const QStringList& paths);

 protected:
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  void build_table();
  void build_actions();
  void build_sources();
  QToolButton* add_button(QLayout* row, const char* icon_name, const QString& text,
                          const QString& tip);
  const desk::ModelItem* selected() const;
  void selection_changed();
  QString selected_path() const;
  void choose_files();
  void choose_folder();
  void begin_removal();
  void carry_out_removal();

  QLabel* in_use_;
  QLabel* first_run_;
  QLabel* details_;
  ModelTable* table_;
  QTableView* view_ = nullptr;
  QToolButton* use_ = nullptr;
  QToolButton* check_ = nullptr;
  QToolButton* link_ = nullptr;
  QToolButton* copy_ = nullptr;
  QToolButton* remove_ = nullptr;
  ChatFormatRow* chat_ = nullptr;
  JobRow* job_ = nullptr;
  InlineMessage* message_ = nullptr;
  QTimer* undo_timer_ = nullptr;
  QString to_remove_;  ///< name; while the undo time runs
  int undo_ms_ = 8000;
};

}  // namespace kvlink::ui
