// SPDX-License-Identifier: Apache-2.0
// Adapter files and schemes of link ids: what is accepted, what is refused and why.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "inference/engine.h"
#include "inference/link/adapter.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_adapter.h"

namespace kvlink::inference {
namespace {

using tests::adapter_bytes;
using tests::SafetensorsWriter;
using tests::TinyAdapterOptions;
constexpr const char* kFormat = "kvlink-adapter-1";

class AdapterFileTest : public testing::Test {
 protected:
  AdapterFileTest() {
    tests::write_tiny_generator(model_path_);
    model_ = value_or_throw(load_model(model_path_));
    base_ = sha256(tests::read_file(model_path_));
  }

  Result<std::shared_ptr<const Adapter>> load(const std::string& bytes) const {
    const auto file = folder_.path() / "adapter.safetensors";
    tests::write_file(file, bytes);
    return load_adapter(file, model_.config, base_);
  }
  std::string good(const TinyAdapterOptions& options = {}) const {
    return adapter_bytes(tests::tiny_adapter_tensors(options), kFormat, base_.hex(),
                         options.system);
  }
  std::shared_ptr<const Adapter> loaded(const TinyAdapterOptions& options) const {
    return value_or_throw(load(good(options)));
  }
  /// Refused with this code, and a message that names `what`.
  void expect_refused(const std::string& bytes, ErrorCode code, const std::string& what) const {
    const auto adapter = load(bytes);
    ASSERT_FALSE(adapter) << what;
    EXPECT_EQ(adapter.error().code, code) << adapter.error().message;
    EXPECT_NE(adapter.error().message.find(what), std::string::npos) << adapter.error().message;
  }
  /// One tensor and nothing else.
  std::string with(const std::string& name, std::vector<std::int64_t> shape, float value = 0.5F,
                   DType dtype = DType::kF32) const {
    std::int64_t n = 1;
    for (const std::int64_t extent : shape) n *= extent;
    SafetensorsWriter file;
    file.add(name, dtype, std::move(shape), std::vector<float>(static_cast<std::size_t>(n), value));
    return adapter_bytes(file, kFormat, base_.hex());
  }

