// SPDX-License-Identifier: Apache-2.0
// A large model is loaded under the eyes of the user, who may stop that.
#include <QLabel>
#include <QProgressBar>
#include <QToolButton>
#include <algorithm>

#include "tests/ui/desk_fixture.h"
#include "ui/shell/status_line.h"

namespace kvlink::ui::tests {

class DeskLoadingTest : public QObject {
  Q_OBJECT

 private slots:
  void tells_how_far_it_is() {
    const app::tests::TinyLibrary library;
    desk::Desk desk({.paths = library.paths(), .quiet_loading_ms = 0});
    Inbox loading(&desk, &desk::Desk::loading);
    Inbox opened(&desk, &desk::Desk::opened);
    desk.open();
    QVERIFY(opened.wait());
    QVERIFY(!loading.is_empty());
    const auto& [done, all] = loading.all().front();
    QVERIFY(done > 0 && done <= all);
    QVERIFY(desk.state() == desk::DeskState::kReady);
  }

  void a_small_model_is_not_said_to_be_loading() {
    const app::tests::TinyLibrary library;
    desk::Desk desk({.paths = library.paths(), .quiet_loading_ms = 60'000});
    Inbox loading(&desk, &desk::Desk::loading);
    Inbox opened(&desk, &desk::Desk::opened);
    desk.open();
    QVERIFY(opened.wait());
    QVERIFY(loading.is_empty());
  }

  void when_stopped_the_library_opens_without_the_model_and_later_with_it() {
    const app::tests::TinyLibrary library;
    desk::Desk* made = nullptr;
    bool stop = true;
    desk::DeskOptions options{.paths = library.paths()};
    // In the opening thread, before the model is read.
    options.adjust = [&](app::Settings&) {
      if (std::exchange(stop, false)) made->stop_loading();
    };
    desk::Desk desk(std::move(options));
    made = &desk;
    Inbox opened(&desk, &desk::Desk::opened);
    desk.open();
    QVERIFY(opened.wait());
    QVERIFY(desk.state() == desk::DeskState::kNoModel);
    QVERIFY2(desk.facts().why_no_model.contains("was stopped"),
             qPrintable(desk.facts().why_no_model));
    desk.open();
    QVERIFY(opened.wait());
    QVERIFY(desk.state() == desk::DeskState::kReady);
  }

  void the_status_line_shows_it_with_a_way_to_stop() {
    const app::tests::TinyLibrary library;
    desk::Desk desk({.paths = library.paths()});
    StatusLine line(desk);
    auto* bar = line.findChild<QProgressBar*>();
    Inbox opened(&desk, &desk::Desk::opened);
    desk.open();
    emit desk.loading(1'200'000'000, 4'500'000'000);
    QCOMPARE(line.work_words(), QStringLiteral("Loading the model: 1.2 GB of 4.5 GB"));
    QVERIFY(!bar->isHidden());
    QVERIFY(!button(line, "Cancel")->isHidden());
    QVERIFY(button(line, "Pause")->isHidden());
    QVERIFY(opened.wait());
    QCOMPARE(line.work_words(), QStringLiteral("Idle"));
    QVERIFY(bar->isHidden());
    QVERIFY(button(line, "Cancel")->isHidden());
  }

 private:
  static QToolButton* button(const StatusLine& line, const QString& name) {
    for (auto* found : line.findChildren<QToolButton*>()) {
      if (found->accessibleName() == name) return found;
    }
    return nullptr;
  }
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::DeskLoadingTest)
#include "desk_loading_test.moc"
