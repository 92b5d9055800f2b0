// SPDX-License-Identifier: Apache-2.0
// Bringing models into the folder and taking them out.
#include "app/model_import.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "inference/model/model.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace kvlink::app {
namespace {

using tests::TemporaryFolder;
namespace fs = std::filesystem;

class ModelImportTest : public testing::Test {
 protected:
  ModelImportTest() { tests::write_tiny_generator(source_); }

  Result<fs::path> import(ModelImport request) {
    return import_model(request, models_, FileSystem::posix());
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& found : find_models(models_)) names.push_back(found.name);
    return names;
  }

  TemporaryFolder folder_;
  fs::path source_ = folder_.path() / "tiny.gguf";
  fs::path models_ = folder_.path() / "models";
};

fs::path golden(const char* name) {
  const char* root = std::getenv("KVLINK_SOURCE_DIR");
  return fs::path(root == nullptr ? "." : root) / "tests" / "golden" / "tiny" / name;
}

TEST_F(ModelImportTest, ALinkLeavesTheModelWhereItIs) {
  const auto path = import({.source = source_});
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_TRUE(fs::is_symlink(*path));
  EXPECT_EQ(names(), std::vector<std::string>{"tiny.gguf"});
  EXPECT_TRUE(inference::load_model(*path));
  const auto again = import({.source = source_});
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("exists already"), std::string::npos);

  const auto removed = remove_model(models_, "tiny.gguf", FileSystem::posix());
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_TRUE(removed->was_reference);
  EXPECT_TRUE(fs::exists(source_));
  EXPECT_TRUE(names().empty());
}

TEST_F(ModelImportTest, ACopyDoesNotNeedTheOriginal) {
  const auto path = import({.source = source_, .name = "mine.gguf", .method = ImportMethod::kCopy});
  ASSERT_TRUE(path) << path.error().message;
  const auto size = static_cast<std::int64_t>(fs::file_size(source_));
  fs::remove(source_);
  EXPECT_TRUE(inference::load_model(*path));
  const auto removed = remove_model(models_, "mine.gguf", FileSystem::posix());
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_FALSE(removed->was_reference);
  EXPECT_EQ(removed->n_bytes, size);
  EXPECT_FALSE(fs::exists(*path));
}

TEST_F(ModelImportTest, AFolderIsCopiedWithTheFilesOfAModelOnly) {
  const auto folder = folder_.path() / "sharded";
  fs::copy(golden("qwen3"), folder);
  tests::write_file(folder / "notes.exe", "no");
  const auto path = import({.source = folder, .method = ImportMethod::kCopy});
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_TRUE(inference::load_model(*path));
  EXPECT_FALSE(fs::exists(*path / "notes.exe"));
  EXPECT_EQ(std::distance(fs::directory_iterator(models_), {}), 1) << "nothing else stays";
  ASSERT_TRUE(remove_model(models_, "sharded", FileSystem::posix()));
  EXPECT_TRUE(names().empty());
}

TEST_F(ModelImportTest, RefusesWhatIsNoModelBeforeAnythingIsWritten) {
  const auto text = folder_.path() / "text.gguf";
  tests::write_file(text, "not a model");
  EXPECT_FALSE(import({.source = text}));
  EXPECT_FALSE(import({.source = folder_.path() / "missing.gguf"}));
  for (const char* name : {"../x.gguf", ".hidden.gguf", "a/b.gguf", "x.bin"}) {
    EXPECT_FALSE(import({.source = source_, .name = name})) << name;
  }
  EXPECT_TRUE(names().empty());
  EXPECT_FALSE(fs::exists(folder_.path() / "x.gguf"));
}

