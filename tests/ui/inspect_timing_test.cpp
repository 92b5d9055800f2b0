// SPDX-License-Identifier: Apache-2.0
// The Timing tab draws, says and copies what a Timeline says.
#include <QAbstractItemModelTester>
#include <QImage>
#include <QTest>

#include "ui/inspect/history_chart.h"
#include "ui/inspect/quantities.h"
#include "ui/inspect/timing_tables.h"
#include "ui/inspect/timing_view.h"
#include "ui/inspect/ttft_counter.h"
#include "ui/inspect/waterfall.h"
#include "ui/theme/colors.h"

namespace kvlink::ui {
namespace {

using app::Stage;
using app::Timeline;
using std::chrono::microseconds;
using std::chrono::milliseconds;

Timeline::Span span_of(Stage stage, int begin_ms, int end_ms) {
  return {.stage = stage, .begin = milliseconds(begin_ms), .end = milliseconds(end_ms), .tier = {}};
}

/// Retrieve 0–10, plan 10–12 and 60–61, read 12–30, verify 30–32, rotate 61–70, prefill 70–170.
std::vector<Timeline::Span> usual_spans() {
  auto load = span_of(Stage::kLoad, 12, 32);
  load.tokens = 400;
  load.blocks = 5;
  load.tier = "memory+disk";
  auto read = span_of(Stage::kRead, 12, 30);
  read.bytes = 36'000'000;
  auto prefill = span_of(Stage::kPrefill, 70, 170);
  prefill.tokens = 50;
  return {span_of(Stage::kRetrieve, 0, 10),
          span_of(Stage::kEmbed, 0, 9),
          span_of(Stage::kPlan, 10, 12),
          load,
          read,
          span_of(Stage::kVerify, 30, 32),
          span_of(Stage::kPlan, 60, 61),
          span_of(Stage::kRotate, 61, 70),
          prefill,
          span_of(Stage::kFirstToken, 170, 171),
          span_of(Stage::kDecode, 171, 900)};
}

const StageBar& bar_named(const std::vector<StageBar>& bars, Bar name) {
  return *std::find_if(bars.begin(), bars.end(), [&](const auto& b) { return b.bar == name; });
}

QuestionTiming question_of(const QString& words, double ttft_ms, bool cold) {
  QuestionTiming timing;
  timing.question = words;
  timing.asked_unix = 1'760'000'000;
  timing.ttft_ms = ttft_ms;
  timing.mode = QStringLiteral("reposition");
  timing.without_cache = cold;
  timing.n_document_tokens = 1000;
  timing.n_reused_tokens = cold ? 0 : 1000;
  timing.n_document_tokens_prefilled = cold ? 1000 : 0;
  timing.n_prefilled_tokens = cold ? 1050 : 50;
  timing.bars = bars_of(usual_spans());
  return timing;
}

QColor color_at(const QWidget& widget, const QPointF& point) {
  auto image = const_cast<QWidget&>(widget).grab().toImage();
  return image.pixelColor((point * image.devicePixelRatio()).toPoint());
}

bool is_near(const QColor& a, const QColor& b) {
  return std::abs(a.red() - b.red()) + std::abs(a.green() - b.green()) +
             std::abs(a.blue() - b.blue()) <
         24;
}

}  // namespace

class InspectTimingTest : public QObject {
  Q_OBJECT

 private slots:
  void initTestCase() {
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
    QApplication::setPalette(light_palette());
  }

  void bars_sum_the_pieces_of_a_stage() {
    const auto bars = bars_of(usual_spans());
    QCOMPARE(bars.size(), std::size_t{8});  // nobody waited
    const auto& plan = bar_named(bars, Bar::kPlan);
    QCOMPARE(plan.pieces.size(), std::size_t{2});
    QCOMPARE(plan.total_ms, 3.0);
    const auto& read = bar_named(bars, Bar::kRead);
    QCOMPARE(read.total_ms, 18.0);  // the reading, not the whole of load
    QCOMPARE(read.bytes, std::int64_t{36'000'000});
    QCOMPARE(read.blocks, std::int64_t{5});
    QCOMPARE(read.tier, QStringLiteral("memory+disk"));
    QVERIFY(bar_named(bars, Bar::kEncodeMissing).pieces.empty());
  }

  void blocks_from_memory_alone_fill_the_read_bar() {
    auto load = span_of(Stage::kLoad, 5, 6);
    load.tier = "memory";
    const auto bars = bars_of({load});
    QCOMPARE(bar_named(bars, Bar::kRead).total_ms, 1.0);
  }

