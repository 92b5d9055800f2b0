// SPDX-License-Identifier: Apache-2.0
// Asking, stopping, measuring, citing and keeping, through the desk with tiny models.
#include <QAccessible>
#include <QDesktopServices>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <memory>

#include "app/desk/desk.h"
#include "tests/ui/desk_fixture.h"
#include "ui/ask/ask_panel.h"
#include "ui/ask/composer.h"
#include "ui/ask/conversation_list.h"
#include "ui/ask/conversation_view.h"
#include "ui/ask/source_panel.h"
#include "ui/ask/source_view.h"
#include "ui/ask/turn_widget.h"

namespace kvlink::ui {
namespace {

constexpr int kPatience = 20'000;

}  // namespace

class AskDeskTest : public QObject {
  Q_OBJECT

 private slots:
  void initTestCase() {
    library_.write("boat.md", app::tests::story("boat", 24));
    library_.write("harbour.md", app::tests::story("harbour", 24));
    auto session = library_.open();
    library_.add(*session);
  }

  void init() {
    max_answer_tokens_ = 12;
    start();
  }

  void cleanup() {
    panel_.reset();
    desk_.reset();
  }

  void asks_by_keyboard_alone_and_opens_a_citation() {
    // Offscreen there is no bridge that would hand on the event; the label is what it is about.
    QStringList announced;
    auto* announcer = panel_->findChild<QLabel*>(QStringLiteral("announcer"));
    connect(&desk_->answers(), &desk::AnswerWorker::text_appended, announcer,
            [&] { announced += announcer->accessibleName(); });
    QSignalSpy opened(panel_.get(), &AskPanel::passage_activated);
    ask_by_keys(QStringLiteral("boat part 2"));
    QVERIFY(announced.contains(QStringLiteral("The answer begins.")));
    QVERIFY(announcer->accessibleName() != announced.last());  // and how it ended
    TurnWidget* turn = last_turn();
    QVERIFY(!turn->answer().isEmpty());
    QVERIFY(!turn->passages().empty());
    QVERIFY(meta(*turn).contains(QLatin1String("TTFT")));
    QVERIFY(panel_->conversation() != 0);
    auto* row = turn->findChild<PassageRow*>();
    for (int i = 0; i < 40 && !row->hasFocus(); ++i) {
      QTest::keyClick(QApplication::focusWidget(), Qt::Key_Backtab);
    }
    QVERIFY(row->hasFocus());
    QTest::keyClick(row, Qt::Key_Return);
    QCOMPARE(opened.count(), 1);
  }

  void shows_the_passages_before_the_first_token() {
    bool passages_first = false;
    connect(&desk_->answers(), &desk::AnswerWorker::sources_ready, panel_.get(), [&] {
      passages_first = !last_turn()->passages().empty() && last_turn()->answer().isEmpty();
    });
    ask_by_keys(QStringLiteral("boat part 3"));
    QVERIFY(passages_first);
  }

  void stops_at_every_stage_data() {
    QTest::addColumn<QString>("stage");
    for (const char* stage : {"queue", "start", "sources", "prefill", "text"}) {
      QTest::newRow(stage) << QString::fromLatin1(stage);
    }
  }

