// SPDX-License-Identifier: Apache-2.0
// Chat formats by name: where system text, documents, questions and answers go.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inference/tokenizer/tokenizer.h"

namespace kvlink::inference {

/// The pieces of a prompt as token ids. Pieces are tokenised separately, so a chunk's ids never
/// depend on what stands around it, and `full` mode reads exactly the concatenation.
///
///   prefix | chunk 1 | … | chunk n | question | answer … | next_turn | chunk … | question | …
class ChatFormat {
 public:
  virtual ~ChatFormat() = default;
  virtual std::string_view name() const = 0;  ///< one of chat_format_names()

  /// BOS (where the model wants it), system text, and the opening of the first user turn: fixed for
  /// a system text, so chunks can be encoded behind it.
  virtual std::vector<std::int32_t> prefix(std::string_view system) const = 0;
  /// The question, the end of the user's turn, and the opening of the answer.
  virtual std::vector<std::int32_t> question(std::string_view text) const = 0;
  /// What closes an answer and opens the next user turn.
  virtual std::vector<std::int32_t> next_turn() const = 0;
  /// Ids that end an answer.
  virtual std::span<const std::int32_t> stop_ids() const = 0;
};

/// "chatml", "llama-3", "llama-2", "mistral", "zephyr", "plain".
std::vector<std::string> chat_format_names();

/// The format called `name`; with no name the one whose key marks stand in the model's template
/// ("<|im_start|>": ChatML) and in its vocabulary, else plain. The tokenizer must outlive the
/// format. Throws kInvalidInput for a name that is none, kUnsupported when the vocabulary lacks the
/// marks of the format that was asked for.
std::unique_ptr<ChatFormat> make_chat_format(const TokenizerSource& source,
                                             const Tokenizer& tokenizer,
                                             std::string_view name = {});

}  // namespace kvlink::inference
