// SPDX-License-Identifier: Apache-2.0
// Text to token ids and back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inference/model/model.h"
#include "kernels/base/result.h"

namespace kvlink::inference {

/// Immutable and safe to use from any thread.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Ids of plain text. Never a control token: "<|im_end|>" in a document is eight characters of
  /// text. Malformed UTF-8 is repaired to U+FFFD first. Adds neither BOS nor EOS. Linear time.
  virtual std::vector<std::int32_t> encode(std::string_view text) const = 0;

  /// Bytes of one token as text; control tokens give "". May end inside a character.
  virtual std::string piece(std::int32_t id) const = 0;

  virtual std::int32_t vocab_size() const = 0;
  virtual std::int32_t bos_id() const = 0;  ///< -1 when the model has none
  virtual std::int32_t eos_id() const = 0;  ///< -1 when the model has none
  /// Whether the model expects BOS at the very start of a prompt.
  virtual bool add_bos() const = 0;
  virtual bool is_control(std::int32_t id) const = 0;
  /// The id of a control token by its exact text ("<|im_start|>").
  virtual std::optional<std::int32_t> control_id(std::string_view text) const = 0;
  /// "byte-level BPE (smollm)", "sentencepiece", "WordPiece"
  virtual std::string describe() const = 0;

  /// Text of a sequence; malformed UTF-8 that the tokens spell is repaired.
  std::string decode(std::span<const std::int32_t> ids) const;
};

/// From what a model file carries. kUnsupported names the tokenizer kind that is not handled.
Result<std::unique_ptr<Tokenizer>> make_tokenizer(const TokenizerSource& source);

/// Text that may be shown while tokens arrive: never half a character.
class StreamingText {
 public:
  explicit StreamingText(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}
  /// The characters that `id` completed; "" while one is incomplete.
  std::string push(std::int32_t id);
  /// What was still incomplete, repaired.
  std::string finish();

 private:
  const Tokenizer& tokenizer_;
  std::string pending_;
};

}  // namespace kvlink::inference
