// SPDX-License-Identifier: Apache-2.0
// One question and its answer, from Enter to the sources.
#pragma once

#include <QLabel>
#include <QPushButton>
#include <QWidget>
#include <optional>
#include <vector>

#include "app/desk/answer_messages.h"
#include "ui/ask/answer_view.h"
#include "ui/ask/clock_pair.h"
#include "ui/ask/inline_message.h"
#include "ui/ask/passage_list.h"
#include "ui/ask/read_ahead.h"
#include "ui/ask/stage_line.h"

namespace kvlink::ui {

/// Shows values, asks nobody: the panel hands it what the workers tell.
class TurnWidget : public QWidget {
  Q_OBJECT

 public:
  /// A question that was just asked; the clock runs.
  TurnWidget(const desk::AskRequest& request, QWidget* parent);
  /// A kept one.
  TurnWidget(const desk::ConversationTurn& turn, QWidget* parent);

  /// What was asked, for asking it again.
  const desk::AskRequest& request() const { return request_; }
  const std::vector<desk::PassageView>& passages() const { return passages_->passages(); }
  QString answer() const { return answer_->text(); }
  /// Whether later questions follow it: something was answered, and not beside the conversation.
  bool is_followed() const { return is_followed_; }
  QString answer_with_citations() const;

  void set_started();
  void set_passages(const std::vector<desk::PassageView>& passages);
  void add_blocks(const std::vector<desk::BlockEvent>& events);
  void set_stages(const desk::AnswerStages& stages);
  void append_text(const desk::AnswerText& text);
  void finish(const desk::AnswerSummary& summary);
  /// Of a finished answer: what had been read before Enter.
  void set_read_ahead(const ReadAhead& ahead);
  void fail(const desk::Problem& problem);

  /// The run without cache for comparison: its clock, then its first token, then its end.
  void begin_cold(app::Timeline::Clock::time_point sent);
  void set_cold_first_token(double milliseconds);
  void finish_cold(const desk::AnswerSummary& summary);
  void fail_cold(const desk::Problem& problem);

  /// While something is answered no other question can be asked.
  void set_actions_enabled(bool enabled);

 signals:
  void passage_activated(const kvlink::desk::PassageView& passage,
                         const std::vector<kvlink::desk::PassageView>& passages);
  void regenerate();
  void edit_question(const QString& question);
  void measure_cold();
  /// Nothing fits, and the user wants an answer from what comes nearest.
  void ask_nearest();
  void copied();
  /// The answer grew.
  void updated();

 private:
  void build(const QString& question);
  QWidget* make_actions();
  void connect_parts();
  void activate_citation(std::int64_t number);
  void ask_about_link(const QUrl& address);
  void show_reason(double elapsed_ms);
  void show_end(const desk::AnswerSummary& summary);
  void show_nothing_found(const desk::AnswerSummary& summary);
  void show_finished_parts(const QString& meta);
  void compare();

  desk::AskRequest request_;
  WaitingFacts facts_;
  std::optional<desk::AnswerSummary> summary_;
  bool is_followed_ = false;
  std::vector<desk::PassageView> cold_passages_;

  StageLine* stages_ = nullptr;
  QLabel* reason_ = nullptr;
  AnswerView* answer_ = nullptr;
  InlineMessage* message_ = nullptr;
  InlineMessage* link_ = nullptr;
  QLabel* meta_ = nullptr;
  PassageList* passages_ = nullptr;
  QWidget* actions_ = nullptr;
  QPushButton* measure_ = nullptr;
  ClockPair* clocks_ = nullptr;
  QTimer cold_timer_;
  app::Timeline::Clock::time_point cold_sent_;
};

}  // namespace kvlink::ui
