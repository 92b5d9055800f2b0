// SPDX-License-Identifier: Apache-2.0
// Blocks against the reference of the format, and converted models against the logits of what they
// came from.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "inference/convert/model_converter.h"
#include "inference/convert/quantize.h"
#include "inference/model/model_outline.h"
#include "inference/tokenizer/tokenizer.h"
#include "kernels/embed.h"
#include "tests/inference/decoder_driver.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/random_floats.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/support/tolerances.h"

namespace kvlink::tests {
namespace {

using inference::convert_model;
using inference::ConvertOptions;

std::filesystem::path golden_folder() {
  const char* root = std::getenv("KVLINK_SOURCE_DIR");
  return std::filesystem::path(root == nullptr ? "." : root) / "tests" / "golden";
}

std::vector<std::byte> bytes_of_hex(const std::string& hex) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

TEST(Quantize, WritesTheBytesOfTheReference) {
  std::ifstream in(golden_folder() / "quantized.json");
  const auto golden = nlohmann::json::parse(in);
  const auto raw = bytes_of_hex(golden.at("values"));
  std::vector<float> values(raw.size() / sizeof(float));
  std::memcpy(values.data(), raw.data(), raw.size());
  const std::size_t columns = golden.at("columns");
  for (const DType dtype : {DType::kF16, DType::kBF16, DType::kQ8_0, DType::kQ4_0, DType::kQ4_1,
                            DType::kQ5_0, DType::kQ5_1}) {
    const auto expected = bytes_of_hex(golden.at("types").at(dtype_name(dtype)));
    const auto n_row =
        static_cast<std::size_t>(row_bytes(dtype, std::ssize(values))) / (values.size() / columns);
    std::vector<std::byte> row(n_row);
    for (std::size_t r = 0; r < values.size() / columns; ++r) {
      ASSERT_TRUE(inference::quantize_row(dtype, std::span(values).subspan(r * columns, columns),
                                          row.data()));
      const std::vector<std::byte> wanted(expected.begin() + static_cast<long>(r * n_row),
                                          expected.begin() + static_cast<long>((r + 1) * n_row));
      EXPECT_EQ(row, wanted) << dtype_name(dtype) << " row " << r;
    }
  }
}

/// Error of what comes back, relative to the size of the numbers.
double relative_error(DType dtype, const std::vector<float>& values) {
  const auto n = std::ssize(values);
  std::vector<std::byte> bytes(static_cast<std::size_t>(row_bytes(dtype, n)));
  EXPECT_TRUE(inference::quantize_row(dtype, values, bytes.data()));
  std::vector<float> back(values.size());
  kernels::dequantize_row({bytes.data(), dtype, 1, n}, 0, back.data());
  double error = 0;
  double size = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    error += (double{values[i]} - back[i]) * (double{values[i]} - back[i]);
    size += double{values[i]} * values[i];
  }
  return size == 0 ? std::sqrt(error) : std::sqrt(error / size);
}

TEST(Quantize, SuperBlocksLoseNoMoreThanTheirBitsSay) {
  const std::vector<float> noise = RandomFloats(5).uniform(256 * 40, 1.0F);
  EXPECT_LT(relative_error(DType::kQ2K, noise), 0.35);
  EXPECT_LT(relative_error(DType::kQ3K, noise), 0.2);
  EXPECT_LT(relative_error(DType::kIq4Nl, noise), 0.1);
  EXPECT_LT(relative_error(DType::kQ4K, noise), 0.08);
  EXPECT_LT(relative_error(DType::kQ5K, noise), 0.04);
  EXPECT_LT(relative_error(DType::kQ6K, noise), 0.02);
  for (const DType dtype :
       {DType::kQ2K, DType::kQ3K, DType::kQ4K, DType::kQ5K, DType::kQ6K, DType::kIq4Nl}) {
    EXPECT_EQ(relative_error(dtype, std::vector<float>(256, 0.0F)), 0.0) << dtype_name(dtype);
    EXPECT_LT(relative_error(dtype, std::vector<float>(256, 1e-30F)), 1.1) << dtype_name(dtype);
    EXPECT_LT(relative_error(dtype, std::vector<float>(256, -2.5F)), 0.02) << dtype_name(dtype);
    std::vector<float> peak(256, 0.01F);
    peak[77] = 50.0F;
    // The level next to zero of IQ4_NL is a hundredth of the largest.
    const double most = dtype == DType::kIq4Nl ? 0.05 : 0.02;
    EXPECT_LT(relative_error(dtype, peak), most) << dtype_name(dtype);
  }
}

TEST(Quantize, SaysWhenANumberIsTooLargeForTheType) {
  std::vector<std::byte> bytes(1024);
  std::vector<float> large(256, 1.0F);
  large[3] = 1e30F;
  for (const DType dtype :
       {DType::kF16, DType::kQ8_0, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1,
        DType::kQ2K, DType::kQ3K, DType::kQ4K, DType::kQ5K, DType::kQ6K, DType::kIq4Nl}) {
    EXPECT_FALSE(inference::quantize_row(dtype, large, bytes.data())) << dtype_name(dtype);
  }
  EXPECT_TRUE(inference::quantize_row(DType::kBF16, large, bytes.data()));
}

std::vector<float> logits_of(const std::filesystem::path& path,
                             const std::vector<std::int32_t>& ids) {
  auto model = inference::load_model(path);
  EXPECT_TRUE(model) << model.error().message;
  if (!model) return {};
  kernels::CpuBackend backend({.n_threads = 1});
  inference::KvCache cache(model->config, 64, DType::kF32);
  return read_tokens(inference::Decoder(*model, backend), cache, ids, Logits::kLast);
}

class ConvertTiny : public testing::TestWithParam<const char*> {};

TEST_P(ConvertTiny, KeepsTheLogitsOfTheFolder) {
  const TemporaryFolder folder;
  const std::filesystem::path source = golden_folder() / "tiny" / GetParam();
  std::ifstream in(golden_folder() / "tiny" / "golden.json");
  const auto golden = nlohmann::json::parse(in).at(source.stem().string());
  const auto ids = golden.at("ids").get<std::vector<std::int32_t>>();
  const auto expected = golden.at("logits").back().get<std::vector<float>>();
  for (const DType dtype : {DType::kF32, DType::kF16}) {
    const auto target = folder.path() / (std::string(dtype_name(dtype)) + ".gguf");
    const auto report = convert_model(source, target, {.matrices = dtype}, FileSystem::posix());
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->n_bytes, static_cast<std::int64_t>(std::filesystem::file_size(target)));
    EXPECT_LE(max_difference(logits_of(target, ids), expected), kTinyGoldenLogits)
        << dtype_name(dtype);
    // From GGUF to GGUF every bit stays where the type does.
    const auto again = folder.path() / (std::string(dtype_name(dtype)) + "-again.gguf");
    ASSERT_TRUE(convert_model(target, again, {.matrices = dtype}, FileSystem::posix()));
    EXPECT_EQ(read_file(again).size(), read_file(target).size());
    EXPECT_EQ(logits_of(again, ids), logits_of(target, ids));
  }
}

