// SPDX-License-Identifier: Apache-2.0
// The text of an answer as it grows.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "inference/tokenizer/tokenizer.h"

namespace kvlink::app {

/// Characters that are complete, as soon as they are. Called on the answering thread.
using TextCallback = std::function<void(std::string_view)>;

/// kEnd: a line that begins with "Question:" ends the answer and is not part of it.
enum class NextQuestion : std::uint8_t { kEnd, kKeep };

/// Turns tokens into text and hands it on. What may be the start of a line that ends the answer is
/// held back until it is clear. One thread; borrows all it is given.
class AnswerText {
 public:
  AnswerText(const inference::Tokenizer& tokenizer, const TextCallback& on_text,
             NextQuestion next_question)
      : streaming_(tokenizer), on_text_(on_text), next_question_(next_question) {}

  /// False: the answer has ended before this token.
  bool push(std::int32_t token);
  /// Hands on what was held back; the whole text.
  std::string finish();

 private:
  bool take(const std::string& piece);
  std::size_t find_marker_line() const;
  void show(const std::string& piece);

  inference::StreamingText streaming_;
  const TextCallback& on_text_;
  NextQuestion next_question_;
  std::string held_;
  bool ended_ = false;
  std::string text_;
};

}  // namespace kvlink::app
