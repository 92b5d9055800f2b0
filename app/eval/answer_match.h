// SPDX-License-Identifier: Apache-2.0
// Whether an answer says what was asked for: normalised text, match, overlap, refusal.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvlink::app {

/// Words in lower case (Latin, Greek and Cyrillic letters), punctuation read as spaces.
std::vector<std::string> words_of(std::string_view text);
/// words_of without the articles a, an and the: what answers are compared by.
std::vector<std::string> answer_words(std::string_view text);

/// Sub-span match: the words of one of `accepted` stand in the text, in a row. An accepted answer
/// without words ("the") never matches.
bool matches_sub_span(std::string_view text, std::span<const std::string> accepted);
/// The text is one of them, word by word.
bool matches_exactly(std::string_view text, std::span<const std::string> accepted);
/// Harmonic mean of the precision and recall of words, each counted as often as it occurs; the best
/// over `accepted`. 0 to 1.
double token_f1(std::string_view text, std::span<const std::string> accepted);
/// F measure (beta 1) of the longest common subsequence of words (ROUGE-L, Lin 2004), articles
/// included; the best over `references`. At most the first 4,096 words of each text count.
double rouge_l(std::string_view text, std::span<const std::string> references);
/// Nothing was answered: no word at all, or a phrase that says that the passages do not tell.
bool is_refusal(std::string_view text);

}  // namespace kvlink::app
