// SPDX-License-Identifier: Apache-2.0
// Safetensors files that lie. The numbers in the names are those of the corpus of malformed inputs;
// sharded files (56) are in model_hugging_face_test.cpp.
#include <gtest/gtest.h>

#include "inference/model/safetensors_file.h"
#include "kernels/base/result.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/heap_peak.h"
#include "tests/support/safetensors_writer.h"

namespace kvlink::inference {
namespace {

using tests::raw_bytes;
using tests::safetensors_bytes;

constexpr std::size_t kMaxHeapBytes = 64 << 20;

Result<SafetensorsFile> parse(const std::string& bytes) {
  return returning(
      [&] { return SafetensorsFile::parse(std::as_bytes(std::span(bytes)), "case.safetensors"); });
}

struct Case {
  std::string name;
  std::string header;
  std::size_t data_bytes;
};

/// The entry of one tensor.
std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape +
         "],\"data_offsets\":[" + offsets + "]}";
}
std::string object(const std::string& members) { return "{" + members + "}"; }

void expect_error(const std::string& name, const std::string& bytes,
                  ErrorCode expected = ErrorCode::kCorrupt) {
  SCOPED_TRACE(name);
  const tests::HeapPeak heap;
  const auto file = parse(bytes);
  EXPECT_LE(heap.bytes(), kMaxHeapBytes);
  ASSERT_FALSE(file) << "parsed";
  EXPECT_EQ(file.error().code, expected) << file.error().message;
  EXPECT_LE(file.error().message.size(), 1500U);
}

void expect_errors(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    expect_error(c.name, safetensors_bytes(c.header, std::string(c.data_bytes, '\0')));
  }
}

TEST(MalformedSafetensors, AcceptsWhatTheFormatAllows) {
  const std::vector<Case> cases{
      {"nothing", "{}", 0},
      {"spaces around", "  {}  ", 0},
      {"54 rank 0", object(entry("a", "F32", "", "0,4")), 4},
      {"54 no elements", object(entry("a", "F32", "0,7", "0,0")), 0},
      {"any order", object(entry("b", "F16", "2", "4,8") + "," + entry("a", "F32", "1", "0,4")), 8},
      {"metadata", object(R"("__metadata__":{"format":"pt"},)" + entry("a", "F32", "1", "0,4")), 4},
      {"empty metadata", R"({"__metadata__":{}})", 0},
      {"escaped name", object(entry("\\u0061\\/\\\"", "F32", "1", "0,4")), 4},
  };
  for (const Case& c : cases) {
    const auto file = parse(safetensors_bytes(c.header, std::string(c.data_bytes, '\0')));
    EXPECT_TRUE(file) << c.name << ": " << file.error().message;
  }
  const auto file = parse(safetensors_bytes(cases[4].header, std::string(8, '\0')));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->tensors[0].name, "a");
  EXPECT_EQ(file->tensors[1].name, "b");
  EXPECT_EQ(file->tensors[1].bytes.size(), 4U);
}

TEST(MalformedSafetensors, RefusesBadHeaderLengths) {
  expect_error("empty", "");
  expect_error("seven bytes", std::string(7, '\0'));
  for (const std::uint64_t length :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{100'000'001}, std::uint64_t{1} << 63,
        ~std::uint64_t{0}, std::uint64_t{11}}) {
    expect_error("41 " + std::to_string(length), raw_bytes(length) + "{}        ");
  }
}

