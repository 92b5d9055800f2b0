// SPDX-License-Identifier: Apache-2.0
// A model's file is replaced by another of the same name: its caches serve nobody, with the reason,
// until the old one is back.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "app/answer_pipeline.h"
#include "app/weights_look.h"
#include "tests/app/tiny_library.h"
#include "tests/support/tiny_model.h"

namespace kvlink::app::tests {
namespace {

class ModelSwapTest : public ::testing::Test {
 protected:
  ModelSwapTest() {
    library_.write("boats.md", story("boat", 12));
    kvlink::tests::write_tiny_generator(other_, {.seed = 99});
    fs::copy_file(model_, kept_);
  }
  /// By renaming, as programs do that fetch models; both files are equally large.
  void put(const fs::path& file) const {
    const fs::path part = model_.string() + ".part";
    fs::copy_file(file, part);
    fs::rename(part, model_);
  }

  TinyLibrary library_;
  fs::path model_ = library_.paths().models / "tiny.gguf";
  fs::path other_ = library_.folder() / "other.gguf";
  fs::path kept_ = library_.folder() / "kept.gguf";
};

TEST_F(ModelSwapTest, CachesAreStaleWithTheReasonAndComeBackWithTheModel) {
  Digest before;
  {
    const auto session = library_.open();
    before = session->encoding().model;
    library_.add(*session);
    EXPECT_TRUE(ask(*session, "How many parts has the boat?").reading.misses.empty());
  }
  put(other_);
  {
    const auto session = library_.open();
    EXPECT_NE(session->encoding().model, before);
    const auto rows = value_or_throw(session->store().list());
    ASSERT_FALSE(rows.empty());
    for (const auto& row : rows) EXPECT_EQ(row.model, before);
    const Answer answer = ask(*session, "How many parts has the boat?");
    ASSERT_EQ(answer.reading.misses.size(), answer.sources.size());
    for (const auto& miss : answer.reading.misses) {
      EXPECT_EQ(miss.reason, cache::MissReason::kOtherModel);
      EXPECT_NE(miss.detail.find("model"), std::string::npos) << miss.detail;
    }
    EXPECT_GT(answer.reading.n_document_tokens_encoded, 0);
  }
  put(kept_);
  const auto session = library_.open();
  EXPECT_EQ(session->encoding().model, before);
  const Answer answer = ask(*session, "How many parts has the boat?");
  EXPECT_TRUE(answer.reading.misses.empty());
  EXPECT_EQ(answer.reading.n_document_tokens_encoded, 0);
  EXPECT_EQ(answer.reading.n_document_tokens_prefilled, 0);
}

TEST_F(ModelSwapTest, AnOpenSessionKeepsTheModelThatItRead) {
  const auto session = library_.open();
  library_.add(*session);
  const Answer before = ask(*session, "How many parts has the boat?");
  put(other_);
  const Answer after = ask(*session, "How many parts has the boat?");
  EXPECT_EQ(after.text, before.text);
  EXPECT_TRUE(after.reading.misses.empty());
}

TEST_F(ModelSwapTest, AFileOfTheSameSizeAndTimeIsNoticedAllTheSame) {
  Digest before;
  {
    const auto session = library_.open();
    before = session->encoding().model;
  }
  const auto time = fs::last_write_time(model_);
  put(other_);
  fs::last_write_time(model_, time);
  EXPECT_NE(library_.open()->encoding().model, before);
}

TEST_F(ModelSwapTest, AFileThatIsReplacedWhileItIsReadIsNotTakenForTheNewOne) {
  bool swapped = false;
  SessionOptions options;
  options.paths = library_.paths();
  options.watch.progress = [&](std::int64_t, std::int64_t) {
    if (!std::exchange(swapped, true)) put(other_);
  };
  const auto refused = Session::open(std::move(options));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kIo);
  EXPECT_NE(refused.error().message.find("was replaced while"), std::string::npos);
  EXPECT_TRUE(library_.open());
}

TEST_F(ModelSwapTest, AShardThatIsReplacedWithoutItsIndexIsNoticed) {
  const fs::path folder = library_.folder() / "sharded";
  fs::copy(fs::path(std::getenv("KVLINK_SOURCE_DIR")) / "tests/golden/tiny/qwen3", folder);
  const auto store = value_or_throw(cache::KvStore::open(library_.folder() / "remembered", {}));
  FileSystem& files = FileSystem::posix();
  const WeightsLook before(files, folder);
  EXPECT_FALSE(before.remembered_fingerprint(*store));
  before.remember_fingerprint(*store, sha256("the model"));
  before.remember_hash(*store, sha256("its bytes"));
  EXPECT_EQ(WeightsLook(files, folder).remembered_fingerprint(*store), sha256("the model"));
  EXPECT_EQ(WeightsLook(files, folder).remembered_hash(*store), sha256("its bytes"));
  before.expect_unchanged();

  const fs::path shard = folder / "model-00002-of-00003.safetensors";
  fs::copy_file(shard, folder / "part");
  fs::rename(folder / "part", shard);
  EXPECT_THROW(before.expect_unchanged(), Exception);
  EXPECT_FALSE(WeightsLook(files, folder).remembered_fingerprint(*store));
  EXPECT_FALSE(WeightsLook(files, folder).remembered_hash(*store));
}

TEST_F(ModelSwapTest, AConfigurationThatIsChangedBesideTheSameWeightsIsNoticed) {
  const fs::path folder = library_.folder() / "sharded";
  fs::copy(fs::path(std::getenv("KVLINK_SOURCE_DIR")) / "tests/golden/tiny/qwen3", folder);
  const auto store = value_or_throw(cache::KvStore::open(library_.folder() / "remembered", {}));
  FileSystem& files = FileSystem::posix();
  const WeightsLook before(files, folder);
  before.remember_fingerprint(*store, sha256("the model"));
  before.remember_hash(*store, sha256("its bytes"));

  const fs::path config = folder / "config.json";
  fs::copy_file(config, folder / "part");
  fs::rename(folder / "part", config);  // another rope_theta, say
  EXPECT_THROW(before.expect_unchanged(), Exception);
  EXPECT_FALSE(WeightsLook(files, folder).remembered_fingerprint(*store));
  EXPECT_EQ(WeightsLook(files, folder).remembered_hash(*store), sha256("its bytes"));
}

}  // namespace
}  // namespace kvlink::app::tests
