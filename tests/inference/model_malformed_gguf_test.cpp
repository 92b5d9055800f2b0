// SPDX-License-Identifier: Apache-2.0
// GGUF files that lie: each must give the expected kind of error with bounded memory. The numbers
// in the names are those of the corpus of malformed inputs.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "inference/model/llama_gguf.h"
#include "inference/model/model_storage.h"
#include "tests/inference/small_gguf.h"
#include "tests/support/heap_peak.h"

namespace kvlink::inference {
namespace {

using tests::gguf_text;
using tests::GgufWriter;
using tests::raw_bytes;

constexpr auto kCorrupt = ErrorCode::kCorrupt;
constexpr auto kUnsupported = ErrorCode::kUnsupported;
constexpr std::size_t kMaxHeapBytes = 64 << 20;
constexpr std::uint64_t kMinusOne = ~std::uint64_t{0};

Result<Model> load(const std::string& bytes) {
  return returning([&] {
    return model_from_gguf(std::as_bytes(std::span(bytes)), std::make_shared<Model::Storage>(),
                           "case.gguf");
  });
}

struct Case {
  std::string name;
  ErrorCode expected;
  std::function<std::string()> bytes;
};

/// A case that changes a well-formed file before it is written.
Case edited(std::string name, ErrorCode expected, std::function<void(GgufWriter&)> edit,
            DType dtype = DType::kF32) {
  return {std::move(name), expected, [edit = std::move(edit), dtype] {
            GgufWriter file = tests::small_gguf(dtype);
            edit(file);
            return file.bytes();
          }};
}
Case u32(std::string name, ErrorCode expected, std::string key, std::uint32_t value) {
  return edited(std::move(name), expected,
                [key = std::move(key), value](GgufWriter& f) { f.set_u32(key, value); });
}
Case f32(std::string name, ErrorCode expected, std::string key, float value) {
  return edited(std::move(name), expected,
                [key = std::move(key), value](GgufWriter& f) { f.set_f32(key, value); });
}
/// A file of one key and nothing else.
Case one_key(std::string name, std::string record, ErrorCode expected = kCorrupt) {
  return {std::move(name), expected, [record = std::move(record)] {
            return "GGUF" + raw_bytes(std::uint32_t{3}) + raw_bytes(std::uint64_t{0}) +
                   raw_bytes(std::uint64_t{1}) + record + std::string(64, '\0');
          }};
}
Case tensor(std::string name, ErrorCode expected, std::function<void(tests::GgufTensor&)> edit,
            DType dtype = DType::kF32) {
  return edited(
      std::move(name), expected,
      [edit = std::move(edit)](GgufWriter& f) { edit(f.tensor("blk.0.attn_q.weight")); }, dtype);
}

void expect_errors(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string bytes = c.bytes();
    const tests::HeapPeak heap;
    const auto model = load(bytes);
    EXPECT_LE(heap.bytes(), kMaxHeapBytes);
    ASSERT_FALSE(model) << "loaded";
    EXPECT_EQ(model.error().code, c.expected) << model.error().message;
    EXPECT_FALSE(model.error().message.empty());
    EXPECT_LE(model.error().message.size(), 600U);
  }
}

TEST(MalformedGguf, BaseFilesAreWellFormed) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kQ8_0, DType::kQ4_1}) {
    const auto model = load(tests::small_gguf(dtype).bytes());
    EXPECT_TRUE(model) << model.error().message;
  }
  const auto smallest = load(tests::smallest_gguf().bytes());
  EXPECT_TRUE(smallest) << smallest.error().message;
}

