// SPDX-License-Identifier: Apache-2.0
// Every label and button of the whole window has the room its text needs, on every page: with texts
// 40 % longer, in German, with larger letters, and in a narrow window.
#include <QAction>
#include <QListWidget>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QTranslator>
#include <QTreeView>

#include "tests/ui/clipping.h"
#include "tests/ui/window_fixture.h"
#include "ui/ask/conversation_view.h"
#include "ui/ask/turn_widget.h"
#include "ui/inspect/cache_view.h"
#include "ui/inspect/settings_panel.h"
#include "ui/shell/about_box.h"
#include "ui/shell/shortcuts_sheet.h"
#include "ui/theme/appearance.h"
#include "ui/theme/translation.h"

namespace kvlink::ui::tests {

class WindowTextTest : public QObject {
  Q_OBJECT

 private slots:
  void initTestCase() {
    use_test_font();
    // The first keeps the size the platform chose; it must outlive the windows.
    look_ = std::make_unique<Appearance>(*qApp, QString());
    german_there_ = german_.load(QStringLiteral("kvlink_de"), qEnvironmentVariable("KVLINK_I18N"));
  }
  void cleanup() {
    window_.reset();
    for (QTranslator* one : {static_cast<QTranslator*>(&longer_), &german_}) {
      QCoreApplication::removeTranslator(one);
    }
    look_->set_font_percent(100);
  }
  void cleanupTestCase() { look_.reset(); }

  void nothing_is_clipped_data() {
    QTest::addColumn<QString>("language");
    QTest::addColumn<int>("percent");
    QTest::addColumn<int>("width");
    QTest::newRow("English") << QString() << 100 << 1280;
    QTest::newRow("40 % longer") << QStringLiteral("longer") << 100 << 1280;
    QTest::newRow("125 % letters") << QString() << 125 << 1280;
    QTest::newRow("150 % letters") << QString() << 150 << 1280;
    QTest::newRow("40 % longer, 125 % letters") << QStringLiteral("longer") << 125 << 1280;
    QTest::newRow("40 % longer, 150 % letters") << QStringLiteral("longer") << 150 << 1600;
    QTest::newRow("German") << QStringLiteral("German") << 100 << 1280;
    QTest::newRow("German, 125 % letters") << QStringLiteral("German") << 125 << 1280;
    QTest::newRow("narrow") << QString() << 100 << 900;
  }

  void nothing_is_clipped() {
    QFETCH(QString, language);
    QFETCH(int, percent);
    QFETCH(int, width);
    if (language == QLatin1String("German") && !german_there_) QSKIP("without lrelease");
    if (language == QLatin1String("longer")) QCoreApplication::installTranslator(&longer_);
    if (language == QLatin1String("German")) QCoreApplication::installTranslator(&german_);
    window_ = std::make_unique<WindowFixture>();  // sets the font
    look_->set_font_percent(percent);
    QVERIFY(window_->open());
    window_->window().resize(width, 800);
    found_.clear();
    look_at("empty library");
    look_at_a_drop();
    QVERIFY(window_->add({"otter.md", "seal.md"}));
    look_at_problems();
    look_at_answers();
    look_at_pages();
    tell_found();
  }

  /// A window that is open follows: no text is measured with the letters it was made for.
  void nothing_is_clipped_when_letters_grow_under_an_open_window() {
    window_ = std::make_unique<WindowFixture>();
    QVERIFY(window_->open());
    QVERIFY(window_->add({"otter.md", "seal.md"}));
    found_.clear();
    for (const int percent : {125, 150, 100}) {
      look_->set_font_percent(percent);
      const auto size = QStringLiteral("%1 %").arg(percent);
      look_at(qPrintable(size));
      look_at_pages();
    }
    tell_found();
  }

 private:
  void tell_found() {
    found_.removeDuplicates();
    for (const auto& text : found_) std::printf("%s\n", qPrintable(text));
    QCOMPARE(int(found_.size()), 0);
  }

  void look_at(const char* where, QWidget* part = nullptr) {
    QTest::qWait(60);
    for (const auto& text : clipped_texts(part == nullptr ? window_->window() : *part)) {
      found_ += QStringLiteral("%1: %2").arg(QLatin1String(where), text);
    }
  }

  void trigger(const char* name) {
    auto* action = window_->window().findChild<QAction*>(QLatin1String(name));
    QVERIFY2(action != nullptr, name);
    action->trigger();
  }

