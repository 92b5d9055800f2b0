// SPDX-License-Identifier: Apache-2.0
// Help: the pages of the guide, which lie in the program itself.
#pragma once

#include <QStringList>
#include <QWidget>
#include <vector>

class QLabel;
class QLineEdit;
class QListWidget;
class QScrollArea;

namespace kvlink::ui {

class AnswerView;
class InlineMessage;

/// Titles on the left, the page on the right, a search over all of them. Reads resources only.
class GuidePage : public QWidget {
  Q_OBJECT

 public:
  explicit GuidePage(QWidget* parent = nullptr);

  void focus_list();
  int n_pages() const { return static_cast<int>(pages_.size()); }
  /// Of the page on screen.
  QString shown_title() const;

 signals:
  void closed();

 protected:
  void keyPressEvent(QKeyEvent* event) override;
  void showEvent(QShowEvent* event) override;

 private:
  struct Page {
    QString title;
    QString text;
  };

  void load();
  void build();
  void narrow(const QString& words);
  void show_page(int row);

  std::vector<Page> pages_;
  QLineEdit* search_;
  QListWidget* titles_;
  QLabel* none_;
  QScrollArea* area_;
  AnswerView* view_;
  InlineMessage* link_;
};

}  // namespace kvlink::ui
