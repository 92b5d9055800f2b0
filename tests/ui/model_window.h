// SPDX-License-Identifier: Apache-2.0
// The real window with the default models, on a library in a folder of its own.
#pragma once

#include <QPlainTextEdit>
#include <memory>

#include "tests/support/temporary_folder.h"
#include "tests/support/test_paths.h"
#include "tests/ui/desk_fixture.h"
#include "tests/ui/test_font.h"
#include "ui/ask/ask_panel.h"
#include "ui/ask/turn_widget.h"
#include "ui/shell/main_window.h"

namespace kvlink::ui::tests {

/// What tests with the default models are made from. Not open at first.
class ModelWindow : public QObject {
 protected:
  explicit ModelWindow(int max_answer_tokens) : max_answer_tokens_(max_answer_tokens) {
    use_test_font();
  }

  static bool has_models() {
    return kvlink::tests::default_generator() && kvlink::tests::default_embedder();
  }

  /// The same library as before, if it was open.
  void open() {
    desk::DeskOptions options;
    app::PathSources places;
    places.data_dir = (folder_.path() / "library").string();
    places.models_dir = kvlink::tests::models_folder().string();
    options.paths = value_or_throw(app::resolve_paths(places));  // with the adapters
    options.adjust = [n = max_answer_tokens_](app::Settings& settings) {
      settings.max_answer_tokens = n;
    };
    desk_ = std::make_unique<desk::Desk>(std::move(options));
    window_ = std::make_unique<MainWindow>(*desk_, WindowOptions{});
    window_->show();
    QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
    Inbox opened(desk_.get(), &desk::Desk::opened);
    desk_->open();
    QVERIFY(opened.wait());
    QVERIFY(desk_->state() == desk::DeskState::kReady);
  }
  void close() {
    window_.reset();
    desk_.reset();
  }

  TurnWidget* last_turn() { return window_->ask().findChildren<TurnWidget*>().last(); }

  void type(const QString& words) {
    auto* question = window_->ask().findChild<QPlainTextEdit*>();
    question->setFocus();
    QTest::keyClicks(question, words);
  }
  /// Asks what was typed, and waits for the end.
  desk::AnswerSummary send() {
    Inbox finished(&desk_->answers(), &desk::AnswerWorker::finished);
    QTest::keyClick(window_->ask().findChild<QPlainTextEdit*>(), Qt::Key_Return);
    if (!finished.wait()) QTest::qFail("no answer in time", __FILE__, __LINE__);
    if (!QTest::qWaitFor([&] { return !window_->ask().is_answering(); }, kPatienceMs)) {
      QTest::qFail("the answer did not end", __FILE__, __LINE__);
    }
    return finished.is_empty() ? desk::AnswerSummary() : finished.last();
  }

  kvlink::tests::TemporaryFolder folder_;
  std::unique_ptr<desk::Desk> desk_;
  std::unique_ptr<MainWindow> window_;

 private:
  int max_answer_tokens_;
};

}  // namespace kvlink::ui::tests
