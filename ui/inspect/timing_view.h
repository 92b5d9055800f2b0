// SPDX-License-Identifier: Apache-2.0
// Clock, waterfall, history and table in one column; told what to show, asks nothing.
#pragma once

#include <QWidget>

#include "ui/inspect/question_timing.h"

class QComboBox;
class QLabel;
class QTableView;
class QToolButton;

namespace kvlink::ui {

class HistoryChart;
class HistoryTable;
class StageTable;
class TtftCounter;
class Waterfall;

/// Independent of the desk, so that it can be shown with any Timeline. GUI thread.
class TimingView : public QWidget {
  Q_OBJECT

 public:
  explicit TimingView(QWidget* parent = nullptr);

  void question_started(const QString& note, app::Timeline::Clock::time_point sent);
  void stages_changed(const std::vector<app::Timeline::Span>& spans);
  void first_token(double ttft_ms);
  void question_ended(const QuestionTiming& timing);
  /// One that ended while another is on screen already.
  void keep(const QuestionTiming& timing);
  void question_failed(const QString& why);
  void set_note(const QString& note);
  /// Questions of an earlier start, oldest first.
  void restore(std::vector<QuestionTiming> questions);

  TimingHistory& history() { return history_; }
  const TimingHistory& history() const { return history_; }
  /// The rate or the model has changed: sentences about cold runs are made again.
  void refresh();

  /// The table on screen as CSV.
  QString csv() const;

 private:
  void build_charts();
  void build_table();
  void show_question(int index);
  void show_table(int which);
  void copy_csv();
  QString summary_of(const QuestionTiming& timing) const;

  TimingHistory history_;
  std::vector<app::Timeline::Span> live_spans_;
  int shown_ = -1;

  TtftCounter* counter_;
  QLabel* question_;
  Waterfall* waterfall_;
  HistoryChart* chart_;
  StageTable* stages_;
  HistoryTable* questions_;
  QComboBox* which_ = nullptr;
  QTableView* table_ = nullptr;
  QToolButton* copy_ = nullptr;
};

}  // namespace kvlink::ui
