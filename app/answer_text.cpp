// SPDX-License-Identifier: Apache-2.0
#include "app/answer_text.h"

#include <utility>

namespace kvlink::app {
namespace {

constexpr std::string_view kMarker = "Question:";
constexpr const char* kBlank = " \t\r\n";

}  // namespace

bool AnswerText::push(std::int32_t token) { return take(streaming_.push(token)); }

std::string AnswerText::finish() {
  if (!ended_) take(streaming_.finish());
  if (!ended_ && held_.find_first_not_of(kBlank) != std::string::npos) show(held_);
  return std::move(text_);
}

bool AnswerText::take(const std::string& piece) {
  held_ += piece;
  const std::size_t line = find_marker_line();
  show(held_.substr(0, line));
  held_.erase(0, line);
  const std::size_t word = held_.find_first_not_of(kBlank);
  ended_ = line != std::string::npos && word != std::string::npos &&
           held_.size() - word >= kMarker.size();
  return !ended_;
}

/// Where the line break stands behind which the marker stands, or may come to stand; npos: nowhere.
std::size_t AnswerText::find_marker_line() const {
  if (next_question_ == NextQuestion::kKeep) return std::string::npos;
  for (std::size_t line = held_.find('\n'); line != std::string::npos;
       line = held_.find('\n', line + 1)) {
    const std::size_t word = held_.find_first_not_of(kBlank, line);
    if (word == std::string::npos) return line;
    if (kMarker.starts_with(std::string_view(held_).substr(word, kMarker.size()))) return line;
  }
  return std::string::npos;
}

void AnswerText::show(const std::string& piece) {
  if (piece.empty()) return;
  text_ += piece;
  if (on_text_) on_text_(piece);
}

}  // namespace kvlink::app
