// SPDX-License-Identifier: Apache-2.0
// Byte-level BPE: GPT-2 and its descendants.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "inference/tokenizer/merge_table.h"
#include "inference/tokenizer/pre_tokenizer.h"
#include "inference/tokenizer/user_tokens.h"
#include "inference/tokenizer/vocabulary.h"

namespace kvlink::inference {

/// What the vocabulary alone does not say.
struct ByteLevelOptions {
  PreTokenizer pre_tokenizer = PreTokenizer::kGpt2;
  bool whole_words_first =
      false;                      ///< a word that is a token is that token, whatever the merges say
  bool nfc = false;               ///< text between added tokens is brought into form C
  bool add_prefix_space = false;  ///< text that does not begin with a space gets one

  bool operator==(const ByteLevelOptions&) const = default;
};

/// What `source.pre` of a GGUF vocabulary means. Throws kUnsupported for a name that is not
/// handled.
ByteLevelOptions byte_level_options(const TokenizerSource& source);

/// Bytes for which the vocabulary has no token are left out, as the reference does. Merges whose
/// halves or result are not in the vocabulary, or are control tokens, can never apply and are
/// ignored. A word of more than 4 MiB is merged in parts of that size.
class ByteLevelBpe final : public VocabularyTokenizer {
 public:
  /// Throws what Vocabulary throws, and kCorrupt for a merge that is not two texts.
  ByteLevelBpe(const TokenizerSource& source, ByteLevelOptions options,
               std::span<const AddedTokenRule> rules = {});

  std::vector<std::int32_t> encode(std::string_view text) const override;
  std::string piece(std::int32_t id) const override;
  std::string describe() const override;

 private:
  struct Workspace {
    std::vector<std::int32_t> symbols;
    MergeWorkspace merge;
  };
  void read_pieces();
  void read_merges(const std::vector<std::string>& merges);
  void index_whole_words();
  void append_raw(std::string_view text, Workspace& workspace,
                  std::vector<std::int32_t>& out) const;
  void append_text(std::string_view text, Workspace& workspace,
                   std::vector<std::int32_t>& out) const;
  void append_word(std::string_view word, Workspace& workspace,
                   std::vector<std::int32_t>& out) const;

  ByteLevelOptions options_;
  UserTokens raw_tokens_;
  UserTokens normalized_tokens_;
  MergeTable merges_;
  std::vector<std::string> pieces_;           // bytes of each token
  std::array<std::int32_t, 256> byte_ids_{};  // -1: the vocabulary cannot say this byte
  std::unordered_map<std::string_view, std::int32_t> whole_words_;  // only if they come first
};

}  // namespace kvlink::inference
