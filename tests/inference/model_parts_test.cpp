// SPDX-License-Identifier: Apache-2.0
// Models that are spread over several files.
#include "inference/model/model_parts.h"

#include <gtest/gtest.h>

#include <functional>

#include "inference/model/model.h"
#include "tests/inference/small_gguf.h"
#include "tests/support/temporary_folder.h"

namespace kvlink::inference {
namespace {

using tests::GgufWriter;
using tests::TemporaryFolder;
using tests::write_file;

/// The small model in two parts, of which the first has the keys; `change` may spoil them.
template <typename Change>
void write_split(const std::filesystem::path& folder, Change change) {
  GgufWriter first = tests::small_gguf();
  GgufWriter second;
  while (first.tensors.size() > 5) {
    second.tensors.insert(second.tensors.begin(), first.tensors.back());
    first.tensors.pop_back();
  }
  const auto number = [](GgufWriter& file, std::uint16_t no) {
    file.set_raw("split.no", 2, tests::raw_bytes(no));
    file.set_raw("split.count", 2, tests::raw_bytes(std::uint16_t{2}));
  };
  number(first, 0);
  number(second, 1);
  change(first, second);
  write_file(folder / "m-00001-of-00002.gguf", first.bytes());
  write_file(folder / "m-00002-of-00002.gguf", second.bytes());
}

Result<Model> load_split(const std::function<void(GgufWriter&, GgufWriter&)>& change) {
  const TemporaryFolder folder;
  write_split(folder.path(), change);
  return load_model(folder.path() / "m-00001-of-00002.gguf");
}

TEST(SplitGguf, IsTheModelThatTheWholeFileIs) {
  const TemporaryFolder folder;
  write_file(folder.path() / "whole.gguf", tests::small_gguf().bytes());
  write_split(folder.path(), [](auto&, auto&) {});
  const auto whole = load_model(folder.path() / "whole.gguf");
  for (const char* name : {"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"}) {
    const auto split = load_model(folder.path() / name);
    ASSERT_TRUE(split) << split.error().message;
    EXPECT_EQ(split->compute_fingerprint(), whole->compute_fingerprint());
    EXPECT_EQ(split->path.filename(), name);
  }
}

TEST(SplitGguf, SaysWhichPartIsMissing) {
  const TemporaryFolder folder;
  write_split(folder.path(), [](auto&, auto&) {});
  std::filesystem::remove(folder.path() / "m-00002-of-00002.gguf");
  const auto model = load_model(folder.path() / "m-00001-of-00002.gguf");
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::kNotFound);
  EXPECT_NE(model.error().message.find("m-00002-of-00002.gguf"), std::string::npos);
}

TEST(SplitGguf, RefusesPartsThatDoNotFitTogether) {
  const auto set_no = [](GgufWriter& f, std::uint16_t no) {
    f.set_raw("split.no", 2, tests::raw_bytes(no));
  };
  const std::pair<const char*, std::function<void(GgufWriter&, GgufWriter&)>> cases[] = {
      {"swapped", [&](auto& a, auto& b) { set_no(a, 1), set_no(b, 0); }},
      {"another count",
       [](auto&, auto& b) { b.set_raw("split.count", 2, tests::raw_bytes(std::uint16_t{3})); }},
      {"a tensor is missing", [](auto&, auto& b) { b.tensors.pop_back(); }},
      {"tensors stated", [](auto& a, auto&) { a.set_u32("split.tensors.count", 99); }},
      {"no keys in the second part", [](auto&, auto& b) { b.erase("split.no"); }},
  };
  for (const auto& [name, change] : cases) {
    const auto model = load_split(change);
    ASSERT_FALSE(model) << name;
    EXPECT_EQ(model.error().code, ErrorCode::kCorrupt) << name << ": " << model.error().message;
  }
  EXPECT_FALSE(load_split([](auto& a, auto& b) { b.tensors.push_back(a.tensors.front()); }));
}

TEST(SplitGguf, NamesThatOnlyLookLikePartsAreFiles) {
  for (const char* name : {"m-00001-of-00001.gguf", "m-0001-of-0002.gguf", "m-00003-of-00002.gguf",
                           "m-00001-of-0000x.gguf", "-00001-of-00002.gguf", "m.gguf"}) {
    EXPECT_EQ(gguf_parts(name).size(), 1U) << name;
  }
  EXPECT_EQ(gguf_parts("a/m-00002-of-00003.gguf")[0], "a/m-00001-of-00003.gguf");
  EXPECT_THROW(gguf_parts("m-00001-of-99999.gguf"), Exception);
}

/// A folder `model` whose index names `file`.
Result<std::vector<std::filesystem::path>> shards_of(const std::filesystem::path& folder,
                                                     const std::string& file) {
  write_file(folder / "model.safetensors.index.json",
             R"({"metadata":{},"weight_map":{"model.norm.weight":")" + file + R"("}})");
  return returning([&] { return list_shards(folder); });
}

TEST(ShardedFolder, RefusesNamesThatLeaveIt) {
  const TemporaryFolder folder;
  const auto model = folder.path() / "model";
  std::filesystem::create_directory(model);
  write_file(folder.path() / "out.safetensors", "x");
  write_file(model / "in.safetensors", "x");
  std::filesystem::create_symlink("../out.safetensors", model / "link.safetensors");
  for (const char* name : {"../out.safetensors", "/etc/passwd", "..", "", "link.safetensors",
                           "./in.safetensors", "in.txt", "a\\u0007.safetensors"}) {
    const auto shards = shards_of(model, name);
    ASSERT_FALSE(shards) << name;
    EXPECT_EQ(shards.error().code, ErrorCode::kCorrupt) << name << shards.error().message;
  }
  EXPECT_EQ(shards_of(model, "none.safetensors").error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(shards_of(model, "in.safetensors"));
}

TEST(ShardedFolder, TakesAHubsCacheAsItIs) {
  const TemporaryFolder folder;
  const auto snapshot = folder.path() / "snapshots" / "abc";
  std::filesystem::create_directories(snapshot);
  std::filesystem::create_directory(folder.path() / "blobs");
  write_file(folder.path() / "blobs" / "123", "x");
  std::filesystem::create_symlink("../../blobs/123", snapshot / "model-1.safetensors");
  const auto shards = shards_of(snapshot, "model-1.safetensors");
  ASSERT_TRUE(shards) << shards.error().message;
  EXPECT_EQ(shards->front(), snapshot / "model-1.safetensors");
}

TEST(ShardedFolder, RefusesAnIndexWithoutAMap) {
  const TemporaryFolder folder;
  for (const char* text : {"{}", "[]", R"({"weight_map":{}})", R"({"weight_map":[1]})",
                           R"({"weight_map":{"a":1}})", "{"}) {
    write_file(folder.path() / "model.safetensors.index.json", text);
    EXPECT_THROW(list_shards(folder.path()), Exception) << text;
  }
}

}  // namespace
}  // namespace kvlink::inference
