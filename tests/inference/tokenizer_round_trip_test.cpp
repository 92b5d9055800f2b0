// SPDX-License-Identifier: Apache-2.0
// Random Unicode there and back, through every way of cutting words.
#include <random>

#include "inference/tokenizer/nfc.h"
#include "inference/tokenizer/pre_tokenizer.h"
#include "kernels/base/utf8.h"
#include "tests/inference/tokenizer_sources.h"

namespace kvlink::tests {
namespace {

constexpr int kStrings = 10'000;

std::string random_text(std::mt19937& random) {
  constexpr std::uint32_t kLimits[] = {0x80, 0x80, 0x800, 0x3000, 0x10000, 0x110000};
  std::string text;
  for (std::size_t n = random() % 40; n > 0; --n) {
    const auto c = static_cast<std::uint32_t>(random() % kLimits[random() % std::size(kLimits)]);
    // Sentencepiece's own mark for a space comes back as one.
    constexpr std::uint32_t kSpaceMark = 0x2581;
    if ((c < 0xD800 || c > 0xDFFF) && c != kSpaceMark) append_utf8(text, c);
  }
  return text;
}

TEST(RoundTrip, TenThousandRandomTextsComeBackFromEveryPreTokenizer) {
  const auto names = inference::pre_tokenizer_names();
  std::vector<std::unique_ptr<inference::Tokenizer>> tokenizers;
  for (const auto name : names) {
    tokenizers.push_back(make(
        byte_level_source(std::string(name), {"Ġ a", "à ¸", "à¸ ģ", "1 2", "Ċ Ċ", "ã Ģ", "Ġ Ġ"})));
  }
  std::mt19937 random(12);
  for (int i = 0; i < kStrings; ++i) {
    const std::string text = random_text(random);
    const std::size_t which = static_cast<std::size_t>(i) % names.size();
    const bool changes = names[which] == "qwen2";  // form C is part of that name
    const auto ids = tokenizers[which]->encode(text);
    ASSERT_EQ(tokenizers[which]->decode(ids), changes ? inference::to_nfc(text) : text)
        << names[which] << " " << i;
  }
}

TEST(RoundTrip, TenThousandRandomTextsComeBackFromSentencepiece) {
  inference::TokenizerSource source;
  source.kind = "llama";
  source.unk_id = add_token(source, "<unk>", kUnknownType);
  for (int byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof(text), "<0x%02X>", byte);
    add_token(source, text, kByteType);
  }
  float score = 0;
  for (const char* piece : {"\u2581", "a", "b", "\u2581a", "\u00e9", "\u4e00", "\u4e00\u4e00"}) {
    add_token(source, piece, kNormalType, score -= 1);
  }
  source.add_space_prefix = false;
  const auto tokenizer = make(source);
  std::mt19937 random(13);
  for (int i = 0; i < kStrings; ++i) {
    const std::string text = random_text(random);
    ASSERT_EQ(tokenizer->decode(tokenizer->encode(text)), text) << i;
  }
}

TEST(RoundTrip, AMegabyteOfOneCharacterTakesTimeInProportion) {
  // With quadratic time this would not end.
  for (const auto name : inference::pre_tokenizer_names()) {
    const auto tokenizer = make(byte_level_source(std::string(name), {"a a", "aa aa", "Ġ Ġ"}));
    for (const char* unit : {"a", " ", "1", "\n", ".", "\u4e00", "\u3000", "\u0301"}) {
      std::string text;
      while (text.size() < 1'000'000) text += unit;
      EXPECT_FALSE(tokenizer->encode(text).empty()) << name;
    }
  }
}

}  // namespace
}  // namespace kvlink::tests