  void waiting_gets_a_bar_when_there_was_any() {
    const auto bars = bars_of({span_of(Stage::kWait, 3, 9)});
    QCOMPARE(bar_named(bars, Bar::kWait).total_ms, 6.0);
  }

  void open_stage_grows_with_the_clock() {
    auto open = span_of(Stage::kPrefill, 70, 0);
    QCOMPARE(bar_named(bars_of({open}, 95), Bar::kPrefill).total_ms, 25.0);
  }

  void details_name_bytes_rate_tier_and_tokens() {
    const auto bars = bars_of(usual_spans());
    const auto text = bar_details(bar_named(bars, Bar::kRead));
    QVERIFY2(text.contains("36.0 MB at 2.00 GB/s"), qPrintable(text));
    QVERIFY2(text.contains("memory and disk"), qPrintable(text));
    QVERIFY(bar_details(bar_named(bars, Bar::kPrefill)).contains("500 tokens/s"));
  }

  void waterfall_draws_bars_to_scale() {
    Waterfall chart;
    chart.resize(640, chart.sizeHint().height());
    chart.set_bars(bars_of(usual_spans()), 171);
    const auto& bars = chart.bars();
    QCOMPARE(chart.axis_ms(), 171.0);
    const auto retrieve = chart.piece_rect(0, 0);
    const auto index = static_cast<std::size_t>(
        std::find_if(bars.begin(), bars.end(), [](auto& b) { return b.bar == Bar::kPrefill; }) -
        bars.begin());
    const auto prefill = chart.piece_rect(index, 0);
    QVERIFY(std::abs(prefill.width() / retrieve.width() - 10) < 0.01);
    QVERIFY(std::abs((prefill.left() - retrieve.left()) / retrieve.width() - 7) < 0.01);
    QVERIFY(prefill.right() < chart.width());
    const auto& colors = colors_of(chart.palette());
    QVERIFY(is_near(color_at(chart, prefill.center()),
                    colors.stages[static_cast<std::size_t>(Bar::kPrefill)]));
    QVERIFY(is_near(color_at(chart, {prefill.left() - 6, prefill.center().y()}),
                    chart.palette().color(QPalette::Window)));
  }

  void history_dots_stand_on_a_log_axis_filled_or_hollow() {
    HistoryChart chart;
    chart.resize(600, 240);
    std::deque<QuestionTiming> questions = {
        question_of("a", 10, false), question_of("b", 100, true), question_of("c", 1000, false)};
    chart.set_questions(questions);
    chart.select(-1);
    const auto a = chart.dot(0);
    const auto b = chart.dot(1);
    const auto c = chart.dot(2);
    QVERIFY(a && b && c);
    QVERIFY(std::abs((a->y() - b->y()) - (b->y() - c->y())) < 0.01);
    QVERIFY(a->x() < b->x());
    const auto& colors = colors_of(chart.palette());
    QVERIFY(is_near(color_at(chart, *a), colors.memory));
    QVERIFY(!is_near(color_at(chart, *b), colors.quiet));  // hollow
    questions[1].ttft_ms.reset();
    chart.set_questions(questions);
    QVERIFY(!chart.dot(1));
  }

  void cold_is_measured_only_when_it_was() {
    TimingHistory history;
    const auto warm = question_of("q", 200, false);
    QVERIFY(!history.cold_figure(warm));  // no rate, no figure
    history.add_rate(100, 1000);
    history.add_rate(8, 1);  // too few tokens to say anything
    const auto estimate = history.cold_figure(warm);
    QVERIFY(estimate && !estimate->measured);
    QCOMPARE(estimate->tokens_per_second, 100.0);
    // 200 ms less read 18, verify 2, rotate 9, prefill 100; and 1,050 tokens at 100 a second.
    QCOMPARE(estimate->ms, 71.0 + 10500.0);
    QVERIFY(cold_sentence(warm, *estimate).count("estimated") >= 2);

    history.add(question_of("another", 4000, true));
    QVERIFY(!history.cold_figure(warm)->measured);
    auto shorter = question_of("q", 3000, true);
    shorter.n_document_tokens = 900;
    history.add(shorter);
    QVERIFY(!history.cold_figure(warm)->measured);
    history.add(question_of("q", 4000, true));
    const auto measured = history.cold_figure(warm);
    QVERIFY(measured && measured->measured);
    QCOMPARE(measured->ms, 4000.0);
    QVERIFY(cold_sentence(warm, *measured).contains("measured"));
    QVERIFY(!cold_sentence(warm, *measured).contains("estimated"));
    QVERIFY(!history.cold_figure(history.questions().back()));
  }