  void stops_at_every_stage() {
    QFETCH(QString, stage);
    panel_.reset();
    desk_.reset();
    max_answer_tokens_ = 60'000;  // would write until its context is full
    start();
    if (QTest::currentTestFailed()) return;
    auto& answers = desk_->answers();
    std::unique_ptr<tests::HeldAnswer> held;
    const auto stop = [&] {
      QTest::keyClick(focus_box(), Qt::Key_Escape);
      held.reset();
    };
    const auto stop_at = [&](auto signal) {
      connect(&answers, signal, this, stop);
      held = std::make_unique<tests::HeldAnswer>(answers, signal);
    };
    using desk::AnswerWorker;
    if (stage == QLatin1String("queue")) {
      held = std::make_unique<tests::HeldAnswer>(answers, &AnswerWorker::started);
    }
    if (stage == QLatin1String("start")) stop_at(&AnswerWorker::started);
    if (stage == QLatin1String("sources")) stop_at(&AnswerWorker::sources_ready);
    if (stage == QLatin1String("prefill")) stop_at(&AnswerWorker::stages_changed);
    if (stage == QLatin1String("text")) stop_at(&AnswerWorker::text_appended);
    QSignalSpy finished(&answers, &desk::AnswerWorker::finished);
    type_and_send(QStringLiteral("boat part 4"));
    QVERIFY(panel_->is_answering());
    auto* send = panel_->findChild<QPushButton*>(QStringLiteral("send"));
    QCOMPARE(send->text(), QStringLiteral("Stop"));
    if (stage == QLatin1String("queue")) stop();
    QTRY_VERIFY_WITH_TIMEOUT(!panel_->is_answering(), kPatience);
    QCOMPARE(send->text(), QStringLiteral("Send"));
    QCOMPARE(finished.count(), 1);
    const auto summary = finished[0][0].value<desk::AnswerSummary>();
    QCOMPARE(summary.end, app::AnswerEnd::kStopped);
    disconnect(&answers, nullptr, this, nullptr);
    // And asks again as if nothing had been.
    desk::AskRequest again;
    again.id = desk::next_request_id();
    again.question = QStringLiteral("boat part 5");
    answers.ask(again);
    answers.stop(again.id);
    QTRY_COMPARE_WITH_TIMEOUT(finished.count(), 2, kPatience);
  }

  void measures_the_same_question_without_cache_beside_it() {
    ask_by_keys(QStringLiteral("boat part 2"));
    TurnWidget* turn = last_turn();
    const auto conversation = panel_->conversation();
    QSignalSpy finished(&desk_->answers(), &desk::AnswerWorker::finished);
    press(*turn, QStringLiteral("Answer without cache"));
    QTRY_VERIFY_WITH_TIMEOUT(!panel_->is_answering(), kPatience);
    QCOMPARE(finished.count(), 1);
    const auto cold = finished[0][0].value<desk::AnswerSummary>();
    QVERIFY(cold.without_cache);
    QCOMPARE(cold.reading.n_document_tokens_reused, 0);
    QCOMPARE(cold.mode, inference::LinkMode::kFull);
    auto* clocks = turn->findChild<ClockPair*>();
    QVERIFY(clocks->isVisible());
    QVERIFY(clocks->cold_ms().value_or(0) > 0);
    QVERIFY(clocks->verdict().contains(QLatin1String("measured")));
    QVERIFY(!clocks->verdict().contains(QLatin1String("different passages")));
    QCOMPARE(view()->turns().size(), std::size_t{1});
    QCOMPARE(panel_->conversation(), conversation);
  }

  void regenerates_and_edits() {
    ask_by_keys(QStringLiteral("boat part 2"));
    press(*last_turn(), QStringLiteral("Regenerate"));
    QCOMPARE(view()->turns().size(), std::size_t{2});
    QTRY_VERIFY_WITH_TIMEOUT(!panel_->is_answering(), kPatience);
    focus_box()->setPlainText({});
    QTest::keyClicks(focus_box(), QStringLiteral("a draft"));
    press(*last_turn(), QStringLiteral("Edit and ask again"));
    QCOMPARE(focus_box()->toPlainText(), QStringLiteral("boat part 2"));
    focus_box()->undo();
    QCOMPARE(focus_box()->toPlainText(), QStringLiteral("a draft"));
    focus_box()->redo();
  }

