// SPDX-License-Identifier: Apache-2.0
// What happens to library.db and vectors.faiss when something goes wrong.
#include <SQLiteCpp/SQLiteCpp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <random>
#include <thread>

#include "retrieval/database.h"
#include "tests/retrieval/library_fixture.h"

namespace kvlink::retrieval {
namespace {

class LibraryStorageTest : public LibraryTest {
 protected:
  void fill(int n_documents) {
    auto library = open();
    for (int i = 0; i < n_documents; ++i) add(*library, i);
  }

  static DocumentId add(Library& library, int i) {
    const auto n = std::to_string(i);
    return must(library.commit(make_document(
                    "/doc" + n, {"Topic" + n + " begins here.", "Detail" + n + " follows."})))
        .id;
  }

  /// Paths and scores of some searches: equal libraries give equal answers.
  std::vector<std::string> answers() {
    auto library = open();
    std::vector<std::string> out;
    for (int i = 0; i < 12; ++i) {
      for (const auto& hit : search(*library, "detail" + std::to_string(i) + " topic here", 8)) {
        out.push_back(hit.path + " " + std::to_string(hit.score));
      }
    }
    return out;
  }

  void sql(const std::string& statement) {
    SQLite::Database(database().string(), SQLite::OPEN_READWRITE).exec(statement);
  }

  void flip(const std::filesystem::path& path, std::streamoff at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const auto byte = static_cast<char>(file.get() ^ 0x10);
    file.seekp(at);
    file.put(byte);
  }