  tests::TemporaryFolder folder_;
  std::filesystem::path model_path_ = folder_.path() / "tiny.gguf";
  Model model_;
  Digest base_;
};

TEST_F(AdapterFileTest, EveryPartIsOptional) {
  const auto all = loaded({.system = "Answer."});
  EXPECT_EQ(all->n_header, 2);
  EXPECT_EQ(all->n_link, 3);
  EXPECT_EQ(all->header.size(), 2U * 64);
  EXPECT_EQ(all->link.size(), 3U * 64);
  EXPECT_FALSE(all->lora.empty());
  EXPECT_EQ(all->lora.max_ranks(), 12);  // q, k and v share one product
  EXPECT_EQ(all->system_prompt, "Answer.");
  const auto link_only = loaded({.n_header = 0, .rank = 0});
  EXPECT_EQ(link_only->n_header, 0);
  EXPECT_TRUE(link_only->lora.empty());
  const auto lora_only = loaded({.n_header = 0, .n_link = 0});
  EXPECT_EQ(lora_only->n_link, 0);
  EXPECT_EQ(lora_only->system_prompt, "");
  EXPECT_TRUE(load(good({.lora_dtype = DType::kF32})));
  EXPECT_TRUE(load(good({.lora_dtype = DType::kBF16})));
  EXPECT_EQ(value_or_throw(adapter_base(folder_.path() / "adapter.safetensors")), base_);
}

TEST_F(AdapterFileTest, EncodeDigestIsOfHeaderAndLoraAndNotOfLinkTokens) {
  const auto first = loaded({});
  const auto other_link = loaded({.link_seed = 9});
  const auto other_header = loaded({.seed = 9});
  const auto no_lora = loaded({.rank = 0});
  EXPECT_EQ(first->encode_digest, loaded({})->encode_digest);
  EXPECT_EQ(first->encode_digest, other_link->encode_digest);
  EXPECT_NE(first->digest, other_link->digest);
  EXPECT_NE(first->encode_digest, other_header->encode_digest);
  EXPECT_NE(first->encode_digest, no_lora->encode_digest);
}

TEST_F(AdapterFileTest, RefusesAnotherBaseAndOtherFormats) {
  const auto tensors = tests::tiny_adapter_tensors({});
  expect_refused(adapter_bytes(tensors, kFormat, sha256("other").hex()), ErrorCode::kUnsupported,
                 "another model");
  expect_refused(adapter_bytes(tensors, "kvlink-adapter-9", base_.hex()), ErrorCode::kUnsupported,
                 "format");
  expect_refused(adapter_bytes(tensors, kFormat, "ab"), ErrorCode::kCorrupt, "which model");
  expect_refused(tensors.bytes(), ErrorCode::kUnsupported, "format");
  expect_refused(adapter_bytes({}, kFormat, base_.hex()), ErrorCode::kCorrupt, "no tensor");
  expect_refused("not an adapter", ErrorCode::kCorrupt, "");
  EXPECT_EQ(load_adapter(folder_.path() / "absent", model_.config, base_).error().code,
            ErrorCode::kNotFound);
}

TEST_F(AdapterFileTest, SaysWhoReadsPassages) {
  const auto reading = [&](std::int32_t n_header, const std::string& passages) {
    return adapter_bytes(tests::tiny_adapter_tensors({.n_header = n_header}), kFormat, base_.hex(),
                         "", passages);
  };
  EXPECT_FALSE(value_or_throw(load(reading(2, "")))->base_passages);
  EXPECT_FALSE(value_or_throw(load(reading(2, "adapter")))->base_passages);
  EXPECT_TRUE(value_or_throw(load(reading(0, "base")))->base_passages);
  expect_refused(reading(2, "base"), ErrorCode::kCorrupt, "header");
  expect_refused(reading(0, "nobody"), ErrorCode::kUnsupported, "nobody");
}

TEST_F(AdapterFileTest, SaysHowPassagesStand) {
  const auto standing = [&](const std::string& positions) {
    return adapter_bytes(tests::tiny_adapter_tensors({}), kFormat, base_.hex(), "", "", positions);
  };
  EXPECT_FALSE(value_or_throw(load(standing("")))->parallel_passages);
  EXPECT_FALSE(value_or_throw(load(standing("sequence")))->parallel_passages);
  EXPECT_TRUE(value_or_throw(load(standing("parallel")))->parallel_passages);
  expect_refused(standing("upside-down"), ErrorCode::kUnsupported, "positions = upside-down");
}

TEST_F(AdapterFileTest, RefusesWrongShapesNamesAndTypes) {
  expect_refused(with("header", {2, 63}), ErrorCode::kCorrupt, "header");
  expect_refused(with("header", {65, 64}), ErrorCode::kCorrupt, "header");
  expect_refused(with("link", {64}), ErrorCode::kCorrupt, "link");
  expect_refused(with("link", {2, 64}, 0.5F, DType::kF16), ErrorCode::kUnsupported, "F32");
  expect_refused(with("footer", {2, 64}), ErrorCode::kCorrupt, "footer");
  expect_refused(with("lora.0.q.a", {4, 64}), ErrorCode::kCorrupt, "factor");
  for (const char* name : {"lora.2.q.a", "lora.-1.q.a", "lora.00.q.a", "lora.0.x.a", "lora.0.q.c",
                           "lora.0.q.a.b", "lora.q.a", "lora.99999999999.q.a"}) {
    expect_refused(with(name, {4, 64}), ErrorCode::kCorrupt, "2 layers");
  }
}

TEST_F(AdapterFileTest, RefusesFactorsThatDoNotFitEachOther) {
  const auto pair = [&](std::vector<std::int64_t> a, std::vector<std::int64_t> b) {
    SafetensorsWriter file;
    file.add("lora.1.up.a", DType::kF16, a,
             std::vector<float>(static_cast<std::size_t>(a[0] * a[1]), 0.1F));
    file.add("lora.1.up.b", DType::kF16, b,
             std::vector<float>(static_cast<std::size_t>(b[0] * b[1]), 0.1F));
    return adapter_bytes(file, kFormat, base_.hex());
  };
  EXPECT_TRUE(load(pair({8, 64}, {128, 8})));
  expect_refused(pair({8, 64}, {128, 9}), ErrorCode::kCorrupt, "lora.1.up.b");
  expect_refused(pair({8, 64}, {64, 8}), ErrorCode::kCorrupt, "lora.1.up.b");
  expect_refused(pair({8, 128}, {128, 8}), ErrorCode::kCorrupt, "lora.1.up.a");
  expect_refused(pair({257, 64}, {128, 257}), ErrorCode::kCorrupt, "256");
}

TEST_F(AdapterFileTest, RefusesNumbersThatAreNone) {
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    expect_refused(with("header", {2, 64}, value), ErrorCode::kCorrupt, "NaN");
    expect_refused(with("link", {2, 64}, value), ErrorCode::kCorrupt, "NaN");
  }
}

TEST_F(AdapterFileTest, RefusesEveryTruncation) {
  const std::string bytes = good({.rank = 1});
  for (std::size_t n = 0; n < bytes.size(); n += n < 4000 ? 37 : 499) {
    const auto adapter = load(bytes.substr(0, n));
    ASSERT_FALSE(adapter) << n;
    EXPECT_EQ(adapter.error().code, ErrorCode::kCorrupt) << adapter.error().message;
  }
}

TEST_F(AdapterFileTest, RefusesFilesThatAreTooLargeWithoutReadingThem) {
  const auto file = folder_.path() / "large.safetensors";
  tests::write_file(file, good());
  std::filesystem::resize_file(file, kMaxAdapterBytes + 1);
  const auto adapter = load_adapter(file, model_.config, base_);
  ASSERT_FALSE(adapter);
  EXPECT_EQ(adapter.error().code, ErrorCode::kUnsupported);
}

/// Schemes of link ids.
class LinkIdsTest : public AdapterFileTest {
 protected:
  Result<std::shared_ptr<const Adapter>> scheme(const std::string& json) const {
    tests::write_file(link_ids_file(model_path_), json);
    return load_link_id_adapter(model_path_, model_.config);
  }
};

TEST_F(LinkIdsTest, SchemeBesideTheModelIsAnAdapterOfIds) {
  EXPECT_EQ(value_or_throw(load_link_id_adapter(model_path_, model_.config)), nullptr);
  const auto adapter = value_or_throw(scheme(
      R"({"format": "kvlink-link-ids-1", "first": 200, "per_passage": 5, "max_passages": 10,
          "memory_start": 260, "memory_end": 261})"));
  EXPECT_EQ(*adapter->link_ids, (LinkIds{200, 5, 10, 260, 261}));
  EXPECT_EQ(adapter->n_link, 5);
  EXPECT_EQ(adapter->n_header, 0);
  const auto unmarked = value_or_throw(
      scheme(R"({"per_passage":5,"format":"kvlink-link-ids-1","max_passages":10,"first":200})"));
  EXPECT_EQ(unmarked->link_ids->memory_start, -1);
  EXPECT_NE(unmarked->digest, adapter->digest);
  EXPECT_EQ(unmarked->encode_digest, adapter->encode_digest);
}

TEST_F(LinkIdsTest, RefusesIdsOutsideTheVocabularyAndDamagedSchemes) {
  const auto code = [&](const std::string& fields) {
    const auto adapter = scheme(R"({"format":"kvlink-link-ids-1",)" + fields + "}");
    return adapter ? ErrorCode::kBusy : adapter.error().code;
  };
  EXPECT_EQ(code(R"("first":200,"per_passage":5,"max_passages":18)"), ErrorCode::kInvalidInput);
  EXPECT_EQ(code(R"("first":200,"per_passage":0,"max_passages":1)"), ErrorCode::kInvalidInput);
  EXPECT_EQ(code(R"("first":200,"per_passage":1,"max_passages":1,"memory_end":288)"),
            ErrorCode::kInvalidInput);
  EXPECT_EQ(code(R"("first":200,"per_passage":5)"), ErrorCode::kCorrupt);
  EXPECT_EQ(code(R"("first":200,"first":200,"per_passage":5,"max_passages":1)"),
            ErrorCode::kCorrupt);
  EXPECT_EQ(code(R"("first":-200,"per_passage":5,"max_passages":1)"), ErrorCode::kCorrupt);
  EXPECT_EQ(code(R"("first":99999999999,"per_passage":5,"max_passages":1)"), ErrorCode::kCorrupt);
  EXPECT_EQ(code(R"("first":1,"per_passage":5,"max_passages":1,"colour":2)"), ErrorCode::kCorrupt);
  EXPECT_EQ(scheme("{}").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(scheme(R"({"format":"other","first":1,"per_passage":1,"max_passages":1})").error().code,
            ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace kvlink::inference
