// SPDX-License-Identifier: Apache-2.0
// The Source tab: the document at a passage.
#pragma once

#include <QLabel>
#include <QPushButton>
#include <QStackedWidget>
#include <QWidget>
#include <optional>
#include <vector>

#include "app/desk/answer_messages.h"
#include "app/desk/library_messages.h"

namespace kvlink::desk {
class Desk;
}

namespace kvlink::ui {

class InlineMessage;
class PageView;
class SourceView;

class SourcePanel : public QWidget {
  Q_OBJECT

 public:
  explicit SourcePanel(desk::Desk& desk, QWidget* parent = nullptr);
  ~SourcePanel() override;

 public slots:
  /// Opens the passage's document, scrolls to it and marks it; `passages` are for previous/next.
  void show_passage(const kvlink::desk::PassageView& passage,
                    const std::vector<kvlink::desk::PassageView>& passages);
  /// Opens a document at its beginning.
  void show_document(kvlink::desk::DocumentId document);

 signals:
  void ask_about(const QString& selected_text, kvlink::desk::DocumentId document);
  /// For the window's banner.
  void problem(const QString& message);

 private:
  void build();
  void request(desk::DocumentId document);
  void take_text(const desk::DocumentText& text);
  void show_place();
  /// Asks for the page of the passage on screen, when it has one and pages are wanted.
  void request_page(const desk::DocumentText::Passage* passage);
  void take_page(const desk::PagePicture& picture);
  /// The text stays, and the notice says why.
  void take_refusal(desk::RequestId id, const desk::Problem& why);
  void step(int by);
  void open_externally();
  void ask_about_selection();
  void enable_buttons();

  desk::Desk& desk_;
  QStackedWidget* pages_;
  QLabel* hint_;
  QLabel* title_;
  QLabel* place_;
  InlineMessage* notice_;
  QStackedWidget* faces_;  ///< the text, or the page
  SourceView* view_;
  PageView* page_;
  QPushButton* as_page_;
  QPushButton* previous_;
  QPushButton* next_;
  QPushButton* ask_;
  QPushButton* open_;

  std::vector<desk::PassageView> passages_;  ///< of one answer, for previous and next
  std::optional<std::size_t> shown_;         ///< index into passages_; nothing: a whole document
  desk::RequestId waiting_ = 0;
  desk::RequestId drawing_ = 0;  ///< the page that is asked for; 0: none
  desk::DocumentText text_;      ///< what is on screen; document 0: nothing
};

}  // namespace kvlink::ui