  void history_keeps_fifty() {
    TimingHistory history;
    for (int i = 0; i < 60; ++i) history.add(question_of(QString::number(i), 100, false));
    QCOMPARE(history.questions().size(), std::size_t{50});
    QCOMPARE(history.questions().front().question, QStringLiteral("10"));
  }

  void tables_are_proper_models() {
    StageTable stages;
    HistoryTable questions;
    const QAbstractItemModelTester first(&stages,
                                         QAbstractItemModelTester::FailureReportingMode::QtTest);
    const QAbstractItemModelTester second(&questions,
                                          QAbstractItemModelTester::FailureReportingMode::QtTest);
    stages.set_bars(bars_of(usual_spans()));
    TimingHistory history;
    history.add(question_of("q", 100, false));
    questions.set_history(history);
    QCOMPARE(stages.rowCount(), 8);
    QCOMPARE(questions.rowCount(), 1);
    stages.set_bars({});
    QCOMPARE(stages.rowCount(), 0);
  }

  void csv_equals_the_table() {
    QLocale::setDefault(QLocale(QLocale::German, QLocale::Germany));
    HistoryTable table;
    TimingHistory history;
    history.add_rate(100, 1000);
    history.add(question_of("Two, \"quoted\"\nlines", 1234.5, false));
    history.add(question_of("=1+1", 99, true));
    table.set_history(history);
    const auto csv = csv_of(table);
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
    QCOMPARE(csv.count("\r\n"), 3);
    QVERIFY(csv.contains(",\"Two, \"\"quoted\"\"\nlines\",1234.500,with caches,"));
    QVERIFY(csv.contains(",'=1+1,99.000,without caches,"));
    QVERIFY(csv.contains("estimated"));
    const auto header = csv.section("\r\n", 0, 0).split(',');
    QCOMPARE(header.size(), int{HistoryTable::kColumnCount});
    for (int column = 0; column < table.columnCount(); ++column) {
      QCOMPARE(header[column],
               table.headerData(column, Qt::Horizontal, Qt::DisplayRole).toString());
    }
  }

  void counter_runs_then_stands_at_what_was_measured() {
    TtftCounter counter;
    counter.start();
    QTRY_VERIFY(counter.elapsed_ms() > 120);
    QVERIFY(counter.is_running());
    counter.freeze(187.4);
    QCOMPARE(counter.number(), QStringLiteral("187 ms"));
    QTest::qWait(80);
    QCOMPARE(counter.number(), QStringLiteral("187 ms"));
    counter.start();
    counter.abandon(QStringLiteral("no model"));
    QVERIFY(!counter.is_running());
    QCOMPARE(counter.note(), QStringLiteral("no model"));
  }

  void view_follows_a_question_from_start_to_end() {
    TimingView view;
    view.resize(480, 800);
    using Clock = app::Timeline::Clock;
    view.question_started(QStringLiteral("Looking"), Clock::now() - std::chrono::seconds(5));
    // Counted from Enter on, not from the moment it was shown.
    QVERIFY2(view.findChild<TtftCounter*>()->elapsed_ms() >= 5000, "too short");
    auto* counter = view.findChild<TtftCounter*>();
    auto* chart = view.findChild<Waterfall*>();
    QVERIFY(counter->is_running());
    view.stages_changed({span_of(Stage::kRetrieve, 0, 10), span_of(Stage::kPrefill, 10, 0)});
    QCOMPARE(chart->bars()[0].total_ms, 10.0);
    view.first_token(171);
    QVERIFY(!counter->is_running());
    view.question_ended(question_of("q", 171, false));
    QCOMPARE(counter->number(), QStringLiteral("171 ms"));
    QVERIFY(counter->note().contains("1,000 of 1,000 document tokens came from caches"));
    QVERIFY(counter->note().contains("estimated"));  // its own prefill gave a rate
    QCOMPARE(chart->axis_ms(), 171.0);
    QVERIFY(view.csv().startsWith("Stage,Begins (ms),Takes (ms)"));
    QVERIFY(view.csv().contains("\r\nRetrieve,0.000,10.000,"));
  }
};

}  // namespace kvlink::ui

QTEST_MAIN(kvlink::ui::InspectTimingTest)
#include "inspect_timing_test.moc"
