// SPDX-License-Identifier: Apache-2.0
// The program `kvlink-desktop`: reads the environment and the command line, opens the window.
#include <QApplication>
#include <QCommandLineParser>
#include <QDir>
#include <QFileInfo>
#include <QStandardPaths>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "app/desk/desk.h"
#include "ui/shell/latency_meter.h"
#include "ui/shell/main_window.h"
#include "ui/shell/quit_signals.h"
#include "ui/shell/single_instance.h"
#include "ui/shell/start_clock.h"
#include "ui/theme/appearance.h"
#include "ui/theme/icons.h"
#include "ui/theme/translation.h"

namespace {

using namespace kvlink;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

struct CommandLine {
  app::PathSources paths;
  std::string model;
  std::int32_t threads = 0;
  QString sample;
  bool measure_latency = false;
  bool pseudo_locale = false;
  std::vector<QString> files;
};

/// The guide that was installed with the program.
QString installed_guide() {
  const QString folder = QCoreApplication::applicationDirPath() + "/../share/kvlink/guide";
  return QFileInfo(folder).isDir() ? QDir::cleanPath(folder) : QString();
}

CommandLine read_command_line(const QCoreApplication& application) {
  QCommandLineParser parser;
  parser.setApplicationDescription(
      QCoreApplication::translate("main", "Answers about your own documents, on this computer."));
  parser.addHelpOption();
  parser.addVersionOption();
  parser.addPositionalArgument("files", "Files and folders to add.", "[files…]");
  parser.addOptions(
      {{"data-dir", "Folder of the library.", "folder"},
       {"models-dir", "Folder of the models.", "folder"},
       {"model", "The language model: a file, or a name in the models folder.", "name"},
       {"threads", "Threads that compute.", "number", "0"},
       {"sample", "Folder that is added to a library that is new.", "folder"},
       {"measure-latency", "Print how late the window's event loop was, at the end."},
       {"pseudo-locale", "Show texts 40 % longer, to find what is clipped."}});
  parser.process(application);
  CommandLine line;
  line.paths = {.data_dir = parser.value("data-dir").toStdString(),
                .models_dir = parser.value("models-dir").toStdString(),
                .xdg_data_home = variable("XDG_DATA_HOME"),
                .kvlink_models = variable("KVLINK_MODELS"),
                .cuda_plugin = variable("KVLINK_CUDA_PLUGIN"),
                .home = variable("HOME")};
  line.model = parser.value("model").toStdString();
  line.threads = parser.value("threads").toInt();
  line.sample = parser.isSet("sample") ? QFileInfo(parser.value("sample")).absoluteFilePath()
                                       : installed_guide();
  line.measure_latency = parser.isSet("measure-latency");
  line.pseudo_locale = parser.isSet("pseudo-locale");
  for (const auto& file : parser.positionalArguments()) {
    line.files.push_back(QFileInfo(file).absoluteFilePath());
  }
  return line;
}

int show_window(QApplication& application, const CommandLine& line, const app::Paths& paths,
                ui::StartClock& start) {
  const QString data = QString::fromStdString(paths.data.string());
  ui::SingleInstance instance(QStandardPaths::writableLocation(QStandardPaths::RuntimeLocation),
                              data);
  if (instance.hand_over(line.files)) return 0;
  instance.listen();

  if (!app::ensure_data_folder(paths)) {
    std::fprintf(stderr, "kvlink-desktop: the folder %s cannot be made\n",
                 paths.data.string().c_str());
    return 1;
  }
  const QString state_file = data + "/desktop.ini";
  auto* look = new ui::Appearance(application, state_file);  // a child of the application
  desk::Desk desk({.paths = paths,
                   .home = QString::fromStdString(line.paths.home),
                   .generator = line.model,
                   .threads = line.threads,
                   .adjust = {}});
  look->keep_with([&keeper = desk.keeper()](const QString& file, const QVariantMap& values) {
    keeper.keep_values(file, values);
  });
  ui::MainWindow window(desk, {.state_file = state_file, .sample_folder = line.sample});
  QObject::connect(&instance, &ui::SingleInstance::handed_over, &window,
                   &ui::MainWindow::raise_with);
  ui::QuitSignals signals_of_the_system;
  QObject::connect(&signals_of_the_system, &ui::QuitSignals::quit_requested, &window,
                   &QWidget::close);
  std::unique_ptr<ui::LatencyMeter> meter;
  window.show();
  if (line.measure_latency) {
    meter = std::make_unique<ui::LatencyMeter>();
    meter->start_when_painted(*window.windowHandle());
    start.follow(*window.windowHandle(), desk);
  }
  window.add_paths(line.files);
  desk.open();
  const int status = QApplication::exec();
  instance.close();     // nobody is left to open what another start would bring
  look->keep_with({});  // the keeper goes with the desk
  if (meter) {
    std::printf("%s\n%s\n", meter->words().toUtf8().constData(),
                start.words().toUtf8().constData());
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  ui::StartClock start;
  QApplication application(argc, argv);
  QCoreApplication::setApplicationName("kvlink-desktop");
  QCoreApplication::setApplicationVersion(KVLINK_VERSION);
  QGuiApplication::setApplicationDisplayName("KVLink");
  QGuiApplication::setDesktopFileName("kvlink-desktop");
  QGuiApplication::setWindowIcon(ui::program_icon());
  const CommandLine line = read_command_line(application);
  ui::install_translations(application);
  if (line.pseudo_locale) {
    QCoreApplication::installTranslator(new ui::PseudoTranslator(&application));
  }
  const auto paths = app::resolve_paths(line.paths);
  if (!paths) {
    std::fprintf(stderr, "kvlink-desktop: %s\n", paths.error().message.c_str());
    return 2;
  }
  return show_window(application, line, *paths, start);
}
