// SPDX-License-Identifier: Apache-2.0
// What may happen to a window that is open: the library's folder goes, the model's file is deleted
// or replaced, a second program starts, the clock jumps, the disk fills up. Each time: a sentence,
// nothing lost, no crash.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <QFont>
#include <QPlainTextEdit>
#include <QPushButton>
#include <atomic>
#include <filesystem>
#include <fstream>

#include "app/desk/surroundings.h"
#include "tests/ui/desk_fixture.h"
#include "ui/ask/ask_panel.h"
#include "ui/library/library_panel.h"
#include "ui/shell/banner_stack.h"
#include "ui/shell/main_window.h"

namespace {

/// What the wall clock shows beside the truth, in seconds.
std::atomic<std::int64_t> clock_offset = 0;

}  // namespace

// The program's own definitions come before the C library's: every part of it, Qt included, asks
// these for the time of day.
extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const long status = ::syscall(SYS_clock_gettime, clock, time);
  if (status == 0 && clock == CLOCK_REALTIME) time->tv_sec += clock_offset;
  return static_cast<int>(status);
}

extern "C" time_t time(time_t* out) noexcept {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

namespace kvlink::ui::tests {

using app::tests::story;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kTenYears = 10LL * 365 * 24 * 3600;

/// Whether this process may mount a disk that only it sees. Called before there are threads.
bool get_own_mounts() {
  const auto uid = ::getuid();
  const auto gid = ::getgid();
  const bool is_root = ::geteuid() == 0;
  if (::unshare(is_root ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) return false;
  if (!is_root) {
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1";
    std::ofstream("/proc/self/gid_map") << "0 " << gid << " 1";
  }
  return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

bool may_mount = false;

}  // namespace

class DeskFaultTest : public QObject {
  Q_OBJECT

 private slots:
  void init() {
    fixture_ = std::make_unique<DeskFixture>(200);
    data_ = fixture_->files().paths().data;
  }
  void cleanup() {
    clock_offset = 0;
    close();
    if (is_mounted_) ::umount2(data_.c_str(), MNT_DETACH);
    is_mounted_ = false;
    fixture_.reset();
  }

  void a_disk_without_a_free_byte_answers_all_the_same() {
    if (!mount_small_disk()) QSKIP("this system lets nobody mount a small tmpfs");
    open();
    add("otter.md", story("otter", 30));
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 1, kPatienceMs);
    window_->close();
    close();
    fill_disk("ballast");
    QCOMPARE(fs::space(data_).available, std::uintmax_t{0});

    // What is here can be asked, and the answer is kept; what is new is refused.
    open();
    QVERIFY(fixture_->desk().state() == desk::DeskState::kReady);
    QTRY_VERIFY2_WITH_TIMEOUT(says("is full"), qPrintable(texts()), kPatienceMs);
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 1, kPatienceMs);
    const auto answer = ask("What has the otter?");
    QVERIFY(!answer.passages.empty() && answer.conversation != 0);
    add("seal.md", story("seal", 30));
    QTRY_VERIFY2_WITH_TIMEOUT(says("no document is added"), qPrintable(texts()), kPatienceMs);
    restart();
    QCOMPARE(n_conversations(), std::size_t{1});

    // Nothing at all is left: a sentence, and everything comes back with some room.
    window_->close();
    close();
    fill_disk("more ballast");
    make();
    fixture_->desk().open();
    QTRY_VERIFY_WITH_TIMEOUT(fixture_->desk().state() == desk::DeskState::kFailed, kPatienceMs);
    QTRY_VERIFY2_WITH_TIMEOUT(says("is full"), qPrintable(texts()), kPatienceMs);
    fs::remove(data_ / "ballast");
    press_banner(*window_, "Try again");
    QTRY_VERIFY_WITH_TIMEOUT(fixture_->desk().state() == desk::DeskState::kReady, kPatienceMs);
    add("seal.md", story("seal", 30));
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 2, kPatienceMs);
    QCOMPARE(n_conversations(), std::size_t{1});
  }

  void a_disk_that_fills_up_is_said_until_there_is_room() {
    if (!mount_small_disk()) QSKIP("this system lets nobody mount a small tmpfs");
    open();
    add("otter.md", story("otter", 30));
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 1, kPatienceMs);
    fill_disk("ballast");
    QTRY_VERIFY2_WITH_TIMEOUT(says("is full"), qPrintable(texts()), kPatienceMs);
    QVERIFY(!ask("What has the otter?").passages.empty());
    fs::remove(data_ / "ballast");
    QTRY_VERIFY2_WITH_TIMEOUT(!says("is full"), qPrintable(texts()), kPatienceMs);
    QVERIFY2(fs::exists(data_ / "reserve"), "no room is kept for the next time");
  }

  void a_folder_that_goes_is_said_and_comes_back() {
    open();
    add("otter.md", story("otter", 30));
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 1, kPatienceMs);
    const fs::path aside = fixture_->files().folder() / "aside";
    fs::rename(data_, aside);
    QTRY_VERIFY2_WITH_TIMEOUT(says("is gone"), qPrintable(texts()), kPatienceMs);
    ask("What has the otter?");
    add("seal.md", story("seal", 10));
    QTest::qWait(300);
    // An empty library does not take its place.
    press_banner(*window_, "Open again");
    QTRY_VERIFY2_WITH_TIMEOUT(says("is not there"), qPrintable(texts()), kPatienceMs);
    QVERIFY(!fs::exists(data_ / "library.db"));
    fs::remove_all(data_);
    fs::rename(aside, data_);
    press_banner(*window_, "Try again");
    QTRY_VERIFY_WITH_TIMEOUT(fixture_->desk().state() == desk::DeskState::kReady, kPatienceMs);
    QTRY_VERIFY_WITH_TIMEOUT(counts().n_documents >= 1, kPatienceMs);
    QVERIFY(!ask("What has the otter?").passages.empty());
  }

  void a_folder_that_is_deleted_ends_in_no_crash() {
    open();
    add("otter.md", story("otter", 30));
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 1, kPatienceMs);
    fs::remove_all(data_);
    QTRY_VERIFY2_WITH_TIMEOUT(says("is gone"), qPrintable(texts()), kPatienceMs);
    ask("What has the otter?");
    add("seal.md", story("seal", 10));
    Inbox done(&fixture_->desk().cache(), &desk::CacheWorker::done);
    Inbox failed(&fixture_->desk().cache(), &desk::CacheWorker::failed);
    fixture_->desk().cache().verify(desk::next_request_id(), {.all = true});
    QTRY_VERIFY_WITH_TIMEOUT(!done.is_empty() || !failed.is_empty(), kPatienceMs);
    fixture_->desk().cache().evict(desk::next_request_id(), {.all = true}, true);
    QTest::qWait(300);
    restart();
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_documents, 0, kPatienceMs);
  }

  void a_model_that_is_deleted_goes_on_until_the_end() {
    open();
    add("otter.md", story("otter", 30));
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 1, kPatienceMs);
    fs::remove(model());
    QTRY_VERIFY2_WITH_TIMEOUT(says("tiny.gguf is gone"), qPrintable(texts()), kPatienceMs);
    QVERIFY(!ask("What has the otter?").passages.empty());
    restart();
    QVERIFY(fixture_->desk().state() == desk::DeskState::kNoModel);
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_documents, 1, kPatienceMs);
  }

  void a_model_that_is_replaced_goes_on_until_it_is_opened_again() {
    open();
    add("otter.md", story("otter", 30));
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 1, kPatienceMs);
    const QString before = fixture_->desk().facts().model->fingerprint;
    const auto answer = ask("What has the otter?");
    change_a_weight();
    QTRY_VERIFY2_WITH_TIMEOUT(says("was replaced"), qPrintable(texts()), kPatienceMs);
    QCOMPARE(ask("What has the otter?").text, answer.text);
    press_banner(*window_, "Open again");
    QTRY_VERIFY_WITH_TIMEOUT(fixture_->desk().state() == desk::DeskState::kReady &&
                                 fixture_->desk().facts().model->fingerprint != before,
                             kPatienceMs);
    // Blocks of the other model serve no question.
    const auto after = ask("What has the otter?");
    QCOMPARE(after.reading.n_document_tokens_reused, std::int64_t{0});
    QVERIFY(after.reading.n_document_tokens_encoded > 0);
  }

  void a_shard_that_is_replaced_without_its_index_is_told_once() {
    make();
    const fs::path folder = fixture_->files().folder() / "sharded";
    const fs::path lock = fixture_->files().folder() / "lock";
    app::tests::write_file(lock, "");
    fs::copy(fs::path(std::getenv("KVLINK_SOURCE_DIR")) / "tests/golden/tiny/qwen3", folder);
    const auto files = desk::Surroundings::files_of(folder);
    QCOMPARE(files.size(), std::size_t{4});  // three shards and their list
    desk::Surroundings surroundings;
    surroundings.settle(lock, files, FileSystem::posix());
    QVERIFY(surroundings.look().empty());
    const fs::path shard = folder / "model-00002-of-00003.safetensors";
    fs::copy_file(shard, folder / "part");
    fs::rename(folder / "part", shard);
    const auto losses = surroundings.look();
    QCOMPARE(losses.size(), std::size_t{1});
    QVERIFY(losses.front().kind == desk::Loss::Kind::kModel);
    QVERIFY2(losses.front().sentence.contains("00002-of-00003.safetensors was replaced"),
             qPrintable(losses.front().sentence));
    fs::rename(folder / "model.safetensors.index.json", folder / "aside");
    QVERIFY(surroundings.look().empty());
    fs::rename(folder / "aside", folder / "model.safetensors.index.json");
    // A library that is opened again looks anew.
    surroundings.settle(lock, desk::Surroundings::files_of(folder), FileSystem::posix());
    fs::remove(shard);
    QCOMPARE(surroundings.look().size(), std::size_t{1});
  }

  void a_second_program_is_told_and_may_try_again() {
    open();
    DeskFixture second;
    desk::DeskOptions options;
    options.paths = fixture_->files().paths();
    desk::Desk desk(std::move(options));
    MainWindow window(desk, {});
    window.show();
    desk.open();
    QTRY_VERIFY_WITH_TIMEOUT(!window.banners().texts().isEmpty(), kPatienceMs);
    QVERIFY2(window.banners().texts().first().contains(QString::number(::getpid())),
             qPrintable(window.banners().texts().first()));
    close();
    press_banner(window, "Try again");
    QTRY_VERIFY_WITH_TIMEOUT(
        desk.state() != desk::DeskState::kFailed && desk.state() != desk::DeskState::kOpening,
        kPatienceMs);
  }

  void a_clock_that_jumps_changes_nothing() {
    open();
    add("otter.md", story("otter", 30));
    QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 1, kPatienceMs);
    for (const std::int64_t offset : {kTenYears, -kTenYears, std::int64_t{0}}) {
      clock_offset = offset;
      const auto answer = ask("What has the otter?");
      QCOMPARE(answer.reading.n_document_tokens_encoded, std::int64_t{0});
      const auto ttft = answer.timeline.ttft();
      QVERIFY(ttft && ttft->count() > 0 && *ttft < std::chrono::seconds(60));
      add("seal.md", story("seal " + std::to_string(offset), 12));
      QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 2, kPatienceMs);
      restart();
      QTRY_COMPARE_WITH_TIMEOUT(counts().n_ready, 2, kPatienceMs);
      QVERIFY2(window_->banners().texts().isEmpty(), qPrintable(texts()));
    }
    QCOMPARE(n_conversations(), std::size_t{3});
  }

 private:
  void open() {
    make();
    QVERIFY(fixture_->open());
  }
  void make() {
    fixture_->make();
    WindowOptions options;
    options.state_file = desk::text_of((fixture_->files().folder() / "desktop.ini").string());
    window_ = std::make_unique<MainWindow>(fixture_->desk(), options);
    window_->show();
    QVERIFY(QTest::qWaitForWindowExposed(window_.get()));
  }
  void close() {
    window_.reset();
    fixture_->close();
  }
  void restart() {
    window_->close();
    close();
    open();
  }

  void add(const char* name, const std::string& text) {
    Inbox finished(&fixture_->desk().ingest(), &desk::IngestWorker::finished);
    Inbox failed(&fixture_->desk().ingest(), &desk::IngestWorker::failed);
    window_->library().start({.paths = {fixture_->write(name, text)}});
    QTRY_VERIFY_WITH_TIMEOUT(!finished.is_empty() || !failed.is_empty(), kPatienceMs);
  }

  /// Ends with an answer or with a sentence.
  desk::AnswerSummary ask(const char* question) {
    Inbox finished(&fixture_->desk().answers(), &desk::AnswerWorker::finished);
    Inbox failed(&fixture_->desk().answers(), &desk::AnswerWorker::answer_failed);
    fixture_->desk().answers().ask(
        {.id = desk::next_request_id(), .question = QString::fromLatin1(question)});
    if (!QTest::qWaitFor([&] { return !finished.is_empty() || !failed.is_empty(); }, kPatienceMs)) {
      QTest::qFail("neither an answer nor a sentence", __FILE__, __LINE__);
    }
    if (!failed.is_empty()) qInfo("%s", qPrintable(failed.last().problem.message));
    return finished.is_empty() ? desk::AnswerSummary() : finished.last();
  }

  std::size_t n_conversations() {
    Inbox listed(&fixture_->desk().conversations(), &desk::ConversationWorker::changed);
    fixture_->desk().conversations().list();
    return listed.wait() ? listed.last().size() : 0;
  }

  /// With room for blocks beside what the store leaves free.
  bool mount_small_disk() {
    fs::create_directories(data_);
    is_mounted_ =
        may_mount && ::mount("tmpfs", data_.c_str(), "tmpfs", 0, "size=320m,mode=0700") == 0;
    return is_mounted_;
  }

  /// To the last byte.
  void fill_disk(const char* name) {
    const int file = ::open((data_ / name).c_str(), O_WRONLY | O_CREAT, 0600);
    off_t size = 0;
    for (off_t step = off_t{64} << 20; step >= 4096;) {
      if (::posix_fallocate(file, size, step) == 0) {
        size += step;
      } else {
        step /= 2;
      }
    }
    ::close(file);
  }

  fs::path model() const { return fixture_->files().paths().models / "tiny.gguf"; }

  /// By renaming, as programs do that fetch models.
  void change_a_weight() {
    std::string bytes = app::tests::read_text(model());
    bytes[bytes.size() - 5] = static_cast<char>(bytes[bytes.size() - 5] ^ 1);
    app::tests::write_file(model().string() + ".part", bytes);
    fs::rename(model().string() + ".part", model());
  }

  const LibraryCounts& counts() { return window_->library().model().counts(); }
  QString texts() { return window_->banners().texts().join(QLatin1Char('\n')); }
  bool says(const char* words) { return texts().contains(QLatin1String(words)); }

  static void press_banner(MainWindow& window, const char* verb) {
    for (auto* button : window.banners().findChildren<QPushButton*>()) {
      if (button->text() == QLatin1String(verb)) {
        button->click();
        return;
      }
    }
    QTest::qFail(verb, __FILE__, __LINE__);
  }

  std::unique_ptr<DeskFixture> fixture_;
  std::unique_ptr<MainWindow> window_;
  fs::path data_;
  bool is_mounted_ = false;
};

}  // namespace kvlink::ui::tests

int main(int argc, char** argv) {
  kvlink::ui::tests::may_mount = kvlink::ui::tests::get_own_mounts();
  QApplication application(argc, argv);
  kvlink::ui::tests::DeskFaultTest test;
  return QTest::qExec(&test, argc, argv);
}
#include "desk_fault_test.moc"