  void keeps_conversations_over_a_restart() {
    ask_by_keys(QStringLiteral("harbour part 6"));
    const QString answer = last_turn()->answer();
    const auto id = panel_->conversation();
    panel_.reset();
    desk_.reset();
    start();  // restores the latest by itself
    QTRY_COMPARE_WITH_TIMEOUT(panel_->conversation(), id, kPatience);
    QTRY_COMPARE(view()->turns().size(), std::size_t{1});
    QCOMPARE(last_turn()->answer(), answer);
    QVERIFY(!last_turn()->passages().empty());
    QVERIFY(meta(*last_turn()).contains(QLatin1String("TTFT")));
    QTest::keyClick(focus_box(), Qt::Key_Up);
    QCOMPARE(focus_box()->toPlainText(), QStringLiteral("harbour part 6"));
  }

  void finds_renames_exports_and_deletes_conversations_with_undo() {
    ask_by_keys(QStringLiteral("harbour part 7"));
    const auto id = panel_->conversation();
    panel_->show_conversations();
    auto* list = panel_->findChild<ConversationList*>();
    list->set_undo_ms(60'000);
    auto* rows = list->findChild<QListWidget*>();
    QTRY_VERIFY(list->chosen() == id);
    const auto n_before = rows->count();
    rows->editItem(rows->currentItem());
    const QPointer<QLineEdit> editor = rows->viewport()->findChild<QLineEdit*>();
    QVERIFY(editor != nullptr);
    QSignalSpy listed(&desk_->conversations(), &desk::ConversationWorker::changed);
    list->refresh();
    QTRY_VERIFY(listed.count() > 0);
    QTest::qWait(50);
    QVERIFY(editor != nullptr && editor->isVisible());  // rows wait for the name
    editor->setText(QStringLiteral("A new name"));
    QTest::keyClick(editor, Qt::Key_Return);
    QTRY_COMPARE(name_of(*rows, id), QStringLiteral("A new name"));
    list->set_current(id);
    list->delete_chosen();
    QCOMPARE(rows->count(), n_before - 1);
    QCOMPARE(panel_->conversation(), 0);
    list->undo_deletion();
    QTRY_COMPARE(rows->count(), n_before);
    check_export(*list, id);
    list->set_current(id);
    QVERIFY(list->chosen() == id);
    list->set_undo_ms(0);
    QSignalSpy changed(&desk_->conversations(), &desk::ConversationWorker::changed);
    list->delete_chosen();
    QTRY_VERIFY(changed.count() > 0);  // the undo time is over: it left the library
    QCOMPARE(name_of(*rows, id), QString());
    auto* search = list->findChild<QLineEdit*>();
    search->setText(QStringLiteral("no conversation says this"));
    QTRY_COMPARE(rows->count(), 0);
  }

  void opens_the_source_at_the_passage_and_says_when_the_file_changed() {
    SourcePanel source(*desk_);
    source.resize(400, 300);
    source.show();
    connect(panel_.get(), &AskPanel::passage_activated, &source, &SourcePanel::show_passage);
    ask_by_keys(QStringLiteral("boat part 9"));
    auto* row = last_turn()->findChild<PassageRow*>();
    row->click();
    auto* text = source.findChild<SourceView*>();
    QTRY_VERIFY_WITH_TIMEOUT(!text->marked_text().isEmpty(), kPatience);
    QCOMPARE(text->marked_line(), row->passage().line_begin);
    QVERIFY(text->marked_text().contains(row->passage().text.left(20)));
    auto* notice = source.findChild<InlineMessage*>();
    QVERIFY(notice->isHidden());
    QSignalSpy asked(&source, &SourcePanel::ask_about);
    text->selectAll();
    press(source, QStringLiteral("Ask about the selection"));
    QCOMPARE(asked.count(), 1);
    QDesktopServices::setUrlHandler(QStringLiteral("file"), this, "take_url");
    press(source, QStringLiteral("Open"));
    QDesktopServices::unsetUrlHandler(QStringLiteral("file"));
    QCOMPARE(opened_.size(), 1);
    QCOMPARE(opened_[0].toLocalFile(), row->passage().path);
    app::tests::write_file(library_.document("boat.md"), "changed\n");
    row->click();
    QTRY_VERIFY_WITH_TIMEOUT(notice->isVisible(), kPatience);
    QVERIFY(notice->text().contains(QLatin1String("changed")));
    app::tests::write_file(library_.document("boat.md"), app::tests::story("boat", 24));
  }

  void names_everything_that_can_have_the_focus() {
    ask_by_keys(QStringLiteral("boat part 2"));
    for (auto* widget : panel_->findChildren<QWidget*>()) {
      if (widget->focusPolicy() == Qt::NoFocus || !widget->isVisible()) continue;
      auto* access = QAccessible::queryAccessibleInterface(widget);
      QVERIFY(access != nullptr);
      QVERIFY2(!access->text(QAccessible::Name).isEmpty(), widget->metaObject()->className());
    }
  }

 public slots:
  void take_url(const QUrl& address) { opened_ += address; }

 private:
  void start() {
    desk::DeskOptions options;
    options.paths = library_.paths();
    options.adjust = [this](app::Settings& settings) {
      settings.threads = 1;
      settings.system_prompt = "Answer.";
      settings.chunk_target_tokens = 80;
      settings.chunk_max_tokens = 120;
      settings.max_answer_tokens = max_answer_tokens_;
    };
    desk_ = std::make_unique<desk::Desk>(options);
    panel_ = std::make_unique<AskPanel>(*desk_);
    panel_->resize(700, 600);
    panel_->show();
    panel_->activateWindow();
    desk_->open();
    QTRY_COMPARE_WITH_TIMEOUT(desk_->state(), desk::DeskState::kReady, kPatience);
  }

  QuestionBox* focus_box() {
    panel_->focus_question();
    return panel_->findChild<QuestionBox*>();
  }

  void type_and_send(const QString& question) {
    panel_->new_conversation();
    QTest::keyClicks(focus_box(), question);
    QTest::keyClick(focus_box(), Qt::Key_Return);
  }

  void ask_by_keys(const QString& question) {
    type_and_send(question);
    QVERIFY(panel_->is_answering());
    QTRY_VERIFY_WITH_TIMEOUT(!panel_->is_answering(), kPatience);
  }

  ConversationView* view() { return panel_->findChild<ConversationView*>(); }
  TurnWidget* last_turn() { return view()->turns().back(); }

  static QString meta(const TurnWidget& turn) {
    return turn.findChild<QLabel*>(QStringLiteral("meta"))->text();
  }

  static QString name_of(const QListWidget& rows, desk::ConversationId id) {
    for (int i = 0; i < rows.count(); ++i) {
      if (rows.item(i)->data(Qt::UserRole).toLongLong() == id) return rows.item(i)->text();
    }
    return {};
  }

  static void press(const QWidget& widget, const QString& text) {
    for (auto* button : widget.findChildren<QPushButton*>()) {
      if (button->text() == text) {
        button->click();
        return;
      }
    }
    QFAIL(qPrintable(QStringLiteral("no button ") + text));
  }

  void check_export(ConversationList& list, desk::ConversationId id) {
    QTemporaryDir folder;
    using Format = desk::ConversationWorker::ExportFormat;
    for (const auto& [format, name] : {std::pair{Format::kMarkdown, QStringLiteral("c.md")},
                                       std::pair{Format::kJson, QStringLiteral("c.json")}}) {
      const QString path = folder.filePath(name);
      list.export_to(id, format, path);
      QTRY_VERIFY(QFile::exists(path));
      QFile file(path);
      QVERIFY(file.open(QIODevice::ReadOnly));
      QVERIFY(file.readAll().contains("harbour part 7"));
    }
  }

  app::tests::TinyLibrary library_;
  std::unique_ptr<desk::Desk> desk_;
  std::unique_ptr<AskPanel> panel_;
  std::int32_t max_answer_tokens_ = 12;
  QList<QUrl> opened_;
};

}  // namespace kvlink::ui

QTEST_MAIN(kvlink::ui::AskDeskTest)
#include "ask_desk_test.moc"
