// SPDX-License-Identifier: Apache-2.0
// A scripted run of the real window with the default models: every step is a picture, and what the
// pictures must show is checked. See tests/screens.sh.
//
// Usage: ui_screens FIRST|SECOND OUTPUT-FOLDER MODELS-FOLDER DOCUMENTS-FOLDER LIBRARY-FOLDER
#include <QApplication>
#include <QCursor>
#include <QDir>
#include <QDragEnterEvent>
#include <QElapsedTimer>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QScrollBar>
#include <QTabWidget>
#include <QTableView>
#include <QTest>
#include <QToolButton>
#include <QTranslator>
#include <QTreeView>
#include <cstdio>
#include <optional>
#include <utility>

#include "app/desk/desk.h"
#include "tests/ui/screens/camera.h"
#include "tests/ui/test_font.h"
#include "ui/ask/ask_panel.h"
#include "ui/ask/mode_picker.h"
#include "ui/ask/passage_list.h"
#include "ui/ask/turn_widget.h"
#include "ui/inspect/cache_view.h"
#include "ui/library/library_panel.h"
#include "ui/library/pre_scan_card.h"
#include "ui/shell/banner_stack.h"
#include "ui/shell/main_window.h"

namespace kvlink::ui::tests {
namespace {

constexpr int kPatienceMs = 300'000;
constexpr int kUndoMs = 1500;
/// As on the front page.
constexpr auto kQuestion = "Where does KVLink keep the cache files?";
constexpr auto kLongQuestion =
    "Explain in detail how the caches of documents are kept, found and removed.";

/// The window on a library, and what its workers said last.
class Stage {
 public:
  Stage(Camera& camera, const QString& library, const QString& models) : camera_(camera) {
    desk::DeskOptions options;
    app::PathSources places;
    places.data_dir = library.toStdString();
    places.models_dir = models.toStdString();
    options.paths = value_or_throw(app::resolve_paths(places));  // with the adapters
    options.undo_ms = kUndoMs;
    desk_.emplace(std::move(options));
    window_.emplace(*desk_,
                    WindowOptions{.state_file = library + "/desktop.ini", .sample_folder = {}});
    QObject::connect(&desk_->answers(), &desk::AnswerWorker::finished, &*window_,
                     [this](const desk::AnswerSummary& summary) {
                       summary_ = summary;
                       ++n_answers_;
                     });
    camera_.point_at(*window_);
    window_->setGeometry(0, 0, 1366, 860);
  }

  void open() {
    bool opened = false;
    QObject::connect(&*desk_, &desk::Desk::opened, &*window_, [&] { opened = true; });
    window_->show();
    desk_->open();
    camera_.expect(wait([&] { return opened; }), "the library opens");
    QTest::qWait(400);
  }

  template <typename Condition>
  bool wait(Condition condition) {
    return QTest::qWaitFor(condition, kPatienceMs);
  }

  Camera& camera() { return camera_; }
  desk::Desk& desk() { return *desk_; }
  MainWindow& window() { return *window_; }
  const desk::AnswerSummary& summary() const { return summary_; }
  int n_answers() const { return n_answers_; }
  bool is_answering() { return window_->ask().is_answering(); }
  QPlainTextEdit& question() { return *window_->ask().findChild<QPlainTextEdit*>(); }
  TurnWidget* last_turn() {
    const auto turns = window_->ask().findChildren<TurnWidget*>();
    return turns.isEmpty() ? nullptr : turns.last();
  }
  QTableView& blocks() { return *window_->findChild<CacheView*>()->findChild<QTableView*>(); }

  /// Types a question and presses Enter, with keys alone.
  void type(const QString& words) {
    QTest::keyClick(&*window_, Qt::Key_L, Qt::ControlModifier);
    QTest::keyClicks(&question(), words);
    QTest::qWait(350);  // a moment of thought: what is typed is looked up meanwhile
    QTest::keyClick(&question(), Qt::Key_Return);
  }

  bool ask(const QString& words) {
    const int before = n_answers_;
    type(words);
    return wait([&] { return n_answers_ > before && !is_answering(); });
  }

  void close() {
    window_->close();
    window_.reset();
    desk_.reset();
  }

