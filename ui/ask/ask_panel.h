// SPDX-License-Identifier: Apache-2.0
// The middle column: the conversation and the question.
#pragma once

#include <QLabel>
#include <QPushButton>
#include <QStackedWidget>
#include <QWidget>
#include <map>
#include <vector>

#include "app/desk/answer_messages.h"
#include "ui/ask/read_ahead.h"

namespace kvlink::desk {
class Desk;
struct DeskFacts;
}  // namespace kvlink::desk

namespace kvlink::ui {

class Composer;
class ConversationList;
class ConversationView;
class TurnWidget;

/// Asks the desk's AnswerWorker and shows what comes back. The window tells it which documents are
/// in scope; it tells the window which passage to show.
class AskPanel : public QWidget {
  Q_OBJECT

 public:
  explicit AskPanel(desk::Desk& desk, QWidget* parent = nullptr);
  ~AskPanel() override;

  /// Of the conversation on screen; 0: a new one that has no turn yet.
  desk::ConversationId conversation() const;
  bool is_answering() const;
  /// Whether the list of conversations is in front.
  bool shows_conversations() const;
  /// The question that was not sent yet.
  QString draft() const;
  void set_draft(const QString& text);

 public slots:
  void focus_question();
  void new_conversation();
  void open_conversation(kvlink::desk::ConversationId id);
  /// The same, unless the user has begun something since the start.
  void restore_conversation(kvlink::desk::ConversationId id);
  /// Shows the list of conversations, its search focused.
  void show_conversations();
  /// Ends the answer under way; does nothing when there is none.
  void stop();
  /// Empty: the whole library. `words` is shown beside the question: "3 documents".
  void set_scope(const std::vector<kvlink::desk::DocumentId>& documents, const QString& words);
  /// Puts words (a selection, a document's name) into the question and focuses it.
  void ask_about(const QString& words);
  /// The question under the cursor, whole document on or off.
  void set_whole_document(kvlink::desk::DocumentId document, const QString& title);
  /// Files are being added: "over 8 of 12 documents" and similar, or "" when all are ready.
  void set_library_note(const QString& note);

 signals:
  /// A citation, a source chip or a passage was activated: `passages` are all of that answer.
  void passage_activated(const kvlink::desk::PassageView& passage,
                         const std::vector<kvlink::desk::PassageView>& passages);
  void conversation_changed(kvlink::desk::ConversationId id, const QString& name);
  void answering_changed(bool answering);
  void draft_changed();
  /// For the window's banner.
  void problem(const QString& message);

 protected:
  void keyPressEvent(QKeyEvent* event) override;

 private:
  /// A request under way and where its answer is shown.
  struct Running {
    TurnWidget* turn = nullptr;
    bool cold = false;  ///< for comparison, beside the turn's own answer
  };

  void build();
  QWidget* make_header();
  void connect_composer();
  void connect_list();
  void connect_answers();
  void connect_turn(TurnWidget* turn);
  void take_facts(const desk::DeskFacts& facts);
  void ask(const QString& question);
  /// kNearest: also over passages that are too far to count.
  enum class Reach : std::uint8_t { kEvidence, kNearest };
  void ask_again(const TurnWidget& turn, Reach reach);
  void measure_cold(TurnWidget* turn);
  void send(const desk::AskRequest& request, Running running);
  void send_held();
  void prefetch(const QString& text);
  QString searched_words(const QString& text) const;
  void end(desk::RequestId id);
  void finish(const desk::AnswerSummary& summary);
  void show_conversation(const desk::ConversationView& view);
  void restore(const std::vector<desk::ConversationRow>& rows);
  void set_name(const QString& name);
  void announce(const QString& words);
  TurnWidget* turn_of(desk::RequestId id, bool cold) const;

  desk::Desk& desk_;
  QStackedWidget* pages_;
  QWidget* page_;
  ConversationView* view_;
  ConversationList* list_;
  Composer* composer_;
  QLabel* name_;
  QLabel* announcer_;  ///< for screen readers: what was announced last
  QPushButton* new_;
  std::map<desk::RequestId, Running> running_;
  std::vector<desk::AskRequest> held_;  ///< of running_: asked before the library was open
  ReadAheadLedger ahead_;
  desk::ConversationId conversation_ = 0;
  desk::ConversationId wanted_ = 0;  ///< to be opened as soon as it arrives
  bool may_restore_ = true;          ///< nobody chose a conversation yet
};

}  // namespace kvlink::ui