TEST(MalformedSafetensors, RefusesBadJson) {
  const std::string good = entry("a", "F32", "1", "0,4");
  expect_errors({
      {"42 not UTF-8", object(entry("a\xFF", "F32", "1", "0,4")), 4},
      {"43 open brace", "{", 0},
      {"44 nested arrays", "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}",
       0},
      {"44 nested objects", std::string(100'000, '{'), 0},
      {"not an object", "[]", 0},
      {"trailing comma", object(good + ","), 4},
      {"no colon", "{\"a\" {}}", 0},
      {"control character", object(entry("a\n", "F32", "1", "0,4")), 4},
      {"escaped control character", object(entry("a\\u001b", "F32", "1", "0,4")), 4},
      {"lone surrogate", object(entry("\\ud800", "F32", "1", "0,4")), 4},
      {"unknown escape", object(entry("\\x41", "F32", "1", "0,4")), 4},
      {"text after the object", object(good) + "x", 4},
      {"name of 2 KB", object(entry(std::string(2048, 'n'), "F32", "1", "0,4")), 4},
      {"tensor is null", "{\"a\":null}", 0},
      {"tensor is empty", "{\"a\":{}}", 0},
      {"field missing", R"({"a":{"dtype":"F32","shape":[1]}})", 4},
      {"field repeated", R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       4},
      {"field unknown", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4},
  });
}

TEST(MalformedSafetensors, RefusesBadLayouts) {
  const std::string a = entry("a", "F32", "1", "0,4") + ",";
  expect_errors({
      {"45 duplicate names", object(a + entry("a", "F32", "1", "4,8")), 8},
      {"46 overlap", object(a + entry("b", "F32", "1", "2,6")), 8},
      {"46 the same bytes", object(a + entry("b", "F32", "1", "0,4")), 4},
      {"47 hole", object(a + entry("b", "F32", "1", "8,12")), 12},
      {"47 hole in front", object(entry("a", "F32", "1", "4,8")), 8},
      {"48 begin > end", object(entry("a", "F32", "1", "4,0")), 4},
      {"48 negative", object(entry("a", "F32", "1", "-4,0")), 4},
      {"48 exponent", object(entry("a", "F32", "1", "0,4e0")), 4},
      {"48 fraction", object(entry("a", "F32", "1", "0,4.0")), 4},
      {"48 string", object(entry("a", "F32", "1", "\"0\",4")), 4},
      {"48 leading zero", object(entry("a", "F32", "1", "0,04")), 4},
      {"48 2^64", object(entry("a", "F32", "1", "0,18446744073709551616")), 4},
      {"48 three offsets", object(entry("a", "F32", "1", "0,4,4")), 4},
      {"49 shape product wraps", object(entry("a", "F32", "2,18446744073709551614", "0,4")), 4},
      {"49 shape product wraps slowly",
       object(entry("a", "F32", "1099511627776,1099511627776,1099511627776", "0,4")), 4},
      {"shape of rank 9", object(entry("a", "F32", "1,1,1,1,1,1,1,1,1", "0,4")), 4},
      {"shape of strings", object(entry("a", "F32", "\"1\"", "0,4")), 4},
      {"50 size too small", object(entry("a", "F32", "2", "0,4")), 4},
      {"50 size too large", object(entry("a", "F16", "1", "0,4")), 4},
      {"51 unknown dtype", object(entry("a", "F7", "1", "0,4")), 4},
      {"51 4-bit, odd count", object(entry("a", "F4", "3", "0,2")), 2},
      {"52 tail", object(entry("a", "F32", "1", "0,4")), 5},
      {"52 data cut short", object(entry("a", "F32", "1", "0,4")), 3},
      {"53 metadata number", R"({"__metadata__":{"a":1}})", 0},
      {"53 metadata nested", R"({"__metadata__":{"a":{}}})", 0},
      {"53 metadata array", R"({"__metadata__":[]})", 0},
      {"53 metadata twice", R"({"__metadata__":{},"__metadata__":{}})", 0},
  });
}

TEST(MalformedSafetensors, RefusesNinetyMegabytesOfMetadata) {
  expect_error(
      "53",
      safetensors_bytes("{\"__metadata__\":{\"a\":\"" + std::string(90'000'000, 'x') + "\"}}", ""));
}

TEST(MalformedSafetensors, RefusesAMillionTensors) {
  std::string members;
  for (int i = 0; i < 1'000'000; ++i) {
    members += (i == 0 ? "" : ",") + entry(std::to_string(i), "F32", "0", "0,0");
  }
  expect_error("55", safetensors_bytes(object(members), ""), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace kvlink::inference
