// SPDX-License-Identifier: Apache-2.0
// One turn: what is shown before, at and after the first token; the field and the pickers.
#include <QClipboard>
#include <QFrame>
#include <QSignalSpy>
#include <QStandardItemModel>
#include <QTest>

#include "ui/ask/answer_words.h"
#include "ui/ask/composer.h"
#include "ui/ask/source_view.h"
#include "ui/ask/stage_words.h"
#include "ui/ask/turn_widget.h"

namespace kvlink::ui {
namespace {

using app::Stage;
using std::chrono::milliseconds;

desk::PassageView passage(std::int64_t number, desk::DocumentId document) {
  desk::PassageView view;
  view.number = number;
  view.chunk = 100 + number;
  view.document = document;
  view.path = QStringLiteral("/docs/guide-%1.md").arg(document);
  view.heading = QStringLiteral("Notice");
  view.text = QStringLiteral("Notice must be given in writing, three months ahead.");
  view.line_begin = 12;
  view.line_end = 18;
  return view;
}

app::Timeline::Span span(Stage stage, int begin_ms, int end_ms) {
  app::Timeline::Span made;
  made.stage = stage;
  made.begin = milliseconds(begin_ms);
  made.end = milliseconds(end_ms);
  return made;
}

desk::AskRequest request() {
  desk::AskRequest made;
  made.id = 7;
  made.question = QStringLiteral("What does clause 4 say?");
  return made;
}

desk::AnswerSummary summary() {
  desk::AnswerSummary made;
  made.id = 7;
  made.question = request().question;
  made.text = QStringLiteral("In writing [1], three months ahead [2].");
  made.passages = {passage(1, 1), passage(2, 2), passage(3, 2)};
  made.reading.n_document_tokens = 960;
  made.reading.n_document_tokens_reused = 960;
  made.reading.n_prefilled_tokens = 40;
  made.n_tokens = 42;
  made.timeline.record(Stage::kRetrieve, milliseconds(0), milliseconds(38));
  made.timeline.record(Stage::kDecode, milliseconds(190), milliseconds(1000));
  made.timeline.mark_first_token();
  return made;
}

QPushButton* button(const QWidget& widget, const QString& text) {
  for (auto* one : widget.findChildren<QPushButton*>()) {
    if (one->text() == text) return one;
  }
  return nullptr;
}

}  // namespace

class AskTurnTest : public QObject {
  Q_OBJECT

