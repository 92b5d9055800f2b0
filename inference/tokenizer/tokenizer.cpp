// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/tokenizer.h"

#include "inference/model/printable.h"
#include "inference/tokenizer/byte_level_bpe.h"
#include "inference/tokenizer/rank_file.h"
#include "inference/tokenizer/tokenizer_kinds.h"
#include "kernels/base/utf8.h"

namespace kvlink::inference {

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
  std::string text;
  for (const std::int32_t id : ids) text += piece(id);
  return is_valid_utf8(text) ? text : repair_utf8(text);
}

ByteLevelOptions byte_level_options(const TokenizerSource& source) {
  const std::string_view name = source.pre.empty() ? "default" : std::string_view(source.pre);
  const auto pre = pre_tokenizer_from_name(name);
  if (!pre) {
    std::string known;
    for (const auto handled : pre_tokenizer_names()) {
      known += (known.empty() ? "" : ", ") + std::string(handled);
    }
    fail(ErrorCode::kUnsupported, "the tokenizer's pre-tokenizer \"" + printable(name) +
                                      "\" is not handled; handled are " + known);
  }
  ByteLevelOptions options;
  options.pre_tokenizer = *pre;
  // The name stands for more than the pattern: Llama 3's for whole words first, which others with
  // the same pattern do not do, and Qwen's for form C.
  options.whole_words_first = name == "llama-bpe" || name == "llama3" || name == "llama-v3";
  options.nfc = name == "qwen2";
  return options;
}

std::unique_ptr<Tokenizer> make_byte_level_bpe(const TokenizerSource& source) {
  return std::make_unique<ByteLevelBpe>(source, byte_level_options(source));
}

Result<std::unique_ptr<Tokenizer>> make_tokenizer(const TokenizerSource& source) {
  return returning([&]() -> std::unique_ptr<Tokenizer> {
    if (source.kind == "gpt2") return make_byte_level_bpe(source);
    if (source.kind == "llama") return make_score_bpe(source);
    if (source.kind == "bert") return make_word_piece(source);
    if (source.kind == "tokenizer.json") return make_from_tokenizer_json(source);
    if (source.kind == "tokenizer.model") {
      if (is_rank_file(source.model_bytes)) return make_byte_level_bpe(vocabulary_of_ranks(source));
      return make_from_sentencepiece_model(source);
    }
    if (source.kind.empty()) {
      fail(ErrorCode::kNotFound,
           "the model comes without a tokenizer; put tokenizer.json or tokenizer.model beside it");
    }
    fail(ErrorCode::kUnsupported, "the tokenizer kind \"" + source.kind + "\" is not handled");
  });
}

std::string StreamingText::push(std::int32_t id) {
  pending_ += tokenizer_.piece(id);
  const std::size_t n = complete_utf8_prefix(pending_);
  std::string ready = repair_utf8(std::string_view(pending_).substr(0, n));
  pending_.erase(0, n);
  return ready;
}

std::string StreamingText::finish() {
  std::string rest = repair_utf8(pending_);
  pending_.clear();
  return rest;
}

}  // namespace kvlink::inference
