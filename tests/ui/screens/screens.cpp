// SPDX-License-Identifier: Apache-2.0
// Pictures of the window in its states, for looking at and for the README. Not a test.
//
// Usage: ui_screens OUTPUT-FOLDER MODELS-FOLDER DOCUMENTS-FOLDER
#include <QApplication>
#include <QDir>
#include <QDragEnterEvent>
#include <QLineEdit>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTabWidget>
#include <QTemporaryDir>
#include <QTest>
#include <QTreeView>
#include <cstdio>

#include "app/desk/desk.h"
#include "ui/ask/ask_panel.h"
#include "ui/library/library_panel.h"
#include "ui/library/pre_scan_card.h"
#include "ui/shell/drop_overlay.h"
#include "ui/shell/main_window.h"
#include "ui/theme/appearance.h"
#include "ui/theme/icons.h"

namespace {

using namespace kvlink;

constexpr int kPatienceMs = 300'000;

class Camera {
 public:
  Camera(ui::MainWindow& window, QString folder) : window_(window), folder_(std::move(folder)) {}

  void shoot(const QString& name) {
    QTest::qWait(150);
    const QString file = QStringLiteral("%1/%2%3.png").arg(folder_, name, suffix_);
    window_.grab().save(file);
    std::printf("%s\n", qPrintable(file));
  }
  void set_suffix(const QString& suffix) { suffix_ = suffix; }

 private:
  ui::MainWindow& window_;
  QString folder_;
  QString suffix_;
};

template <typename Condition>
bool wait_until(Condition condition) {
  return QTest::qWaitFor(condition, kPatienceMs);
}

bool ask(desk::Desk& desk, ui::MainWindow& window, const QString& question) {
  QSignalSpy finished(&desk.answers(), &desk::AnswerWorker::finished);
  auto* input = window.ask().findChild<QPlainTextEdit*>();
  if (input == nullptr) return false;
  input->setFocus();
  QTest::keyClicks(input, question);
  QTest::keyClick(input, Qt::Key_Return);
  return finished.wait(kPatienceMs);
}

void shoot_library(ui::MainWindow& window, Camera& camera, const QString& documents) {
  camera.shoot("01-empty");
  QMimeData data;
  data.setUrls({QUrl::fromLocalFile(documents), QUrl::fromLocalFile("/x/photo.png")});
  QDragEnterEvent enter(QPoint(600, 300), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
  QApplication::sendEvent(&window, &enter);
  camera.shoot("02-drag");
  window.overlay().hide();
  window.add_paths({documents});
  wait_until([&] { return window.library().card().n_wanted() > 0; });
  camera.shoot("03-pre-scan");
  window.library().card().findChild<QPushButton*>("preScanStart")->click();
  wait_until([&] { return window.library().model().counts().n_ready > 2; });
  camera.shoot("04-indexing");
  wait_until([&] {
    const auto& counts = window.library().model().counts();
    return counts.n_in_work == 0 && counts.n_documents > 0;
  });
  camera.shoot("05-ready");
}

void shoot_panels(ui::MainWindow& window, Camera& camera) {
  auto& view = window.library().view();
  view.setCurrentIndex(view.model()->index(2, 0, view.model()->index(0, 0)));
  window.library().model().set_checked({2, 5});
  QMetaObject::invokeMethod(&view, "activated", Q_ARG(QModelIndex, view.currentIndex()));
  const char* names[] = {"source", "cache", "timing"};
  for (int i = 0; i < 3; ++i) {
    window.inspector().setCurrentIndex(i);
    QTest::qWait(500);
    camera.shoot(QStringLiteral("1%1-%2").arg(i).arg(QLatin1String(names[i])));
  }
  for (const char* name : {"settings", "palette", "shortcuts", "conversations"}) {
    window.findChild<QAction*>(QLatin1String(name))->trigger();
    QTest::qWait(500);
    camera.shoot(QStringLiteral("2-%1").arg(QLatin1String(name)));
    if (QLatin1String(name) == QLatin1String("settings")) {
      window.findChild<QAction*>("settings")->trigger();
    } else if (auto* focused = QApplication::focusWidget()) {
      QTest::keyClick(focused, Qt::Key_Escape);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  const QStringList arguments = QApplication::arguments();
  if (arguments.size() != 4) {
    std::fprintf(stderr, "usage: ui_screens OUTPUT-FOLDER MODELS-FOLDER DOCUMENTS-FOLDER\n");
    return 2;
  }
  QFont font(QStringLiteral("DejaVu Sans"));
  font.setPointSize(10);
  QApplication::setFont(font);
  const QString output = QDir(arguments[1]).absolutePath();
  QDir().mkpath(output);
  QTemporaryDir data;
  ui::Appearance look(application, {});
  look.set_theme(ui::ThemeChoice::kLight);
  desk::DeskOptions options;
  options.paths = {.data = data.filePath("library").toStdString(),
                   .models = arguments[2].toStdString()};
  desk::Desk desk(std::move(options));
  ui::MainWindow window(desk, {});
  Camera camera(window, output);
  window.show();
  QSignalSpy opened(&desk, &desk::Desk::opened);
  desk.open();
  if (!opened.wait(kPatienceMs)) return 1;
  QTest::qWait(300);
  shoot_library(window, camera, QDir(arguments[3]).absolutePath());
  ask(desk, window, "What is a KV cache?");
  camera.shoot("06-answer");
  ask(desk, window, "Where are the files kept?");
  camera.shoot("07-second-answer");
  shoot_panels(window, camera);
  look.set_theme(ui::ThemeChoice::kDark);
  camera.set_suffix("-dark");
  window.inspector().setCurrentIndex(2);
  camera.shoot("07-second-answer");
  shoot_panels(window, camera);
  return 0;
}
