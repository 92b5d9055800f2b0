// SPDX-License-Identifier: Apache-2.0
// Esc in the real window: the topmost layer first, then the answer, then the field with the focus.
#include <QLineEdit>
#include <QListWidget>
#include <QPlainTextEdit>

#include "tests/ui/window_fixture.h"
#include "ui/shell/command_palette.h"
#include "ui/shell/shortcuts_sheet.h"

namespace kvlink::ui::tests {

class EscapeRuleTest : public QObject {
  Q_OBJECT

 private slots:
  void init() {
    window_ = std::make_unique<WindowFixture>();
    QVERIFY(window_->open([](app::Settings& settings) { settings.max_answer_tokens = 1500; }));
    QVERIFY(window_->add({"otter.md", "seal.md"}));
  }
  void cleanup() {
    held_.reset();
    window_.reset();
  }

  void stops_the_answer_when_nothing_lies_above() {
    begin_answer();
    press();
    QVERIFY(answer_ends());
  }

  void closes_the_palette_and_lets_the_answer_go_on() {
    begin_answer();
    trigger("palette");
    auto* palette = window_->window().findChild<CommandPalette*>();
    QVERIFY(palette->isVisible());
    press();
    QVERIFY(!palette->isVisible());
    QVERIFY(ask().is_answering());
    press();
    QVERIFY(answer_ends());
  }

  void closes_layers_from_the_top_down() {
    begin_answer();
    trigger("conversations");
    trigger("settings");
    trigger("shortcuts");
    auto& window = window_->window();
    auto* sheet = window.findChild<ShortcutsSheet*>();
    QVERIFY(sheet->isVisible() && window.shows_settings() && ask().shows_conversations());
    press();
    QVERIFY(!sheet->isVisible() && window.shows_settings());
    press();
    QVERIFY(!window.shows_settings());
    QVERIFY(!ask().shows_conversations());  // closing the page goes back to the question
    QVERIFY(ask().is_answering());
  }

  void closes_the_guide() {
    trigger("guide");
    QVERIFY(window_->window().shows_guide());
    press();
    QVERIFY(!window_->window().shows_guide());
  }

  void is_the_fields_own_when_nothing_runs() {
    auto& search = window_->library().search();
    search.setFocus();
    search.setText("otter");
    QTest::keyClick(&search, Qt::Key_Escape);
    QCOMPARE(search.text(), QString());
  }

  void stops_the_answer_before_it_clears_a_field() {
    begin_answer();
    auto& search = window_->library().search();
    search.setFocus();
    search.setText("otter");
    QTest::keyClick(&search, Qt::Key_Escape);
    QCOMPARE(search.text(), QStringLiteral("otter"));
    QVERIFY(answer_ends());
    QTest::keyClick(&search, Qt::Key_Escape);
    QCOMPARE(search.text(), QString());
  }

  void takes_a_new_name_back_and_stops_nothing() {
    begin_answer();
    press();
    QVERIFY(answer_ends());
    trigger("conversations");
    auto* list = ask().findChild<QListWidget*>();
    QTRY_VERIFY_WITH_TIMEOUT(list->count() == 1, kPatienceMs);
    list->setCurrentRow(0);
    list->editItem(list->item(0));
    auto* editor = list->findChild<QLineEdit*>();
    QVERIFY(editor != nullptr);
    editor->setText("another name");
    QTest::keyClick(editor, Qt::Key_Escape);
    QVERIFY(ask().shows_conversations());
    QTRY_VERIFY(list->findChild<QLineEdit*>() == nullptr);
    QVERIFY(list->item(0)->text() != QStringLiteral("another name"));
  }

 private:
  AskPanel& ask() { return window_->window().ask(); }

  void trigger(const char* action) {
    window_->window().findChild<QAction*>(QLatin1String(action))->trigger();
  }

  void press() {
    QWidget* focused = QApplication::focusWidget();
    QTest::keyClick(focused == nullptr ? &window_->window() : focused, Qt::Key_Escape);
  }

  /// It runs until answer_ends.
  void begin_answer() {
    auto& answers = window_->desk().answers();
    Inbox text(&answers, &desk::AnswerWorker::text_appended);
    held_ = std::make_unique<HeldAnswer>(answers, &desk::AnswerWorker::text_appended);
    auto* question = ask().findChild<QPlainTextEdit*>();
    question->setFocus();
    QTest::keyClicks(question, "otter?");
    QTest::keyClick(question, Qt::Key_Return);
    QVERIFY(ask().is_answering());
    QVERIFY(text.wait());
  }

  bool answer_ends() {
    held_.reset();
    return QTest::qWaitFor([this] { return !ask().is_answering(); }, kPatienceMs);
  }

  std::unique_ptr<WindowFixture> window_;
  std::unique_ptr<HeldAnswer> held_;
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::EscapeRuleTest)
#include "escape_rule_test.moc"