TEST_F(ModelImportTest, AFailedOrStoppedCopyLeavesNothing) {
  tests::FaultyFileSystem files;
  const ModelImport request{.source = source_, .method = ImportMethod::kCopy};
  bool done = false;
  for (std::int64_t nth = 1; nth < 60 && !done; ++nth) {
    files.fail_call(nth, tests::Fault::kDiskFull, tests::Times::kOnce);
    done = import_model(request, models_, files).has_value();
    if (done) break;
    if (fs::exists(models_)) {
      EXPECT_EQ(std::distance(fs::directory_iterator(models_), {}), 0) << nth;
    }
  }
  EXPECT_TRUE(done);
  ASSERT_TRUE(remove_model(models_, "tiny.gguf", FileSystem::posix()));
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = import_model(request, models_, FileSystem::posix(), {}, stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(names().empty());
}

/// The tiny generator in two parts; the first.
fs::path write_parts(const fs::path& folder) {
  auto first = tests::tiny_generator();
  tests::GgufWriter second;
  second.tensors.assign(first.tensors.begin() + 3, first.tensors.end());
  first.tensors.resize(3);
  for (const std::uint16_t no : {std::uint16_t{0}, std::uint16_t{1}}) {
    tests::GgufWriter& part = no == 0 ? first : second;
    part.set_raw("split.no", 2, tests::raw_bytes(no));
    part.set_raw("split.count", 2, tests::raw_bytes(std::uint16_t{2}));
    tests::write_file(folder / ("m-0000" + std::to_string(no + 1) + "-of-00002.gguf"),
                      part.bytes());
  }
  return folder / "m-00001-of-00002.gguf";
}

TEST_F(ModelImportTest, ASplitModelThatFailedOrWasStoppedLeavesNoPart) {
  const ModelImport request{.source = write_parts(folder_.path()), .method = ImportMethod::kCopy};
  const auto n_left = [&] {
    return fs::exists(models_) ? std::distance(fs::directory_iterator(models_), {}) : 0;
  };
  tests::FaultyFileSystem files;
  bool done = false;
  for (std::int64_t nth = 1; nth < 100 && !done; ++nth) {
    files.fail_call(nth, tests::Fault::kDiskFull, tests::Times::kOnce);
    done = import_model(request, models_, files).has_value();
    EXPECT_EQ(n_left(), done ? 2 : 0) << nth;
  }
  ASSERT_TRUE(done);
  ASSERT_TRUE(remove_model(models_, "m-00001-of-00002.gguf", FileSystem::posix()));

  std::stop_source stop;
  const auto first_bytes = static_cast<std::int64_t>(fs::file_size(request.source));
  const auto stop_in_second = [&](std::int64_t n, std::int64_t) {
    if (n == first_bytes) stop.request_stop();
  };
  const auto stopped =
      import_model(request, models_, FileSystem::posix(), stop_in_second, stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(n_left(), 0);
}

/// A second part is there before the link to it is made.
class Rival final : public FileSystem {
 public:
  explicit Rival(fs::path file) : file_(std::move(file)) {}
  std::unique_ptr<PendingFile> create(const fs::path& path, std::int64_t bytes) override {
    return real_.create(path, bytes);
  }
  std::unique_ptr<ReadableFile> open(const fs::path& path) override { return real_.open(path); }
  std::optional<FileStat> stat(const fs::path& path) override { return real_.stat(path); }
  void remove(const fs::path& path) override { real_.remove(path); }
  void rename(const fs::path& from, const fs::path& to) override { real_.rename(from, to); }
  std::vector<fs::path> list(const fs::path& folder) override { return real_.list(folder); }
  void make_folder(const fs::path& folder) override {
    real_.make_folder(folder);
    tests::write_file(file_, "another's");
  }
  void sync_folder(const fs::path& folder) override { real_.sync_folder(folder); }
  std::int64_t free_bytes(const fs::path& folder) override { return real_.free_bytes(folder); }
  void drop_page_cache(const fs::path& path) override { real_.drop_page_cache(path); }

 private:
  FileSystem& real_ = FileSystem::posix();
  fs::path file_;
};

TEST_F(ModelImportTest, LinksToASplitModelAreMadeAllOrNone) {
  const auto source = write_parts(folder_.path());
  Rival files(models_ / "m-00002-of-00002.gguf");
  EXPECT_FALSE(import_model({.source = source}, models_, files));
  EXPECT_FALSE(fs::is_symlink(fs::symlink_status(models_ / source.filename())));
  EXPECT_EQ(tests::read_file(models_ / "m-00002-of-00002.gguf"), "another's");
  fs::remove(models_ / "m-00002-of-00002.gguf");
  const auto path = import({.source = source});
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_TRUE(inference::load_model(*path));
}

TEST_F(ModelImportTest, RemovesOnlyWhatLiesInTheFolder) {
  ASSERT_TRUE(import({.source = source_}));
  for (const char* name : {"../tiny.gguf", "", ".", "other.gguf"}) {
    EXPECT_FALSE(remove_model(models_, name, FileSystem::posix())) << name;
  }
  EXPECT_TRUE(fs::exists(source_));
}

}  // namespace
}  // namespace kvlink::app
