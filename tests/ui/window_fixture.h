// SPDX-License-Identifier: Apache-2.0
// The real window on a temporary library with tiny models.
#pragma once

#include <QPushButton>

#include "tests/ui/desk_fixture.h"
#include "tests/ui/test_font.h"
#include "ui/ask/ask_panel.h"
#include "ui/library/library_panel.h"
#include "ui/shell/banner_stack.h"
#include "ui/shell/main_window.h"

namespace kvlink::ui::tests {

class WindowFixture {
 public:
  using Adjust = std::function<void(app::Settings&)>;

  WindowFixture() { use_test_font(); }

  DeskFixture& desk_fixture() { return fixture_; }
  desk::Desk& desk() { return fixture_.desk(); }
  MainWindow& window() { return *window_; }
  LibraryPanel& library() { return window_->library(); }
  LibraryModel& model() { return window_->library().model(); }
  const LibraryCounts& counts() { return model().counts(); }
  QString state_file() {
    return desk::text_of((fixture_.files().folder() / "desktop.ini").string());
  }

  /// Closes what was open; the state is read anew, as by a second start. False: too slow.
  bool open(const Adjust& adjust = {}) {
    close();
    fixture_.make(adjust);
    WindowOptions options;
    options.state_file = state_file();
    window_ = std::make_unique<MainWindow>(fixture_.desk(), options);
    window_->show();
    Inbox listed(&fixture_.desk().library(), &desk::LibraryWorker::documents_changed);
    return QTest::qWaitForWindowExposed(window_.get()) && fixture_.open() && listed.wait();
  }
  void close() {
    if (window_) window_->close();
    window_.reset();
    fixture_.close();
  }

  /// Writes documents/<name> for each name and waits until every one is cached.
  bool add(const std::vector<const char*>& names) {
    std::vector<QString> paths;
    for (const char* name : names) {
      paths.push_back(fixture_.write(name, app::tests::story(name, 12)));
    }
    const int n = counts().n_ready + static_cast<int>(names.size());
    window_->library().start({.paths = paths});
    return QTest::qWaitFor([&] { return counts().n_ready == n; }, kPatienceMs);
  }

  QModelIndex document(const QString& name) {
    const auto path = desk::text_of(fixture_.files().document(utf8_of(name)).string());
    return model().index_of(path);
  }
  static std::string utf8_of(const QString& text) { return desk::utf8_of(text); }

  QString banners_text() { return window_->banners().texts().join(QLatin1Char('\n')); }
  /// A button of a banner by its words; null when there is none.
  QPushButton* banner_button(const QString& words) {
    for (auto* button : window_->banners().findChildren<QPushButton*>()) {
      if (button->text() == words && button->isVisible()) return button;
    }
    return nullptr;
  }

 private:
  DeskFixture fixture_;
  std::unique_ptr<MainWindow> window_;
};

}  // namespace kvlink::ui::tests