 private:
  Camera& camera_;
  std::optional<desk::Desk> desk_;
  std::optional<MainWindow> window_;
  desk::AnswerSummary summary_;
  int n_answers_ = 0;
};

/// Tokens of documents that the last answer had to compute.
std::int64_t computed_tokens(const Stage& stage) {
  const auto& reading = stage.summary().reading;
  return reading.n_document_tokens_prefilled + reading.n_document_tokens_encoded;
}

void add_documents(Stage& stage, const QString& documents) {
  auto& camera = stage.camera();
  auto& window = stage.window();
  camera.shoot("01-empty");
  QMimeData data;
  data.setUrls({QUrl::fromLocalFile(documents)});
  QDragEnterEvent enter(QPoint(600, 300), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
  QApplication::sendEvent(&window, &enter);
  camera.shoot("02-drag");
  QDropEvent drop(QPointF(600, 300), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
  QApplication::sendEvent(&window, &drop);
  auto& card = window.library().card();
  camera.expect(stage.wait([&] { return card.n_wanted() > 0; }), "a dropped folder is counted");
  camera.shoot("03-pre-scan");
  QTest::mouseClick(card.findChild<QPushButton*>("preScanStart"), Qt::LeftButton);
  const auto& counts = window.library().model().counts();
  camera.expect(stage.wait([&] { return counts.n_ready > 3; }), "the first documents are ready");
  camera.shoot("04-reading");
  camera.expect(counts.n_in_work > 0, "documents are in work while the window is used");
  camera.expect(stage.ask("What is a KV cache?"),
                "a question is answered while documents are read");
  camera.shoot("05-asked-while-reading");
  camera.expect(
      stage.wait([&] { return counts.n_in_work == 0 && counts.n_ready == counts.n_documents; }),
      "every document is ready");
  camera.shoot("06-ready");
}

void ask_and_cite(Stage& stage) {
  auto& camera = stage.camera();
  auto& window = stage.window();
  stage.window().findChild<QAction*>("newQuestion")->trigger();
  camera.expect(stage.ask(kQuestion), "a question is answered");
  camera.expect(computed_tokens(stage) == 0, "no token of a document was computed for it");
  camera.expect(stage.summary().mode == inference::LinkMode::kLink,
                "the adapter's link tokens stand between its passages");
  camera.shoot("07-answer");
  auto* rows = stage.last_turn()->findChild<PassageList*>();
  auto* row = rows->findChild<PassageRow*>();
  QTest::mouseClick(row, Qt::LeftButton);
  QTest::qWait(600);
  camera.expect(window.inspector().currentIndex() == 0, "a citation opens its source");
  camera.shoot("08-citation");
  window.inspector().setCurrentIndex(2);
}

/// Presses Esc once `ready` is true, and says how long it took until nothing was answered.
template <typename Ready>
void stop_when(Stage& stage, const char* name, const QString& question, Ready ready) {
  auto& camera = stage.camera();
  const int before = stage.n_answers();
  stage.type(question);
  const bool came = stage.wait([&] { return ready() || stage.n_answers() > before; });
  QElapsedTimer timer;
  timer.start();
  QTest::keyClick(&stage.window(), Qt::Key_Escape);
  const bool idle = QTest::qWaitFor([&] { return !stage.is_answering(); }, 5000);
  camera.expect(came && idle && timer.elapsed() <= 300,
                QStringLiteral("Esc while %1: idle after %2 ms")
                    .arg(QLatin1String(name))
                    .arg(timer.elapsed()));
  camera.expect(stage.wait([&] { return stage.n_answers() > before; }), "and it is told");
}

/// In mode full, whose first token takes longest and whose answers are the longest.
void stop_answers(Stage& stage) {
  auto& modes = *stage.window().ask().findChild<ModePicker*>();
  const auto usual = modes.mode();
  modes.set_mode(inference::LinkMode::kFull);
  bool streams = false;
  bool found = false;
  QObject watch;
  QObject::connect(&stage.desk().answers(), &desk::AnswerWorker::text_appended, &watch,
                   [&](const desk::AnswerText& piece) { streams = streams || !piece.is_first; });
  QObject::connect(&stage.desk().answers(), &desk::AnswerWorker::sources_ready, &watch,
                   [&](const desk::AnswerSources&) { found = true; });
  stop_when(stage, "retrieving", kLongQuestion, [] { return true; });
  found = false;
  stop_when(stage, "waiting for the first token", kLongQuestion, [&] { return found; });
  // A picture takes longer than such an answer: it has one of its own.
  streams = false;
  const int before = stage.n_answers();
  stage.type(kLongQuestion);
  stage.wait([&] { return streams || stage.n_answers() > before; });
  stage.camera().shoot("09-streaming");
  stage.wait([&] { return stage.n_answers() > before; });
  streams = false;
  stop_when(stage, "streaming", kLongQuestion, [&] { return streams; });
  stage.camera().expect(stage.summary().end == app::AnswerEnd::kStopped, "the answer was stopped");
  stage.camera().shoot("10-stopped");
  modes.set_mode(usual);
}

void evict_and_ask(Stage& stage) {
  auto& camera = stage.camera();
  auto& window = stage.window();
  window.inspector().setCurrentIndex(1);
  auto& blocks = stage.blocks();
  camera.expect(stage.wait([&] { return blocks.model()->rowCount() > 10; }), "blocks are listed");
  QTest::qWait(700);
  blocks.selectRow(3);
  camera.shoot("11-cache");
  QTest::keyClick(&blocks, Qt::Key_A, Qt::ControlModifier);
  for (auto* button : window.findChild<CacheView*>()->findChildren<QToolButton*>()) {
    if (button->text() == QLatin1String("Evict")) QTest::mouseClick(button, Qt::LeftButton);
  }
  camera.shoot("12-evicting");
  camera.expect(stage.wait([&] { return blocks.model()->rowCount() == 0; }),
                "the blocks are gone after the time for undoing");
  // A conversation keeps what it has read: another one has to look for it.
  window.findChild<QAction*>("newQuestion")->trigger();
  camera.expect(stage.ask(kQuestion), "the same question again");
  camera.expect(computed_tokens(stage) > 0 && !stage.summary().reading.misses.empty(),
                "its passages were computed again, with a reason for each");
  QTest::qWait(900);
  blocks.selectRow(0);
  camera.shoot("13-miss");
  window.inspector().setCurrentIndex(2);
  camera.shoot("14-timing-of-the-miss");
}

void other_pages(Stage& stage) {
  auto& window = stage.window();
  const std::pair<const char*, const char*> pages[] = {{"settings", ""},
                                                       {"palette", "commandPalette"},
                                                       {"shortcuts", "shortcutsSheet"},
                                                       {"conversations", ""}};
  for (const auto& [name, object] : pages) {
    window.findChild<QAction*>(QLatin1String(name))->trigger();
    QTest::qWait(700);
    stage.camera().shoot(QStringLiteral("15-%1").arg(QLatin1String(name)));
    if (QLatin1String(name) == QLatin1String("settings")) {
      window.findChild<QAction*>("settings")->trigger();
    } else if (*object != 0) {
      window.findChild<QWidget*>(QLatin1String(object))->hide();
    }
  }
}

void first_start(Stage& stage, const QString& documents) {
  add_documents(stage, documents);
  ask_and_cite(stage);
  stop_answers(stage);
  evict_and_ask(stage);
  other_pages(stage);
  stage.window().findChild<QAction*>("cacheEverything")->trigger();
  const auto& counts = stage.window().library().model().counts();
  stage.camera().expect(stage.wait([&] { return counts.n_ready == counts.n_documents; }),
                        "what was evicted is cached again");
}

void second_start(Stage& stage) {
  auto& camera = stage.camera();
  auto& window = stage.window();
  const auto& counts = window.library().model().counts();
  camera.expect(stage.wait([&] { return counts.n_documents > 3; }), "the library is there");
  camera.expect(stage.wait([&] { return stage.last_turn() != nullptr; }),
                "the conversation is there");
  camera.shoot("16-restarted");
  camera.expect(stage.ask(kQuestion), "a question after the restart");
  camera.expect(stage.summary().reading.n_document_tokens > 0 && computed_tokens(stage) == 0,
                "no token of a document was computed for it");
  camera.shoot("17-answer-after-restart");
}

}  // namespace
}  // namespace kvlink::ui::tests

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  using namespace kvlink::ui;
  const QStringList arguments = QApplication::arguments();
  if (arguments.size() != 6) {
    std::fprintf(stderr,
                 "usage: ui_screens FIRST|SECOND OUTPUT-FOLDER MODELS-FOLDER DOCUMENTS-FOLDER "
                 "LIBRARY-FOLDER\n");
    return 2;
  }
  tests::use_test_font();
  QCursor::setPos(0, 0);  // nothing is hovered
  QTranslator english;    // the plural forms; compiled with kvlink-desktop
  if (english.load(QCoreApplication::applicationDirPath() + "/../i18n/kvlink_en.qm")) {
    QCoreApplication::installTranslator(&english);
  }
  const QString output = QDir(arguments[2]).absolutePath();
  QDir().mkpath(output);
  QDir().mkpath(arguments[5]);
  Appearance look(application, {});
  tests::Camera camera(look, output);
  tests::Stage stage(camera, QDir(arguments[5]).absolutePath(), arguments[3]);
  stage.open();
  if (arguments[1] == QLatin1String("FIRST")) {
    tests::first_start(stage, QDir(arguments[4]).absolutePath());
  } else {
    tests::second_start(stage);
  }
  stage.close();
  std::printf("%d expectations did not come true\n", camera.n_untrue());
  return camera.n_untrue() == 0 ? 0 : 1;
}
