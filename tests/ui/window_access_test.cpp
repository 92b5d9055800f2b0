// SPDX-License-Identifier: Apache-2.0
// The whole window for who does not use a mouse or does not see it: names, announcements, and keys
// that scroll.
#include <QAccessible>
#include <QListWidget>
#include <QPlainTextEdit>
#include <QScrollBar>
#include <QTabWidget>

#include "tests/ui/window_fixture.h"
#include "ui/ask/answer_view.h"
#include "ui/ask/conversation_view.h"
#include "ui/ask/turn_widget.h"
#include "ui/inspect/settings_panel.h"

namespace kvlink::ui::tests {
class WindowAccessTest : public QObject {
  Q_OBJECT

 private slots:
  void init() {
    window_ = std::make_unique<WindowFixture>();
    QVERIFY(window_->open());
  }
  void cleanup() { window_.reset(); }

  void names_everything_that_can_have_the_focus() {
    QVERIFY(window_->add({"otter.md", "seal.md"}));
    ask("What has the otter?");
    for_every_page([&](const QString& page) {
      for (auto* widget : window_->window().findChildren<QWidget*>()) {
        const bool takes_focus = widget->focusPolicy() != Qt::NoFocus && widget->isVisible() &&
                                 widget->focusProxy() == nullptr;
        if (!takes_focus) continue;
        auto* face = QAccessible::queryAccessibleInterface(widget);
        const QString name = face == nullptr ? QString() : face->text(QAccessible::Name);
        QVERIFY2(!name.isEmpty(),
                 qPrintable(page + ": " + QLatin1String(widget->metaObject()->className()) + " " +
                            widget->objectName() + " in " +
                            QLatin1String(widget->parentWidget()->metaObject()->className())));
      }
    });
  }

  void banners_are_announced_once() {
    auto& banners = window_->window().banners();
    QStringList announced;
    connect(&banners, &BannerStack::announced, this,
            [&](const QString& text) { announced += text; });
    banners.show_banner("model", "The model file is gone.", Tone::kWarning);
    QCOMPARE(announced, QStringList{"The model file is gone."});
    // What goes on counting under the same key is not read out again; what goes wrong is.
    banners.show_banner("reading", "1 of 3 passages were read.", Tone::kPlain);
    banners.show_banner("reading", "2 of 3 passages were read.", Tone::kPlain);
    QCOMPARE(announced.size(), 2);
    banners.show_banner("reading", "The embedder is gone.", Tone::kProblem);
    QCOMPARE(announced.back(), QString("The embedder is gone."));
  }

  void the_least_serious_banner_makes_room() {
    auto& banners = window_->window().banners();
    banners.show_banner("a", "The folder is gone.", Tone::kProblem);
    banners.show_banner("b", "There is no model.", Tone::kWarning);
    banners.show_banner("c", "Something was moved.", Tone::kPlain);
    banners.show_banner("d", "Something was removed.", Tone::kPlain);
    QCOMPARE(banners.texts(),
             (QStringList{"Something was removed.", "There is no model.", "The folder is gone."}));
    // The newest is seen even where the others are more serious: it may hold the way back.
    banners.show_banner("b", "There is no disk.", Tone::kProblem);
    banners.show_banner("e", "Something else was removed.", Tone::kPlain);
    QCOMPARE(banners.texts().front(), QString("Something else was removed."));
    QVERIFY(banners.texts().contains("The folder is gone."));
  }

  void page_keys_scroll_the_conversation_from_the_field_and_from_an_answer() {
    QVERIFY(window_->add({"otter.md"}));
    window_->window().resize(900, 420);
    for (int i = 0; i < 4; ++i) ask("What has the otter?");
    auto* view = window_->window().findChild<ConversationView*>();
    auto* bar = view->verticalScrollBar();
    QTRY_VERIFY(bar->maximum() > 0 && bar->value() == bar->maximum());
    QTest::keyClick(question(), Qt::Key_PageUp);
    QVERIFY(bar->value() < bar->maximum());
    QTest::keyClick(question(), Qt::Key_PageDown);
    QCOMPARE(bar->value(), bar->maximum());
    auto* answer = view->turns().back()->findChild<AnswerView*>();
    answer->setVisible(true);  // the tiny model may say nothing
    QTest::keyClick(answer, Qt::Key_PageUp);
    QVERIFY(bar->value() < bar->maximum());
  }

  void more_than_one_key_opens_the_sheet_and_enlarges() {
    auto* larger = window_->window().findChild<QAction*>("larger");
    QVERIFY(larger->shortcuts().contains(QKeySequence(Qt::CTRL | Qt::Key_Equal)));
    auto* sheet = window_->window().findChild<QAction*>("shortcuts");
    QVERIFY(sheet->shortcuts().contains(QKeySequence(Qt::Key_F1)));
    QVERIFY(sheet->shortcuts().contains(QKeySequence(Qt::CTRL | Qt::Key_Question)));
  }

 private:
  /// The conversation beside each tab, the list of conversations, settings, guide.
  void for_every_page(const std::function<void(const QString&)>& look) {
    const auto trigger = [&](const char* name) {
      window_->window().findChild<QAction*>(QLatin1String(name))->trigger();
      QTest::qWait(50);
    };
    for (const char* name : {"showSource", "showCache", "showTiming", "conversations", "guide"}) {
      trigger(name);
      look(QLatin1String(name));
      if (QTest::currentTestFailed()) return;
    }
    trigger("settings");
    auto* pages = window_->window().findChild<SettingsPanel*>()->findChild<QListWidget*>();
    for (int row = 0; row < pages->count(); ++row) {
      pages->setCurrentRow(row);
      QTest::qWait(50);
      look("settings: " + pages->item(row)->text());
      if (QTest::currentTestFailed()) return;
    }
    trigger("focusQuestion");
  }

  QPlainTextEdit* question() { return window_->window().ask().findChild<QPlainTextEdit*>(); }

  void ask(const char* words) {
    Inbox finished(&window_->desk().answers(), &desk::AnswerWorker::finished);
    question()->setFocus();
    question()->setPlainText(QLatin1String(words));
    QTest::keyClick(question(), Qt::Key_Return);
    QVERIFY(finished.wait());
    QTRY_VERIFY(!window_->window().ask().is_answering());
  }

  std::unique_ptr<WindowFixture> window_;
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::WindowAccessTest)
#include "window_access_test.moc"