TEST(MalformedGguf, RefusesBadHeaders) {
  const auto text = [](std::string s) { return [s = std::move(s)] { return s; }; };
  expect_errors({
      {"1 empty", kCorrupt, text("")},
      {"2 three bytes", kCorrupt, text("GGU")},
      {"3 GGML", kCorrupt, text("GGML" + std::string(100, '\1'))},
      {"3 FUGG", kCorrupt, text("FUGG" + std::string(100, '\1'))},
      edited("4 version 0", kCorrupt, [](GgufWriter& f) { f.version = 0; }),
      edited("4 version 1", kUnsupported, [](GgufWriter& f) { f.version = 1; }),
      edited("4 version 4", kUnsupported, [](GgufWriter& f) { f.version = 4; }),
      edited("4 big endian", kUnsupported, [](GgufWriter& f) { f.version = 0x0300'0000; }),
      edited("5 2^63-1 tensors", kCorrupt, [](GgufWriter& f) { f.n_tensors = kMinusOne >> 1; }),
      edited("5 -1 tensors", kCorrupt, [](GgufWriter& f) { f.n_tensors = kMinusOne; }),
      edited("6 2^63-1 keys", kCorrupt, [](GgufWriter& f) { f.n_keys = kMinusOne >> 1; }),
      edited("6 -1 keys", kCorrupt, [](GgufWriter& f) { f.n_keys = kMinusOne; }),
      edited("one key more than there is", kCorrupt, [](GgufWriter& f) { f.n_keys = 26; }),
  });
}

TEST(MalformedGguf, RefusesBadKeys) {
  const std::string u32_one = raw_bytes(std::uint32_t{4}) + raw_bytes(std::uint32_t{1});
  expect_errors({
      one_key("7 key length 2^64-1", raw_bytes(kMinusOne)),
      one_key("8 key empty", gguf_text("") + u32_one),
      one_key("8 key with NUL", gguf_text(std::string_view("a\0b", 3)) + u32_one),
      one_key("8 key not UTF-8", gguf_text("a\xFF") + u32_one),
      one_key("8 key of 1 GiB", raw_bytes(std::uint64_t{1} << 30) + u32_one),
      edited("9 duplicate key", kCorrupt,
             [&](GgufWriter& f) { f.add_raw("general.name", 4, raw_bytes(std::uint32_t{1})); }),
      one_key("11 value type 13", gguf_text("k") + raw_bytes(std::uint32_t{13})),
      one_key("11 value type -1", gguf_text("k") + raw_bytes(~std::uint32_t{0})),
      one_key("12 array of arrays",
              gguf_text("k") + raw_bytes(std::uint32_t{9}) + raw_bytes(std::uint32_t{9}) +
                  raw_bytes(std::uint64_t{1}),
              kUnsupported),
      one_key("13 2^61 u64", gguf_text("k") + raw_bytes(std::uint32_t{9}) +
                                 raw_bytes(std::uint32_t{10}) + raw_bytes(std::uint64_t{1} << 61)),
      one_key("14 huge string in array",
              gguf_text("k") + raw_bytes(std::uint32_t{9}) + raw_bytes(std::uint32_t{8}) +
                  raw_bytes(std::uint64_t{2}) + raw_bytes(kMinusOne - 7)),
  });
}

TEST(MalformedGguf, RefusesAMillionKeysBeforeReadingThem) {
  std::string bytes = "GGUF" + raw_bytes(std::uint32_t{3}) + raw_bytes(std::uint64_t{0}) +
                      raw_bytes(std::uint64_t{1'000'000});
  for (int i = 0; i < 1'000'000; ++i) {
    bytes += gguf_text(std::to_string(i)) + raw_bytes(std::uint32_t{0}) + '\1';
  }
  expect_errors({{"10", kUnsupported, [&] { return bytes; }}});
}

TEST(MalformedGguf, LoadsWithSixtyThousandKeys) {
  GgufWriter file = tests::small_gguf();
  for (int i = 0; i < 60'000; ++i) {
    file.add_raw("x" + std::to_string(i), 0, std::string(1, '\1'));
  }
  const auto model = load(file.bytes());
  EXPECT_TRUE(model) << model.error().message;
}

TEST(MalformedGguf, RefusesBadAlignment) {
  constexpr const char* kKey = "general.alignment";
  expect_errors({
      u32("15 zero", kCorrupt, kKey, 0),
      u32("15 three", kCorrupt, kKey, 3),
      u32("15 one", kCorrupt, kKey, 1),
      u32("15 2^31", kCorrupt, kKey, 1U << 31),
      u32("15 not the file's own", kCorrupt, kKey, 4096),
      edited("15 i32", kCorrupt,
             [](GgufWriter& f) { f.set_raw(kKey, 5, raw_bytes(std::int32_t{32})); }),
      edited("15 string", kCorrupt, [](GgufWriter& f) { f.set_text(kKey, "32"); }),
  });
}

TEST(MalformedGguf, RefusesBadTensorRecords) {
  using T = tests::GgufTensor;
  expect_errors({
      tensor("16 five dims", kCorrupt,
             [](T& t) {
               t.dims = {32, 32, 1, 1, 1};
             }),
      tensor("16 no dims", kCorrupt, [](T& t) { t.dims = {}; }),
      tensor("16 2^32-1 dims", kCorrupt, [](T& t) { t.n_dims = ~std::uint32_t{0}; }),
      tensor("17 -1", kCorrupt,
             [](T& t) {
               t.dims = {kMinusOne, 32};
             }),
      tensor("17 zero", kCorrupt,
             [](T& t) {
               t.dims = {32, 0};
             }),
      tensor("18 INT64_MAX x 2", kCorrupt,
             [](T& t) {
               t.dims = {kMinusOne >> 1, 2, 1, 1};
             }),
      tensor("19 2^32 x 2^32", kCorrupt,
             [](T& t) {
               t.dims = {1ULL << 32, 1ULL << 32, 1, 1};
             }),
      tensor("20 2^42+1", kCorrupt,
             [](T& t) {
               t.dims = {(1ULL << 42) + 1, 32};
             }),
      tensor("20 2^40 x 2^20", kCorrupt,
             [](T& t) {
               t.dims = {1ULL << 40, 1ULL << 20};
             }),
      tensor(
          "21 not whole blocks", kCorrupt,
          [](T& t) {
            t.dims = {33, 32};
          },
          DType::kQ8_0),
      tensor("22 withdrawn type", kUnsupported, [](T& t) { t.type = 4; }),
      tensor("22 unknown type", kUnsupported, [](T& t) { t.type = 99; }),
      tensor("22 Q8_K", kUnsupported, [](T& t) { t.type = 15; }),
      tensor("23 name of 64 bytes", kCorrupt, [](T& t) { t.name = std::string(64, 'n'); }),
      tensor("23 name empty", kCorrupt, [](T& t) { t.name = ""; }),
      tensor("23 duplicate name", kCorrupt, [](T& t) { t.name = "blk.0.attn_output.weight"; }),
      tensor("23 path as name", kCorrupt, [](T& t) { t.name = "../../etc/passwd"; }),
      tensor("24 beyond the end", kCorrupt, [](T& t) { t.offset = 1ULL << 40; }),
      tensor("24 not aligned", kCorrupt, [](T& t) { t.offset = 33; }),
      tensor("24 overlapping", kCorrupt, [](T& t) { t.offset = 0; }),
      tensor("24 2^64-32", kCorrupt, [](T& t) { t.offset = kMinusOne - 31; }),
      {"25 one byte short", kCorrupt,
       [] {
         std::string bytes = tests::small_gguf().bytes();
         bytes.pop_back();
         return bytes;
       }},
      {"bytes after the last tensor", kCorrupt,
       [] { return tests::small_gguf().bytes() + std::string(32, '\0'); }},
  });
}

TEST(MalformedGguf, RefusesBadGeometry) {
  const std::string kv = "llama.attention.head_count_kv";
  expect_errors({
      u32("27 no blocks", kCorrupt, "llama.block_count", 0),
      u32("27 513 blocks", kCorrupt, "llama.block_count", 513),
      u32("27 2^32-1 blocks", kCorrupt, "llama.block_count", ~0U),
      u32("27 a block too many", kCorrupt, "llama.block_count", 2),
      u32("28 no KV heads", kCorrupt, kv, 0),
      u32("28 more KV heads than heads", kCorrupt, kv, 4),
      edited("28 array", kCorrupt,
             [&](GgufWriter& f) {
               const std::vector<std::int32_t> per_layer{1, 1};
               f.set_i32s(kv, per_layer);
             }),
      u32("29 rope dims", kCorrupt, "llama.rope.dimension_count", 32),
      u32("29 rope dims odd", kCorrupt, "llama.rope.dimension_count", 3),
      u32("30 no context", kCorrupt, "llama.context_length", 0),
      u32("30 context 2^31", kCorrupt, "llama.context_length", 1U << 31),
      u32("no heads", kCorrupt, "llama.attention.head_count", 0),
      u32("three heads", kCorrupt, "llama.attention.head_count", 3),
      u32("no embedding", kCorrupt, "llama.embedding_length", 0),
      u32("embedding of another size", kCorrupt, "llama.embedding_length", 64),
      u32("feed forward of another size", kCorrupt, "llama.feed_forward_length", 64),
      u32("key length of another size", kCorrupt, "llama.attention.key_length", 8),
      u32("value length apart", kUnsupported, "llama.attention.value_length", 8),
      u32("vocabulary of another size", kCorrupt, "llama.vocab_size", 289),
      f32("epsilon zero", kCorrupt, "llama.attention.layer_norm_rms_epsilon", 0.0F),
      f32("epsilon NaN", kCorrupt, "llama.attention.layer_norm_rms_epsilon", std::nanf("")),
      f32("rope base zero", kCorrupt, "llama.rope.freq_base", 0.0F),
      f32("rope base NaN", kCorrupt, "llama.rope.freq_base", std::nanf("")),
      edited("count as text", kCorrupt,
             [](GgufWriter& f) { f.set_text("llama.block_count", "1"); }),
      edited("count missing", kCorrupt, [](GgufWriter& f) { f.erase("llama.block_count"); }),
      edited("tensor missing", kCorrupt,
             [](GgufWriter& f) { f.erase_tensor("blk.0.ffn_up.weight"); }),
      edited("embedding missing", kCorrupt,
             [](GgufWriter& f) { f.erase_tensor("token_embd.weight"); }),
  });
}

TEST(MalformedGguf, RefusesBadVocabularies) {
  const std::string tokens = "tokenizer.ggml.tokens";
  const auto with_tokens = [&](std::size_t n, std::string first) {
    return [=](GgufWriter& f) {
      std::vector<std::string> list(n, "x");
      list[0] = first;
      f.set_texts(tokens, list);
    };
  };
  const auto with_byte = [&](std::string spelled) {
    return [=](GgufWriter& f) {
      with_tokens(288, spelled)(f);
      std::vector<std::int32_t> types(288, 1);
      types[0] = 6;
      f.set_i32s("tokenizer.ggml.token_type", types);
    };
  };
  const auto with_merge = [](std::string merge) {
    return [=](GgufWriter& f) {
      const std::vector<std::string> list{"a b", merge};
      f.set_texts("tokenizer.ggml.merges", list);
    };
  };
  expect_errors({
      edited("31 shorter", kCorrupt, with_tokens(287, "a")),
      edited("31 longer", kCorrupt, with_tokens(289, "a")),
      edited("32 types too few", kCorrupt,
             [](GgufWriter& f) {
               f.set_i32s("tokenizer.ggml.token_type", std::vector<std::int32_t>(287, 1));
             }),
      edited("32 scores too many", kCorrupt,
             [](GgufWriter& f) {
               f.set_f32s("tokenizer.ggml.scores", std::vector<float>(289, 1.0F));
             }),
      edited("score NaN", kCorrupt,
             [](GgufWriter& f) {
               f.set_f32s("tokenizer.ggml.scores", std::vector<float>(288, std::nanf("")));
             }),
      edited("33 <0x-1>", kCorrupt, with_byte("<0x-1>")),
      edited("33 <0xZZ>", kCorrupt, with_byte("<0xZZ>")),
      u32("34 bos beyond", kCorrupt, "tokenizer.ggml.bos_token_id", 288),
      edited("34 eos negative", kCorrupt,
             [](GgufWriter& f) {
               f.set_raw("tokenizer.ggml.eos_token_id", 5, raw_bytes(std::int32_t{-2}));
             }),
      edited("35 merge without space", kCorrupt, with_merge("ab")),
      edited("35 merge of one half", kCorrupt, with_merge("a ")),
      edited("36 token of 64 KB", kUnsupported, with_tokens(288, std::string(65'536, 'a'))),
      edited(
          "37 template of 10 MB", kUnsupported,
          [](GgufWriter& f) { f.set_text("tokenizer.chat_template", std::string(10 << 20, 'x')); }),
      edited("tokens as numbers", kCorrupt,
             [&](GgufWriter& f) { f.set_i32s(tokens, std::vector<std::int32_t>(288, 1)); }),
      edited("vocabulary without a kind", kCorrupt,
             [](GgufWriter& f) { f.erase("tokenizer.ggml.model"); }),
  });
}

TEST(MalformedGguf, RefusesNumbersThatAreNone) {
  const auto patch = [](std::size_t at, std::string bytes) {
    return [=](tests::GgufTensor& t) { t.bytes.replace(at, bytes.size(), bytes); };
  };
  const std::string f16_nan = raw_bytes(std::uint16_t{0x7E01});
  const std::string f16_minus_infinity = raw_bytes(std::uint16_t{0xFC00});
  const std::string f32_nan = raw_bytes(std::nanf(""));
  expect_errors({
      tensor("38 Q8_0 scale NaN", kCorrupt, patch(34 * 31, f16_nan), DType::kQ8_0),
      tensor("38 Q4_0 scale infinite", kCorrupt, patch(18, f16_minus_infinity), DType::kQ4_0),
      tensor("38 Q4_1 scale NaN", kCorrupt, patch(20 * 3, f16_nan), DType::kQ4_1),
      tensor("38 Q4_1 minimum infinite", kCorrupt, patch(20 * 5 + 2, f16_minus_infinity),
             DType::kQ4_1),
      tensor("38 F16 weight NaN", kCorrupt, patch(2 * 1023, f16_nan), DType::kF16),
      tensor("38 BF16 weight infinite", kCorrupt, patch(2, raw_bytes(std::uint16_t{0x7F80})),
             DType::kBF16),
      tensor("38 F32 weight NaN", kCorrupt, patch(4 * 1023, f32_nan)),
      edited("38 norm NaN", kCorrupt,
             [&](GgufWriter& f) { patch(8, f32_nan)(f.tensor("output_norm.weight")); }),
  });
}

TEST(MalformedGguf, RefusesOtherArchitecturesByName) {
  const auto with_tensor = [](std::string name) {
    return [=](GgufWriter& f) { f.add_tensor(name, DType::kF32, 0, std::vector<float>(8, 1.0F)); };
  };
  expect_errors({
      edited("40 architecture of 1 MB", kUnsupported,
             [](GgufWriter& f) { f.set_text("general.architecture", std::string(1 << 20, 'a')); }),
      edited("40 qwen3moe", kUnsupported,
             [](GgufWriter& f) { f.set_text("general.architecture", "qwen3moe"); }),
      edited("40 mamba", kUnsupported,
             [](GgufWriter& f) { f.set_text("general.architecture", "mamba"); }),
      edited("40 no architecture", kUnsupported,
             [](GgufWriter& f) { f.erase("general.architecture"); }),
      edited("40 split", kUnsupported,
             [](GgufWriter& f) { f.set_raw("split.count", 2, raw_bytes(std::uint16_t{65'535})); }),
      u32("experts", kUnsupported, "llama.expert_count", 8),
      u32("sliding window", kUnsupported, "llama.attention.sliding_window", 16),
      f32("logit scale", kUnsupported, "llama.logit_scale", 2.0F),
      edited("long rope", kUnsupported,
             [](GgufWriter& f) { f.set_text("llama.rope.scaling.type", "longrope"); }),
      edited("YaRN without its context", kCorrupt,
             [](GgufWriter& f) { f.set_text("llama.rope.scaling.type", "yarn"); }),
      f32("scaling factor", kCorrupt, "llama.rope.scaling.factor", 0.0F),
      edited("bidirectional", kUnsupported,
             [](GgufWriter& f) { f.set_bool("llama.attention.causal", false); }),
      edited("frequency factors", kCorrupt,
             [](GgufWriter& f) {
               f.add_tensor("rope_freqs.weight", DType::kF32, 0, std::vector<float>(3, 1.0F));
             }),
      edited("bias", kUnsupported, with_tensor("blk.0.attn_q.bias")),
  });
  const auto model = load([] {
    GgufWriter file = tests::small_gguf();
    file.tensor("blk.0.attn_q.weight").type = 16;
    return file.bytes();
  }());
  ASSERT_FALSE(model);
  EXPECT_NE(model.error().message.find("blk.0.attn_q.weight"), std::string::npos);
  EXPECT_NE(model.error().message.find("IQ2_XXS"), std::string::npos);
}

}  // namespace
}  // namespace kvlink::inference
