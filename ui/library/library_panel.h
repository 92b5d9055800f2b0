// SPDX-License-Identifier: Apache-2.0
// The left column: what is in the library, how far it is, and which of it questions may use.
#pragma once

#include <QTimer>
#include <QWidget>
#include <functional>
#include <optional>
#include <vector>

#include "app/desk/library_messages.h"
#include "ui/library/library_model.h"

class QLabel;
class QLineEdit;
class QMenu;
class QStackedWidget;
class QToolButton;
class QTreeView;

namespace kvlink::desk {
class Desk;
struct DeskFacts;
}  // namespace kvlink::desk

namespace kvlink::ui {

class PreScanCard;
class ProblemBar;

class LibraryPanel : public QWidget {
  Q_OBJECT

 public:
  explicit LibraryPanel(desk::Desk& desk, QWidget* parent = nullptr);
  ~LibraryPanel() override;

  LibraryModel& model() { return *model_; }
  QTreeView& view() { return *view_; }
  PreScanCard& card() { return *card_; }
  QLineEdit& search() { return *search_; }

  /// Files begin at once; a folder is looked into first, and its counts shown.
  void add_paths(const std::vector<QString>& paths);
  /// Text that was dropped or pasted: paths, or a note.
  void add_text(const QString& text);
  std::vector<QString> checked_paths() const;
  /// Checks these once they are in the list (session restore).
  void check_paths_later(const QStringList& paths);
  /// Begins without looking first.
  void start(const desk::AddRequest& request);
  /// The filter with the failed ones.
  void show_problems();
  /// Says which followed folder a path lies in, if any.
  void set_following(std::function<std::optional<QString>(const QString&)> followed_folder) {
    followed_folder_ = std::move(followed_folder);
  }

 public slots:
  void remove_selected();
  void reindex_selected();
  void focus_search();
  void focus_list();

 signals:
  void scope_changed(const std::vector<kvlink::desk::DocumentId>& documents, const QString& words);
  void counts_changed(const kvlink::ui::LibraryCounts& counts);
  void ask_about(kvlink::desk::DocumentId document, const QString& title);
  void ask_whole(kvlink::desk::DocumentId document, const QString& title);
  void show_document(kvlink::desk::DocumentId document);
  void show_cache(kvlink::desk::DocumentId document);
  void reveal(const QString& path);
  /// The buttons of the empty library.
  void add_files_requested();
  void add_folder_requested();
  void notice(const QString& message);
  /// The problems of these documents are told no more; `title` is the first one's.
  void ignored_documents(const std::vector<kvlink::desk::DocumentId>& documents,
                         const QString& title);
  /// Ctrl+V in the list.
  void paste_requested();
  void follow_requested(const QString& folder);
  void unfollow_requested(const QString& folder);
  /// Documents are being removed; these are their files.
  void removing(kvlink::desk::RequestId id, const std::vector<QString>& paths);
  /// A run was handed to the ingestion.
  void run_started(kvlink::desk::RequestId id, const kvlink::desk::AddRequest& request);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void build();
  void expand_again();
  QWidget* build_filters();
  QWidget* build_empty_page();
  QWidget* build_scope_line();
  void connect_desk();
  void connect_problems();
  void apply(const desk::DocumentsChange& change);
  bool is_naming() const;
  void remember_view();
  void restore_view();
  void settled();
  void pre_scanned(const desk::PreScan& scan);
  void start_scanned(const desk::AddRequest& request);
  void update_counts();
  void update_scope();
  void update_page();

  // library_documents.cpp
  std::vector<const desk::DocumentRow*> selected() const;
  void open_menu(const QPoint& at);
  void add_document_actions(QMenu& menu, const desk::DocumentRow& row);
  void add_collection_actions(QMenu& menu, const QModelIndex& index);
  void add_following_action(QMenu& menu, const std::vector<const desk::DocumentRow*>& rows);
  void add_common_actions(QMenu& menu);
  void add_cache_actions(QMenu& menu);
  void tell_warmed(qint64 n_blocks, qint64 n_missing);
  void move(const std::vector<desk::DocumentId>& documents, const QString& collection);
  void move_selected(const QString& collection);
  void move_selected_to_new();
  void rename_if_new();

  // library_problems.cpp
  void update_problem();
  void read_problem_again(const QString& password);
  void ignore_problem(bool ignored);
  void add_problem_actions(QMenu& menu, const desk::DocumentRow& row);

  std::function<std::optional<QString>(const QString&)> followed_folder_;
  desk::Desk& desk_;
  LibraryModel* model_;
  QTreeView* view_;
  PreScanCard* card_;
  ProblemBar* problem_;
  QLineEdit* search_;
  QStackedWidget* pages_ = nullptr;
  QLabel* empty_title_ = nullptr;
  QLabel* empty_words_ = nullptr;
  QWidget* empty_buttons_ = nullptr;
  QToolButton* filters_[3] = {};
  QLabel* scope_ = nullptr;
  QToolButton* clear_scope_ = nullptr;
  desk::RequestId scan_id_ = 0;
  std::vector<QString> looking_at_;  ///< paths whose adding is not decided yet
  QTimer problem_soon_;
  QStringList to_check_;
  std::vector<desk::DocumentsChange> held_;  ///< came while a name was being typed
  QString to_rename_;                        ///< a collection that is being made
  QSet<QString> collapsed_;                  ///< folders
  bool listed_ = false;                      ///< a snapshot has come
  bool lists_ = false;                       ///< and one is being taken in
  struct Seen {
    QString current;
    QStringList selected;
    int scroll = 0;
  } seen_;  ///< before a reset of the model
};

}  // namespace kvlink::ui