INSTANTIATE_TEST_SUITE_P(EveryArchitecture, ConvertTiny,
                         testing::Values("llama_plain", "llama_linear", "llama_llama3",
                                         "llama_yarn", "mistral", "qwen2", "qwen2_yarn", "qwen3",
                                         "qwen3.gguf"),
                         [](const auto& info) {
                           std::string name = info.param;
                           for (char& c : name) c = c == '.' ? '_' : c;
                           return name;
                         });

TEST(ConvertModel, WritesEveryTypeItNames) {
  const TemporaryFolder folder;
  const auto source = folder.path() / "source.gguf";
  write_tiny_generator(source, {.n_layers = 1, .model_dim = 256, .ffn_dim = 256});
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0, DType::kQ4_0,
                            DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ2K, DType::kQ3K,
                            DType::kQ4K, DType::kQ5K, DType::kQ6K, DType::kIq4Nl}) {
    const auto target = folder.path() / (std::string(dtype_name(dtype)) + ".gguf");
    const auto report = convert_model(source, target, {.matrices = dtype}, FileSystem::posix());
    ASSERT_TRUE(report) << dtype_name(dtype) << ": " << report.error().message;
    const auto outline = inference::read_model_outline(target);
    ASSERT_TRUE(outline) << dtype_name(dtype) << ": " << outline.error().message;
    EXPECT_EQ(outline->weight_types, report->weight_types);
    EXPECT_NE(outline->weight_types.find(dtype_name(dtype)), std::string::npos);
    EXPECT_EQ(outline->tokenizer.tokens, inference::read_model_outline(source)->tokenizer.tokens);
  }
  const auto refused = convert_model(source, folder.path() / "x.gguf", {.matrices = DType::kQ8Kv},
                                     FileSystem::posix());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidInput);
}

