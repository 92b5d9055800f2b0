// SPDX-License-Identifier: Apache-2.0
// A tokenizer.model: rebuilt where its vocabulary says everything, else through the library.
#include "inference/tokenizer/sentencepiece_check.h"
#include "inference/tokenizer/sentencepiece_spelling.h"
#include "inference/tokenizer/sentencepiece_vocabulary.h"
#include "inference/tokenizer/text_scan.h"
#include "inference/tokenizer/tokenizer_kinds.h"
#include "inference/tokenizer/vocabulary.h"
#include "kernels/base/utf8.h"

#ifdef KVLINK_HAVE_SENTENCEPIECE
#include <sentencepiece_processor.h>
#endif

namespace kvlink::inference {

#ifdef KVLINK_HAVE_SENTENCEPIECE
namespace {

// The library needs some hundred bytes for each character it is given at once.
constexpr std::size_t kMaxPartBytes = std::size_t{1} << 22;

/// Text longer than 4 MiB is encoded in parts of that size.
class SentencepieceModel final : public Tokenizer {
 public:
  explicit SentencepieceModel(const TokenizerSource& source) : add_bos_(source.add_bos) {
    const auto status = processor_.LoadFromSerializedProto(source.model_bytes);
    if (!status.ok()) {
      fail(ErrorCode::kCorrupt, "tokenizer.model is damaged: " + status.ToString());
    }
    bos_id_ = named_id(source.bos_id, processor_.bos_id());
    eos_id_ = named_id(source.eos_id, processor_.eos_id());
    for (std::int32_t id = 0; id < vocab_size(); ++id) {
      if (is_control(id)) controls_.emplace(processor_.IdToPiece(id), id);
    }
  }

  std::vector<std::int32_t> encode(std::string_view text) const override {
    std::string repaired;
    if (!is_valid_utf8(text)) {
      repaired = repair_utf8(text);
      text = repaired;
    }
    std::vector<std::int32_t> ids;
    while (!text.empty()) {
      const std::size_t n = complete_utf8_prefix(text.substr(0, kMaxPartBytes));
      std::vector<int> part;
      const auto status = processor_.Encode(text.substr(0, n), &part);
      // A vocabulary that contradicts itself may leave the library without an answer. Text always
      // has ids, so this part is what a character that no token spells is: unknown.
      if (!status.ok()) part.assign(1, processor_.unk_id());
      ids.insert(ids.end(), part.begin(), part.end());
      text.remove_prefix(n);
    }
    return ids;
  }

  std::string piece(std::int32_t id) const override {
    if (id < 0 || id >= vocab_size() || processor_.IsControl(id)) return {};
    if (processor_.IsUnknown(id)) return "\xEF\xBF\xBD";
    const std::string& token = processor_.IdToPiece(id);
    if (processor_.IsByte(id)) {
      return std::string(1, static_cast<char>(byte_of_token(token).value_or(0)));
    }
    return text_of_token(token);
  }

  std::int32_t vocab_size() const override { return processor_.GetPieceSize(); }
  std::int32_t bos_id() const override { return bos_id_; }
  std::int32_t eos_id() const override { return eos_id_; }
  bool add_bos() const override { return add_bos_; }
  bool is_control(std::int32_t id) const override {
    const bool known = id >= 0 && id < vocab_size();
    return known && (processor_.IsControl(id) || processor_.IsUnknown(id));
  }
  std::optional<std::int32_t> control_id(std::string_view text) const override {
    const auto it = controls_.find(std::string(text));
    if (it == controls_.end()) return std::nullopt;
    return it->second;
  }
  std::string describe() const override { return "sentencepiece"; }

 private:
  std::int32_t named_id(std::int32_t stated, std::int32_t in_model) const {
    if (stated < -1 || stated >= vocab_size()) {
      fail(ErrorCode::kCorrupt, "tokenizer: the id " + std::to_string(stated) +
                                    " is outside the vocabulary of " +
                                    std::to_string(vocab_size()) + " tokens");
    }
    return stated >= 0 ? stated : in_model;
  }

  sentencepiece::SentencePieceProcessor processor_;
  std::unordered_map<std::string, std::int32_t> controls_;
  std::int32_t bos_id_ = -1;
  std::int32_t eos_id_ = -1;
  bool add_bos_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_sentencepiece_library(const TokenizerSource& source) {
  check_sentencepiece_model(source.model_bytes);
  return std::make_unique<SentencepieceModel>(source);
}

#else

std::unique_ptr<Tokenizer> make_sentencepiece_library(const TokenizerSource&) {
  fail(ErrorCode::kUnsupported,
       "tokenizer.model is not handled: this build has no sentencepiece library");
}

#endif

std::unique_ptr<Tokenizer> make_from_sentencepiece_model(const TokenizerSource& source) {
  check_sentencepiece_model(source.model_bytes);
  // Our own merge loop is some ten times faster than the library's.
  if (const auto vocabulary = sentencepiece_vocabulary(source)) return make_score_bpe(*vocabulary);
  return make_sentencepiece_library(source);
}

}  // namespace kvlink::inference