  /// The card over the list, and a banner.
  void look_at_a_drop() {
    auto& files = window_->desk_fixture();
    files.write("folder/a.md", app::tests::story("otter", 4));
    files.write("folder/b.xyz", "?");
    files.write("folder/c.md", app::tests::story("seal", 4));
    window_->window().add_paths({desk::text_of(files.files().document("folder").string())});
    QTest::qWait(400);
    look_at("a folder was dropped");
    auto* escape = window_->library().findChild<QPushButton*>(QStringLiteral("cancelScan"));
    if (escape != nullptr) escape->click();
  }

  void look_at_problems() {
    auto& files = window_->desk_fixture();
    window_->library().start({.paths = {files.write("broken.pdf", "%PDF-1.7 nothing")}});
    QTRY_VERIFY_WITH_TIMEOUT(window_->counts().n_problems > 0, kPatienceMs);
    window_->library().show_problems();
    const QModelIndex broken = window_->document("broken.pdf");
    window_->library().view().setCurrentIndex(broken);
    look_at("a problem");
    window_->library().findChild<QAbstractButton*>(QStringLiteral("filterAll"))->click();
    window_->window().banners().show_banner(
        QStringLiteral("x"),
        QStringLiteral("The model's file was replaced while it was in use; the one in memory goes "
                       "on until the window is started again."),
        Tone::kWarning, {{LibraryPanel::tr("Read again"), [] {}}});
    look_at("a banner");
    window_->window().banners().close_banner(QStringLiteral("x"));
  }

  void look_at_answers() {
    ask(QStringLiteral("What has the otter?"));
    look_at("an answer");
    auto* turn = window_->window().findChild<ConversationView*>()->turns().back();
    // Whatever an answer may end with.
    for (const auto end : {app::AnswerEnd::kMaxTokens, app::AnswerEnd::kStopped,
                           app::AnswerEnd::kContextFull, app::AnswerEnd::kNothingFound}) {
      desk::AnswerSummary summary;
      summary.end = end;
      summary.text = QStringLiteral("The otter has a stone.");
      summary.notices = {QStringLiteral(
          "Two of the passages could not be read, because their documents were changed after "
          "they had been indexed; they are read again in the background.")};
      summary.nearest = turn->passages();
      turn->finish(summary);
      look_at("the end of an answer");
    }
    turn->fail({ErrorCode::kIo, QStringLiteral("The model's file is gone: it was removed from the "
                                               "folder of models while it was in use.")});
    look_at("an answer that failed");
    turn->begin_cold(app::Timeline::Clock::now());
    turn->set_cold_first_token(4321);
    look_at("both clocks");
  }

  void look_at_pages() {
    for (const char* name : {"showSource", "showCache", "showTiming", "conversations", "guide"}) {
      trigger(name);
      look_at(name);
    }
    trigger("showCache");
    window_->window().findChild<CacheView*>()->show_report(CacheView::tr("Nothing is cached yet."),
                                                           false);
    look_at("a report of the inspector");
    trigger("settings");
    auto* pages = window_->window().findChild<SettingsPanel*>()->findChild<QListWidget*>();
    for (int row = 0; row < pages->count(); ++row) {
      pages->setCurrentRow(row);
      look_at(qPrintable("settings: " + pages->item(row)->text()));
    }
    trigger("focusQuestion");
    trigger("shortcuts");
    look_at("shortcuts");
    auto* sheet = window_->window().findChild<ShortcutsSheet*>();
    QTest::keyClick(sheet, Qt::Key_Escape);
    QVERIFY(!sheet->isVisible());
    trigger("palette");
    look_at("palette");
    QTest::keyClick(window_->window().focusWidget(), Qt::Key_Escape);
    AboutBox about(&window_->window());
    about.show();
    look_at("about", &about);
    trigger("focusQuestion");
  }

  void ask(const QString& words) {
    auto* box = window_->window().ask().findChild<QPlainTextEdit*>();
    Inbox finished(&window_->desk().answers(), &desk::AnswerWorker::finished);
    box->setFocus();
    box->setPlainText(words);
    QTest::keyClick(box, Qt::Key_Return);
    QVERIFY(finished.wait());
    QTRY_VERIFY(!window_->window().ask().is_answering());
  }

  std::unique_ptr<Appearance> look_;
  PseudoTranslator longer_;
  QTranslator german_;
  bool german_there_ = false;
  std::unique_ptr<WindowFixture> window_;
  QStringList found_;
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::WindowTextTest)
#include "window_text_test.moc"