TEST(ConvertModel, LeavesWhatWasThereUntilTheNewFileIsComplete) {
  const TemporaryFolder folder;
  const auto source = folder.path() / "source.gguf";
  const auto target = folder.path() / "target.gguf";
  write_tiny_generator(source);
  write_file(target, "mine");
  auto refused = convert_model(source, target, {}, FileSystem::posix());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("exists already"), std::string::npos);
  const ConvertOptions options{.replace = true};

  std::stop_source stop;
  const auto stopped = convert_model(
      source, target, options, FileSystem::posix(),
      [&](std::int64_t, std::int64_t) { stop.request_stop(); }, stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(read_file(target), "mine");

  FaultyFileSystem files;
  for (std::int64_t nth = 1; nth < 100; ++nth) {
    files.fail_call(nth, Fault::kDiskFull, Times::kOnce);
    const auto report = convert_model(source, target, options, files);
    if (report) {
      EXPECT_GT(nth, 3) << "no call failed";
      EXPECT_EQ(files.n_failed(), 0);
      break;
    }
    const auto n_entries = std::distance(std::filesystem::directory_iterator(folder.path()), {});
    EXPECT_EQ(n_entries, 2) << "a temporary file stays behind";
  }
  EXPECT_TRUE(inference::load_model(target));
  EXPECT_FALSE(convert_model(target, target, options, FileSystem::posix()))
      << "a model over itself";
}

TEST(ConvertModel, TellsHowFarItIs) {
  const TemporaryFolder folder;
  const auto source = folder.path() / "source.gguf";
  write_tiny_generator(source);
  std::int64_t last = 0;
  std::int64_t all = 0;
  const auto report = convert_model(source, folder.path() / "target.gguf", {}, FileSystem::posix(),
                                    [&](std::int64_t done, std::int64_t total) {
                                      EXPECT_GT(done, last);
                                      last = done;
                                      all = total;
                                    });
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(last, all);
  EXPECT_EQ(all, report->n_bytes);
}

TEST(ConvertModel, ATokenizerJsonBecomesAVocabularyThatGivesTheSameIds) {
  const TemporaryFolder folder;
  const auto copy = folder.path() / "model";
  std::filesystem::copy(golden_folder() / "tiny" / "qwen2", copy);
  // 48 tokens: bytes that spell a few words, one merge, one control token; the rest is padding.
  nlohmann::json vocab = nlohmann::json::object();
  int id = 0;
  for (const char* token : {"a", "b", "c", "d", "e", "f", "g", "\u0120", "\u010a", "ab", "1"}) {
    vocab[token] = id++;
  }
  const nlohmann::json document = {
      {"added_tokens", {{{"id", 20}, {"content", "<|im_end|>"}, {"special", true}}}},
      {"normalizer", {{"type", "NFC"}}},
      {"pre_tokenizer",
       {{"type", "Sequence"},
        {"pretokenizers",
         {{{"type", "Split"},
           {"pattern",
            {{"Regex",
              R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}}},
           {"behavior", "Isolated"},
           {"invert", false}},
          {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}}},
      {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", {"a b"}}}}};
  write_file(copy / "tokenizer.json", document.dump());
  const auto target = folder.path() / "target.gguf";
  const auto report = convert_model(copy, target, {.matrices = DType::kF16}, FileSystem::posix());
  ASSERT_TRUE(report) << report.error().message;
  const auto from_folder = inference::read_model_outline(copy);
  const auto from_file = inference::read_model_outline(target);
  ASSERT_TRUE(from_folder && from_file);
  EXPECT_EQ(from_file->tokenizer.pre, "qwen2");
  EXPECT_EQ(from_file->tokenizer.tokens.size(), 48U);
  const auto a = value_or_throw(inference::make_tokenizer(from_folder->tokenizer));
  const auto b = value_or_throw(inference::make_tokenizer(from_file->tokenizer));
  for (const char* text : {"ab cab\n1 abba", "<|im_end|>", "fade a bad cab 11"}) {
    EXPECT_EQ(a->encode(text), b->encode(text)) << text;
  }
  EXPECT_EQ(b->control_id("<|im_end|>"), 20);
}

}  // namespace
}  // namespace kvlink::tests
