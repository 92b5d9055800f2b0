// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/timing_view.h"

#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QHeaderView>
#include <QLabel>
#include <QTableView>
#include <QToolButton>
#include <QVBoxLayout>

#include "ui/inspect/history_chart.h"
#include "ui/inspect/quantities.h"
#include "ui/inspect/timing_tables.h"
#include "ui/inspect/ttft_counter.h"
#include "ui/inspect/waterfall.h"
#include "ui/theme/flow_layout.h"
#include "ui/theme/icons.h"

namespace kvlink::ui {

TimingView::TimingView(QWidget* parent)
    : QWidget(parent),
      counter_(new TtftCounter(this)),
      question_(new QLabel(this)),
      waterfall_(new Waterfall(this)),
      chart_(new HistoryChart(this)),
      stages_(new StageTable(this)),
      questions_(new HistoryTable(this)) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(12, 12, 12, 12);
  column->setSpacing(10);
  build_charts();
  build_table();
  waterfall_->set_bars(bars_of({}), 0);
  show_table(0);
}

void TimingView::build_charts() {
  question_->setTextFormat(Qt::PlainText);
  question_->setForegroundRole(QPalette::PlaceholderText);
  question_->setWordWrap(true);
  question_->hide();
  auto* column = static_cast<QVBoxLayout*>(layout());
  column->addWidget(question_);
  column->addWidget(counter_);
  column->addWidget(waterfall_);
  auto* title = new QLabel(tr("Last %n question(s)", nullptr, TimingHistory::kCapacity), this);
  auto bold = title->font();
  bold.setBold(true);
  title->setFont(bold);
  column->addWidget(title);
  column->addWidget(chart_, 1);
  connect(counter_, &TtftCounter::ticked, this,
          [this](double elapsed) { waterfall_->set_bars(bars_of(live_spans_, elapsed), elapsed); });
  connect(chart_, &HistoryChart::activated, this, &TimingView::show_question);
}

void TimingView::build_table() {
  which_ = new QComboBox(this);
  which_->addItems({tr("Stages of this question"), tr("All questions")});
  which_->setAccessibleName(tr("Which numbers the table shows"));
  copy_ = new QToolButton(this);
  copy_->setIcon(icon(QStringLiteral("csv")));
  copy_->setText(tr("Copy as CSV"));
  copy_->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  copy_->setAutoRaise(true);
  table_ = new QTableView(this);
  table_->setAccessibleName(tr("Timing table"));
  table_->setSelectionBehavior(QAbstractItemView::SelectRows);
  table_->setAlternatingRowColors(true);
  table_->setShowGrid(false);
  table_->setTabKeyNavigation(false);
  table_->verticalHeader()->hide();
  table_->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 8);
  table_->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
  table_->horizontalHeader()->setHighlightSections(false);
  table_->setMinimumHeight(table_->fontMetrics().height() * 4);
  auto* row = new FlowLayout(6);
  row->addWidget(which_);
  row->addWidget(copy_);
  auto* column = static_cast<QVBoxLayout*>(layout());
  column->addLayout(row);
  column->addWidget(table_, 2);
  connect(which_, &QComboBox::currentIndexChanged, this, &TimingView::show_table);
  connect(copy_, &QToolButton::clicked, this, &TimingView::copy_csv);
}

void TimingView::question_started(const QString& note, app::Timeline::Clock::time_point sent) {
  live_spans_.clear();
  shown_ = -1;
  chart_->select(-1);
  question_->hide();
  counter_->start(sent);
  counter_->set_note(note);
  stages_->set_bars({});
}

void TimingView::stages_changed(const std::vector<app::Timeline::Span>& spans) {
  live_spans_ = spans;
  if (!counter_->is_running()) return;
  waterfall_->set_bars(bars_of(spans, counter_->elapsed_ms()), counter_->elapsed_ms());
}

void TimingView::first_token(double ttft_ms) {
  counter_->freeze(ttft_ms);
  waterfall_->set_bars(bars_of(live_spans_, ttft_ms), ttft_ms);
  counter_->set_note(tr("Answering …"));
}

void TimingView::keep(const QuestionTiming& timing) {
  history_.add(timing);
  chart_->set_questions(history_.questions());
  questions_->set_history(history_);
}

void TimingView::question_ended(const QuestionTiming& timing) {
  keep(timing);
  show_question(static_cast<int>(history_.questions().size()) - 1);
}

void TimingView::question_failed(const QString& why) {
  counter_->abandon(why);
  waterfall_->set_bars(bars_of({}), 0);
}

void TimingView::restore(std::vector<QuestionTiming> questions) {
  for (auto& timing : questions) history_.restore(std::move(timing));
  chart_->set_questions(history_.questions());
  questions_->set_history(history_);
}

void TimingView::set_note(const QString& note) {
  if (counter_->is_running()) counter_->set_note(note);
}

void TimingView::refresh() {
  questions_->set_history(history_);
  if (shown_ >= 0) show_question(shown_);
}

QString TimingView::summary_of(const QuestionTiming& timing) const {
  QStringList parts;
  if (const auto cold = history_.cold_figure(timing)) parts << cold_sentence(timing, *cold);
  if (timing.without_cache) parts << tr("Without caches, measured: every token was read again.");
  if (timing.n_document_tokens > 0) {
    parts << tr("%1 of %2 document tokens came from caches.")
                 .arg(count_text(timing.n_reused_tokens), count_text(timing.n_document_tokens));
  }
  if (!timing.read_ahead.isEmpty()) parts << timing.read_ahead;
  if (timing.n_answer_tokens > 1 && timing.decode_ms > 0) {
    parts << tr("Then %1 tokens/s.")
                 .arg(decimal_text(
                     static_cast<double>(timing.n_answer_tokens) * 1000 / timing.decode_ms, 1));
  }
  return parts.join(QLatin1Char(' '));
}

void TimingView::show_question(int index) {
  if (index < 0 || index >= static_cast<int>(history_.questions().size())) return;
  shown_ = index;
  const auto& timing = history_.questions()[static_cast<std::size_t>(index)];
  chart_->select(index);
  const QString words = timing.question.simplified();
  question_->setText(words.size() > 120 ? words.left(119) + QChar(0x2026) : words);
  question_->setToolTip(timing.question.left(500).toHtmlEscaped());
  question_->show();
  if (timing.ttft_ms) {
    counter_->freeze(*timing.ttft_ms);
    counter_->set_note(summary_of(timing));
  } else {
    counter_->abandon(timing.nothing_found
                          ? tr("No passage fits the question: nothing was generated.")
                          : tr("Stopped before the first token."));
  }
  waterfall_->set_bars(timing.bars, timing.ttft_ms.value_or(0));
  stages_->set_bars(timing.bars);
  table_->resizeColumnsToContents();
}

void TimingView::show_table(int which) {
  table_->setModel(which == 0 ? static_cast<QAbstractItemModel*>(stages_) : questions_);
  if (which == 1)
    table_->setColumnWidth(HistoryTable::kQuestion, 22 * fontMetrics().averageCharWidth());
  table_->horizontalHeader()->setStretchLastSection(true);
  table_->resizeColumnsToContents();
}

QString TimingView::csv() const { return csv_of(*table_->model()); }

void TimingView::copy_csv() { QApplication::clipboard()->setText(csv()); }

}  // namespace kvlink::ui