  ErrorCode open_error(std::string& message) {
    auto opened = Library::open(folder_.path(), test_space());
    if (opened) return ErrorCode{};
    message = opened.error().message;
    return opened.error().code;
  }
};

TEST_F(LibraryStorageTest, AnswersTheSameWithAndWithoutTheVectorFile) {
  fill(12);
  ASSERT_TRUE(std::filesystem::exists(vector_file()));
  const auto expected = answers();
  ASSERT_GE(expected.size(), 12u);
  std::filesystem::remove(vector_file());
  EXPECT_EQ(answers(), expected);
  EXPECT_TRUE(std::filesystem::exists(vector_file()));  // made again
  flip(vector_file(), static_cast<std::streamoff>(std::filesystem::file_size(vector_file()) / 2));
  EXPECT_EQ(answers(), expected);
  EXPECT_EQ(answers(), expected);
}

TEST_F(LibraryStorageTest, CatchesUpWithRowsNewerThanTheVectorFile) {
  fill(12);
  const auto saved = folder_.path() / "saved";
  std::filesystem::copy_file(vector_file(), saved);
  sql("DELETE FROM vectors WHERE chunk_id = 3");
  EXPECT_EQ(search(*open(), "Detail1 follows.")[0].dense_rank, 1);
  // As after a crash: rows have been added and removed, the file is the one from before.
  const pid_t child = ::fork();
  if (child == 0) {
    auto library = open();
    add(*library, 50);
    remove_and_erase(*library, 1);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  std::filesystem::copy_file(saved, vector_file(),
                             std::filesystem::copy_options::overwrite_existing);
  auto library = open();
  EXPECT_EQ(search(*library, "Detail50 follows.")[0].path, "/doc50");
  for (const auto& hit : search(*library, "Topic0 begins here.")) EXPECT_NE(hit.path, "/doc0");
}

TEST_F(LibraryStorageTest, DistrustsTheVectorFileOfARestoredDatabase) {
  fill(3);
  const auto backup = folder_.path() / "older";
  std::filesystem::copy_file(database(), backup);
  {
    auto library = open();
    add(*library, 100);
  }
  std::filesystem::copy_file(backup, database(), std::filesystem::copy_options::overwrite_existing);
  // The restored database gives the ids of /doc100 to another document.
  auto library = open();
  add(*library, 200);
  const auto hits = search(*library, "Topic200 begins here.");
  EXPECT_EQ(hits[0].path, "/doc200");
  EXPECT_NEAR(hits[0].cosine, 1.0, 1e-5);
}

/// Fails one kind of call on the vector file; the rest is the real file system.
class FailingFiles : public FileSystem {
 public:
  enum class Call { kCreate, kWrite, kSync, kPublish, kOpen, kRemove };
  explicit FailingFiles(Call call) : call_(call) {}

  static void fail_if(bool wanted) {
    if (wanted) fail(ErrorCode::kIo, "vectors.faiss: injected failure");
  }

  class Pending : public PendingFile {
   public:
    Pending(std::unique_ptr<PendingFile> real, Call call) : real_(std::move(real)), call_(call) {}
    void write(std::span<const std::byte> bytes) override {
      fail_if(call_ == Call::kWrite);
      real_->write(bytes);
    }
    void sync() override {
      fail_if(call_ == Call::kSync);
      real_->sync();
    }
    void publish() override {
      fail_if(call_ == Call::kPublish);
      real_->publish();
    }
    void sync_folder() override { real_->sync_folder(); }

   private:
    std::unique_ptr<PendingFile> real_;
    Call call_;
  };

  std::unique_ptr<PendingFile> create(const std::filesystem::path& path,
                                      std::int64_t bytes) override {
    auto file = real_.create(path, bytes);
    if (path.filename() != "vectors.faiss") return file;
    fail_if(call_ == Call::kCreate);
    return std::make_unique<Pending>(std::move(file), call_);
  }
  std::unique_ptr<ReadableFile> open(const std::filesystem::path& path) override {
    fail_if(call_ == Call::kOpen);
    return real_.open(path);
  }
  void remove(const std::filesystem::path& path) override {
    fail_if(call_ == Call::kRemove);
    real_.remove(path);
  }
  std::optional<FileStat> stat(const std::filesystem::path& path) override {
    return real_.stat(path);
  }
  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    real_.rename(from, to);
  }
  std::vector<std::filesystem::path> list(const std::filesystem::path& folder) override {
    return real_.list(folder);
  }
  void make_folder(const std::filesystem::path& folder) override { real_.make_folder(folder); }
  void sync_folder(const std::filesystem::path& folder) override { real_.sync_folder(folder); }
  std::int64_t free_bytes(const std::filesystem::path& folder) override {
    return real_.free_bytes(folder);
  }
  void drop_page_cache(const std::filesystem::path& path) override { real_.drop_page_cache(path); }

 private:
  FileSystem& real_ = FileSystem::posix();
  Call call_;
};

TEST_F(LibraryStorageTest, LosesNothingWhenTheVectorFileCannotBeWrittenOrRead) {
  using Call = FailingFiles::Call;
  int n = 0;
  for (const Call call : {Call::kCreate, Call::kWrite, Call::kSync, Call::kPublish, Call::kOpen}) {
    FailingFiles files(call);
    {
      auto library = open(files);
      add(*library, ++n);
    }
    const auto hits = search(*open(files), "Topic" + std::to_string(n) + " begins here.");
    ASSERT_FALSE(hits.empty());
    EXPECT_EQ(hits[0].path, "/doc" + std::to_string(n));
    EXPECT_NEAR(hits[0].cosine, 1.0, 1e-5);
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      EXPECT_NE(entry.path().extension(), ".tmp");
    }
  }
}

TEST_F(LibraryStorageTest, SaysWhenTheVectorsOfARemovedDocumentCouldNotBeErased) {
  FailingFiles files(FailingFiles::Call::kRemove);
  auto library = open(files);
  const auto id = add(*library, 1);
  must(library->remove(std::span(&id, 1)));
  EXPECT_EQ(library->erase_removed()->done, false);
  ErrorCode code{};
  for (auto step = library->erase_removed();; step = library->erase_removed()) {
    if (step && !step->done) continue;
    if (!step) code = step.error().code;
    break;
  }
  EXPECT_EQ(code, ErrorCode::kIo);
}

TEST_F(LibraryStorageTest, RefusesALibraryOfANewerProgram) {
  fill(1);
  sql("PRAGMA user_version = 99");
  std::string message;
  EXPECT_EQ(open_error(message), ErrorCode::kUnsupported);
  EXPECT_NE(message.find("newer"), std::string::npos) << message;
}

TEST_F(LibraryStorageTest, RefusesTheDatabaseOfAnotherProgram) {
  SQLite::Database(database().string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
      .exec("CREATE TABLE theirs (a)");
  std::string message;
  EXPECT_EQ(open_error(message), ErrorCode::kUnsupported);
}

TEST_F(LibraryStorageTest, MigratesAnOlderSchemaAfterABackup) {
  fill(2);
  std::vector<Migration> steps(migrations().begin(), migrations().end());
  const auto version = std::to_string(steps.size());
  steps.push_back("ALTER TABLE documents ADD COLUMN colour TEXT NOT NULL DEFAULT 'none'");
  { open_writer(database(), FileSystem::posix(), steps); }
  SQLite::Database migrated(database().string());
  EXPECT_EQ(migrated.execAndGet("SELECT count(*) FROM documents WHERE colour = 'none'").getInt(),
            2);
  const auto backup = database().string() + ".backup-" + version;
  SQLite::Database copy(backup);
  EXPECT_EQ(copy.execAndGet("SELECT count(*) FROM documents").getInt(), 2);
  EXPECT_EQ(copy.execAndGet("PRAGMA user_version").getInt(), static_cast<int>(steps.size()) - 1);
  EXPECT_EQ(std::filesystem::status(backup).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(LibraryStorageTest, KeepsTheOldSchemaWhenAMigrationFails) {
  fill(2);
  std::vector<Migration> steps(migrations().begin(), migrations().end());
  steps.push_back("ALTER TABLE documents ADD COLUMN colour TEXT; SELECT nonsense FROM nowhere");
  EXPECT_THROW(open_writer(database(), FileSystem::posix(), steps), Exception);
  EXPECT_EQ(must(open()->documents()).size(), 2u);
}

TEST_F(LibraryStorageTest, NamesADamagedFileAndWhatToDo) {
  fill(40);
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(database()));
  for (std::streamoff at = 100; at < size; at += 4096) {
    for (int i = 0; i < 40; ++i) flip(database(), at + i);
  }
  std::string message;
  EXPECT_EQ(open_error(message), ErrorCode::kCorrupt);
  EXPECT_NE(message.find("library.db"), std::string::npos) << message;
  EXPECT_NE(message.find("add your documents again"), std::string::npos) << message;
  std::ofstream(database(), std::ios::binary) << std::string(8192, 'x');
  EXPECT_EQ(open_error(message), ErrorCode::kCorrupt);
}

/// Permissions do not bind the superuser: it is nobody while this lives.
class Unprivileged {
 public:
  Unprivileged() : was_root_(::geteuid() == 0) {
    if (was_root_) {
      EXPECT_EQ(::seteuid(65534), 0);
    }
  }
  ~Unprivileged() {
    if (was_root_) {
      EXPECT_EQ(::seteuid(0), 0);
    }
  }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;

 private:
  bool was_root_;
};

TEST_F(LibraryStorageTest, SaysWhenTheFolderCannotBeWritten) {
  namespace fs = std::filesystem;
  const fs::perms others = fs::perms::group_read | fs::perms::group_exec | fs::perms::others_read |
                           fs::perms::others_exec;
  fs::permissions(folder_.path(), fs::perms::owner_read | fs::perms::owner_exec | others);
  std::string message;
  {
    const Unprivileged nobody;
    EXPECT_EQ(open_error(message), ErrorCode::kIo);
  }
  EXPECT_NE(message.find(folder_.path().string()), std::string::npos) << message;
  fs::permissions(folder_.path(), fs::perms::owner_all);
}

TEST_F(LibraryStorageTest, SweepsTemporaryFilesOfAKilledProcess) {
  const auto left = folder_.path() / "vectors.faiss.1-2.tmp";
  std::ofstream(left) << "half";
  std::ofstream(folder_.path() / "mine.tmp") << "not ours";
  open();
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "mine.tmp"));
}

/// Commits, replaces and removes until it is killed.
[[noreturn]] void write_until_killed(const std::filesystem::path& folder, unsigned seed) {
  auto library = must(Library::open(folder, test_space()));
  std::mt19937 random(seed);
  for (;;) {
    const auto n = std::to_string(random() % 12);
    const auto id = must(library->commit(make_document(
                             "/doc" + n, {"Version " + std::to_string(random()), "Body " + n})))
                        .id;
    if (random() % 4 == 0) must(library->remove(std::span(&id, 1)));
    if (random() % 2 == 0) must(library->erase_removed());
  }
}

TEST_F(LibraryStorageTest, IsWholeAfterBeingKilledAtAnyMoment) {
  std::mt19937 random(3);
  for (unsigned round = 0; round < 25; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) write_until_killed(folder_.path(), round);
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + random() % 150));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    auto library = open();
    for (const auto& document : must(library->documents())) {
      const auto chunks = must(library->chunks(document.id));
      ASSERT_EQ(std::ssize(chunks), document.n_chunks);
      const auto hits = search(*library, chunks[0].chunk.text, 1);
      ASSERT_EQ(hits.size(), 1u);
      EXPECT_NEAR(hits[0].cosine, 1.0, 1e-5);
    }
    EXPECT_TRUE(must(library->stale_vectors()).empty());
    library.reset();
    SQLite::Database db(database().string(), SQLite::OPEN_READWRITE);
    EXPECT_EQ(db.execAndGet("PRAGMA integrity_check").getString(), "ok");
    db.exec("INSERT INTO chunks_fts (chunks_fts, rank) VALUES ('integrity-check', 1)");
  }
}

}  // namespace
}  // namespace kvlink::retrieval