 private slots:
  void initTestCase() { QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates)); }

  void says_the_numbers_of_an_answer() {
    const QString words = meta_words(summary());
    // The plural forms are in the translation, which tests do not load.
    QCOMPARE(words, QStringLiteral("TTFT 0.00 s \u00b7 41 tok/s \u00b7 3 passage(s) from 2 "
                                   "document(s) \u00b7 96 % of context from cache"));
  }

  void says_why_passages_were_computed_anew() {
    auto answered = summary();
    answered.reading.misses = {{1, cache::MissReason::kEvicted, {}},
                               {2, cache::MissReason::kChecksum, {}},
                               {3, cache::MissReason::kEvicted, {}}};
    QVERIFY2(meta_words(answered).endsWith(
                 QStringLiteral("\nComputed anew: 2 \u00d7 evicted, 1 \u00d7 damaged on disk.")),
             qPrintable(meta_words(answered)));
  }

  void compares_only_what_was_measured_and_says_what_differs() {
    Comparison comparison{190, 4600, true, true};
    QVERIFY(comparison_words(comparison).contains(QLatin1String("24 times sooner")));
    QVERIFY(comparison_words(comparison).contains(QLatin1String("both measured")));
    comparison.same_passages = false;
    QVERIFY(comparison_words(comparison).contains(QLatin1String("different passages")));
    comparison = {190, 180, true, true};
    QVERIFY(comparison_words(comparison).contains(QLatin1String("no difference")));
  }

  void names_the_stage_that_runs_with_its_live_time() {
    WaitingFacts facts;
    facts.started = true;
    facts.sources_known = true;
    facts.elapsed_ms = 300;
    facts.spans = {span(Stage::kRetrieve, 0, 38), span(Stage::kLoad, 40, 101),
                   span(Stage::kPrefill, 110, 0)};
    facts.spans[1].bytes = 4'200'000;
    facts.spans[2].tokens = 212;
    const auto steps = steps_of(facts);
    QCOMPARE(steps[0].words, QStringLiteral("retrieve 38 ms"));
    QCOMPARE(steps[1].words, QStringLiteral("load 61 ms, 4.2 MB"));
    QCOMPARE(steps[2].words, QStringLiteral("prefill 190 ms, 212 tokens"));
    QVERIFY(steps[0].state == StepState::kDone && steps[2].state == StepState::kRunning);
    QVERIFY(steps[3].state == StepState::kPending);
  }

  void says_in_plain_words_why_it_takes_long() {
    WaitingFacts facts;
    QVERIFY(waiting_reason(facts).contains(QLatin1String("its turn")));
    facts.started = true;
    QVERIFY(waiting_reason(facts).contains(QLatin1String("Searching")));
    facts.sources_known = true;
    facts.passages = {passage(1, 1)};
    desk::BlockEvent missed;
    missed.chunk = 101;
    missed.outcome = desk::BlockEvent::Outcome::kMissed;
    missed.n_tokens = 3'900;
    facts.blocks = {missed, missed};  // looked up, then encoded: counted once
    QCOMPARE(waiting_reason(facts),
             QStringLiteral("guide-1.md has no cache yet: reading 3,900 tokens."));
    facts.spans = {span(Stage::kWait, 10, 0)};
    QVERIFY(waiting_reason(facts).contains(QLatin1String("indexing")));
  }

  void shows_the_reason_only_after_three_seconds() {
    desk::AskRequest asked = request();
    asked.sent = app::Timeline::Clock::now() - milliseconds(2'000);
    TurnWidget turn(asked, nullptr);
    turn.show();
    const auto is_told = [&turn] {
      for (auto* label : turn.findChildren<QLabel*>()) {
        if (label->isVisible() && label->text().contains(QLatin1String("its turn"))) return true;
      }
      return false;
    };
    QTest::qWait(200);
    QVERIFY(!is_told());
    QTRY_VERIFY(is_told());
  }

  void shows_passages_before_the_first_token_and_freezes_the_clock_at_it() {
    TurnWidget turn(request(), nullptr);
    turn.resize(500, 400);
    turn.show();
    auto* stages = turn.findChild<StageLine*>();
    QVERIFY(stages->is_running());
    turn.set_passages(summary().passages);
    QCOMPARE(turn.findChildren<PassageRow*>().size(), 3);
    QVERIFY(turn.answer().isEmpty());
    turn.append_text({7, QStringLiteral("In"), true, 190});
    QVERIFY(!stages->is_running());
    QCOMPARE(stages->clock_text(), QStringLiteral("0.19 s"));
    QTest::qWait(120);
    QCOMPARE(stages->clock_text(), QStringLiteral("0.19 s"));
  }

  void redraws_the_stages_in_the_colours_of_another_theme() {
    TurnWidget turn(request(), nullptr);
    turn.show();
    turn.finish(summary());
    QPalette colours = turn.palette();
    colours.setColor(QPalette::Text, QColor(0x12, 0x34, 0x56));
    turn.setPalette(colours);
    const auto* steps = turn.findChild<StageLine*>()->findChild<QLabel*>();
    QVERIFY(steps->text().contains(QLatin1String("#123456")));
  }

  void opens_the_passage_of_a_citation_by_mouse_and_by_key() {
    TurnWidget turn(request(), nullptr);
    turn.resize(500, 400);
    turn.show();
    turn.finish(summary());
    QSignalSpy opened(&turn, &TurnWidget::passage_activated);
    auto* view = turn.findChild<AnswerView*>();
    view->setFocus();
    QTest::keyClick(view, Qt::Key_Tab);  // the first citation
    QTest::keyClick(view, Qt::Key_Return);
    QCOMPARE(opened.count(), 1);
    QCOMPARE(opened[0][0].value<desk::PassageView>().chunk, 101);
    emit view->anchorClicked(QUrl(QStringLiteral("cite:2")));
    QCOMPARE(opened[1][0].value<desk::PassageView>().chunk, 102);
    auto* row = turn.findChild<PassageRow*>(QStringLiteral("passage-3"));
    QTest::keyClick(row, Qt::Key_Return);
    QCOMPARE(opened[2][0].value<desk::PassageView>().chunk, 103);
    emit view->anchorClicked(QUrl(QStringLiteral("cite:99")));
    QCOMPARE(opened.count(), 3);
  }

  void copies_the_answer_with_its_numbered_sources() {
    TurnWidget turn(request(), nullptr);
    turn.finish(summary());
    button(turn, QStringLiteral("Copy"))->click();
    QCOMPARE(QGuiApplication::clipboard()->text(),
             QStringLiteral("In writing [1], three months ahead [2].\n\nSources\n"
                            "[1] guide-1.md \u203a Notice \u00b7 lines 12\u201318\n"
                            "[2] guide-2.md \u203a Notice \u00b7 lines 12\u201318\n"
                            "[3] guide-2.md \u203a Notice \u00b7 lines 12\u201318\n"));
  }

  void puts_both_measured_clocks_side_by_side() {
    TurnWidget turn(request(), nullptr);
    turn.show();
    turn.finish(summary());
    auto* clocks = turn.findChild<ClockPair*>();
    QVERIFY(clocks->isHidden());
    turn.begin_cold(app::Timeline::Clock::now());
    QVERIFY(clocks->isVisible());
    QVERIFY(!clocks->cold_ms());  // running is not measured
    turn.set_cold_first_token(4'600);
    QCOMPARE(clocks->cold_ms().value_or(0), 4'600.0);
    desk::AnswerSummary cold = summary();
    cold.passages.pop_back();
    turn.finish_cold(cold);
    QVERIFY(clocks->verdict().contains(QLatin1String("different passages")));
  }

  void says_that_nothing_was_found_and_what_comes_nearest() {
    TurnWidget turn(request(), nullptr);
    turn.show();
    desk::AnswerSummary nothing;
    nothing.id = 7;
    nothing.end = app::AnswerEnd::kNothingFound;
    nothing.nearest = {passage(1, 1), passage(2, 1)};
    turn.finish(nothing);
    const auto messages = turn.findChildren<InlineMessage*>();
    QVERIFY(messages[0]->text().startsWith(QLatin1String("Not found in the selected documents")));
    QVERIFY(messages[0]->text().contains(QLatin1String("nearest")));
    const auto rows = turn.findChildren<PassageRow*>();
    QCOMPARE(rows.size(), 2);
    QVERIFY(rows[0]->detail() == PassageDetail::kNearest);
    QVERIFY(rows[0]->accessibleName().contains(QLatin1String("not used")));
    QSignalSpy wanted(&turn, &TurnWidget::ask_nearest);
    turn.findChild<QPushButton*>("answerFromNearest")->click();
    QCOMPARE(wanted.count(), 1);
    turn.set_actions_enabled(false);
    QVERIFY(!turn.findChild<QPushButton*>("answerFromNearest")->isEnabled());
  }

  void offers_no_answer_where_nothing_is_near() {
    TurnWidget turn(request(), nullptr);
    turn.show();
    desk::AnswerSummary nothing;
    nothing.id = 7;
    nothing.end = app::AnswerEnd::kNothingFound;
    turn.finish(nothing);
    QVERIFY(turn.findChild<QPushButton*>("answerFromNearest") == nullptr);
    QVERIFY(turn.findChildren<InlineMessage*>()[0]->text().contains(QLatin1String("other words")));
  }

  void says_what_was_read_ahead_and_used() {
    ReadAheadLedger ledger;
    desk::PrefetchReport report;
    report.read = {{1, 4'000'000, 12.0}, {2, 1'000'000, 4.0}, {9, 9'000'000, 50.0}};
    ledger.note(report);
    desk::BlockEvent first;
    first.chunk = 1;
    first.outcome = desk::BlockEvent::Outcome::kFromMemory;
    desk::BlockEvent again = first;
    again.chunk = 2;
    again.outcome = desk::BlockEvent::Outcome::kFromDisk;  // was dropped meanwhile
    desk::BlockEvent other = first;
    other.chunk = 3;  // was in memory before
    ledger.note({first, again, other});
    // Two blocks came from memory, in 3 ms together; what files took is not of them.
    desk::AnswerSummary summary;
    summary.reading.n_blocks_from_memory = 2;
    summary.timeline.record(app::Stage::kLoad, {}, std::chrono::milliseconds(8));
    summary.timeline.record(app::Stage::kRead, {}, std::chrono::milliseconds(5));
    const ReadAhead ahead = ledger.close(summary);
    QCOMPARE(ahead.loading_ms, 1.5);
    QCOMPARE(ahead.saved_ms(), 10.5);
    QCOMPARE(ahead.n_blocks, std::int64_t{1});
    QCOMPARE(ahead.bytes, std::int64_t{4'000'000});
    QCOMPARE(ahead.milliseconds, 12.0);
    const QString words = read_ahead_words(ahead);
    for (const char* figure : {"12.0 ms", "1.5 ms", "10.5 ms", "read ahead"}) {
      QVERIFY2(words.contains(QLatin1String(figure)), qPrintable(words));
    }
    // Nothing is left for the next question, and nothing is said where nothing was measured.
    ledger.note({first});
    QCOMPARE(ledger.close(desk::AnswerSummary()).n_blocks, std::int64_t{0});
    QCOMPARE(read_ahead_words({}), QString());
  }

  void sends_with_enter_and_begins_a_line_with_shift_enter() {
    Composer composer;
    composer.show();
    QSignalSpy sent(&composer, &Composer::send_requested);
    auto& box = composer.box();
    QTest::keyClicks(&box, QStringLiteral("one"));
    QTest::keyClick(&box, Qt::Key_Return, Qt::ShiftModifier);
    QTest::keyClicks(&box, QStringLiteral("two"));
    const int height = box.height();
    QCOMPARE(sent.count(), 0);
    QTest::keyClick(&box, Qt::Key_Return);
    QCOMPARE(sent.count(), 1);
    QCOMPARE(sent[0][0].toString(), QStringLiteral("one\ntwo"));
    box.clear();
    QTRY_VERIFY(box.height() < height);
    QTest::keyClick(&box, Qt::Key_Return);
    QCOMPARE(sent.count(), 1);  // nothing to ask
  }

  void brings_back_earlier_questions_with_up() {
    QuestionBox box;
    box.remember(QStringLiteral("first"));
    box.remember(QStringLiteral("second"));
    QTest::keyClick(&box, Qt::Key_Up);
    QCOMPARE(box.toPlainText(), QStringLiteral("second"));
    QTest::keyClick(&box, Qt::Key_Up);
    QCOMPARE(box.toPlainText(), QStringLiteral("first"));
    QTest::keyClick(&box, Qt::Key_Down);
    QTest::keyClick(&box, Qt::Key_Down);
    QCOMPARE(box.toPlainText(), QString());
    QTest::keyClicks(&box, QStringLiteral("own words"));
    QTest::keyClick(&box, Qt::Key_Up);
    QCOMPARE(box.toPlainText(), QStringLiteral("own words"));
  }

  void turns_send_into_stop_in_the_same_place() {
    Composer composer;
    composer.resize(500, 160);
    composer.show();
    composer.box().set_question(QStringLiteral("q"));
    auto* send = composer.findChild<QPushButton*>(QStringLiteral("send"));
    QSignalSpy stopped(&composer, &Composer::stop_requested);
    const QPoint corner = send->geometry().bottomRight();
    composer.set_answering(true);
    QCOMPARE(send->text(), QStringLiteral("Stop"));
    QCOMPARE(send->geometry().bottomRight(), corner);
    QTest::mouseClick(send, Qt::LeftButton);
    QTest::keyClick(&composer.box(), Qt::Key_Escape);
    QCOMPARE(stopped.count(), 2);
  }

  void warns_of_reposition_without_an_adapter_and_refuses_link() {
    Composer composer;
    composer.show();
    auto* warning = composer.findChild<QLabel*>(QStringLiteral("mode-warning"));
    QVERIFY(warning->text().contains(QLatin1String("Lower quality")));
    auto& modes = composer.modes();
    auto* items = qobject_cast<QStandardItemModel*>(modes.model());
    QVERIFY(!items->item(0)->isEnabled());  // link
    modes.set_mode(inference::LinkMode::kFull);
    QVERIFY(warning->text().isEmpty());
    modes.set_mode(inference::LinkMode::kReposition);
    modes.set_adapter(Adapter::kTrained);
    QVERIFY(items->item(0)->isEnabled());
    QVERIFY(modes.warning().isEmpty());
    for (int i = 0; i < modes.count(); ++i) {
      QVERIFY(!modes.itemData(i, Qt::ToolTipRole).toString().isEmpty());
    }
  }

  void offers_the_whole_document_for_exactly_one() {
    Composer composer;
    composer.show();
    auto* whole = composer.findChild<QCheckBox*>(QStringLiteral("whole-document"));
    composer.set_scope({4, 5}, QStringLiteral("2 of 12 documents"));
    QVERIFY(whole->isHidden());
    composer.set_scope({4}, QStringLiteral("1 of 12 documents"));
    QVERIFY(whole->isVisible());
    QCOMPARE(composer.whole(), 0);
    whole->click();
    QCOMPARE(composer.whole(), 4);
    composer.set_scope({}, {});
    QCOMPARE(composer.whole(), 0);
    composer.set_whole(9, QStringLiteral("a & b.md"));
    QCOMPARE(composer.whole(), 9);
    QVERIFY(whole->text().contains(QLatin1String("a && b.md")));
    // It gives way to another choice.
    composer.set_scope({4}, QStringLiteral("1 of 12 documents"));
    QCOMPARE(composer.whole(), 4);
    QVERIFY(!whole->text().contains(QLatin1String("b.md")));
    composer.set_whole(9, QStringLiteral("b.md"));
    composer.set_scope({4}, QStringLiteral("1 of 12 documents"));  // the same: not chosen again
    QCOMPARE(composer.whole(), 9);
    whole->click();
    whole->click();
    QCOMPARE(composer.whole(), 4);
  }

  void marks_the_passage_and_counts_the_documents_lines() {
    desk::DocumentText text;
    text.document = 1;
    text.media_type = QStringLiteral("text/markdown");
    for (int i = 1; i <= 400; ++i) text.text += QStringLiteral("# line %1\n").arg(i);
    SourceView view;
    view.resize(300, 300);
    view.show();
    view.set_document_text(text);
    const qsizetype begin = text.text.indexOf(QLatin1String("# line 300"));
    view.show_range(begin, begin + 21);
    QCOMPARE(view.marked_line(), 300);
    QCOMPARE(view.marked_text(), QStringLiteral("# line 300\n# line 301"));
    QVERIFY(view.viewport()->rect().intersects(view.cursorRect()));
    view.show_range(1'000'000, 2'000'000);  // a passage of a text that became shorter
    QCOMPARE(view.marked_text(), QString());
  }

  void shows_a_part_of_a_huge_document_with_its_own_line_numbers() {
    desk::DocumentText text;
    text.document = 1;
    text.text = QStringLiteral("0123456789abcdef0123456789abcde\n").repeated(200'000);
    const qsizetype begin = qsizetype{32} * 150'000;
    SourceView view;
    view.set_document_text(text);
    view.show_range(begin, begin + 31);
    QVERIFY(view.is_part());
    QVERIFY(view.document()->characterCount() <= SourceView::kMaxCharacters * 5 / 4);
    QCOMPARE(view.marked_line(), 150'001);
    QCOMPARE(view.marked_text(), QStringLiteral("0123456789abcdef0123456789abcde"));
  }
};

}  // namespace kvlink::ui

QTEST_MAIN(kvlink::ui::AskTurnTest)
#include "ask_turn_test.moc"
