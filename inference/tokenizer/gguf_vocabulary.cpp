// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/gguf_vocabulary.h"

#include <algorithm>
#include <array>
#include <utility>

#include "inference/tokenizer/rank_file.h"
#include "inference/tokenizer/sentencepiece_check.h"
#include "inference/tokenizer/sentencepiece_vocabulary.h"
#include "inference/tokenizer/tokenizer_json.h"
#include "inference/tokenizer/vocabulary.h"

namespace kvlink::inference {
namespace {

TokenizerSource read_any(const TokenizerSource& source) {
  if (source.kind == "tokenizer.json") return vocabulary_of_json(source);
  if (source.kind == "tokenizer.model") {
    if (is_rank_file(source.model_bytes)) return vocabulary_of_ranks(source);
    check_sentencepiece_model(source.model_bytes);
    if (auto vocabulary = sentencepiece_vocabulary(source)) return std::move(*vocabulary);
    fail(ErrorCode::kUnsupported,
         "tokenizer.model: its kind of sentencepiece model has no place in a GGUF file");
  }
  if (source.kind.empty()) {
    fail(ErrorCode::kNotFound,
         "the model comes without a tokenizer; put tokenizer.json or tokenizer.model beside it");
  }
  return source;
}

/// Ids that end an answer beside EOS, each once.
std::vector<std::int32_t> further_stops(const TokenizerSource& stated,
                                        const TokenizerSource& vocabulary) {
  std::vector<std::int32_t> ids;
  const auto add = [&](std::int32_t id) {
    const bool is_new =
        id != vocabulary.eos_id && std::find(ids.begin(), ids.end(), id) == ids.end();
    if (id >= 0 && is_new) ids.push_back(id);
  };
  for (const std::int32_t id : stated.stop_ids) add(id);
  const auto& tokens = vocabulary.tokens;
  for (const std::string& text : stated.stop_texts) {
    const auto found = std::find(tokens.begin(), tokens.end(), text);
    if (found != tokens.end()) add(static_cast<std::int32_t>(found - tokens.begin()));
  }
  return ids;
}

void fill_up(TokenizerSource& vocabulary, std::size_t n_tokens) {
  if (vocabulary.tokens.size() > n_tokens) {
    fail(ErrorCode::kCorrupt, "the tokenizer has " + std::to_string(vocabulary.tokens.size()) +
                                  " tokens and the embedding matrix " + std::to_string(n_tokens) +
                                  " rows");
  }
  const auto normal = static_cast<std::int32_t>(TokenType::kNormal);
  const auto unused = static_cast<std::int32_t>(TokenType::kUnused);
  vocabulary.types.resize(vocabulary.tokens.size(), normal);
  for (std::size_t i = 0; i < n_tokens; ++i) {
    if (i < vocabulary.tokens.size() && !vocabulary.tokens[i].empty()) continue;
    if (i == vocabulary.tokens.size()) {
      vocabulary.tokens.emplace_back();
      vocabulary.types.push_back(unused);
      if (!vocabulary.scores.empty()) vocabulary.scores.push_back(0.0F);
    }
    vocabulary.tokens[i] = "[PAD" + std::to_string(i) + "]";
    vocabulary.types[i] = unused;
  }
}

}  // namespace

TokenizerSource gguf_vocabulary(const TokenizerSource& source, std::int32_t n_tokens) {
  TokenizerSource vocabulary = read_any(source);
  fill_up(vocabulary, static_cast<std::size_t>(n_tokens));
  vocabulary.stop_ids = further_stops(source, vocabulary);
  vocabulary.stop_texts.clear();
  vocabulary.chat_template = source.chat_template;
  return vocabulary;
}

}  // namespace kvlink::inference
