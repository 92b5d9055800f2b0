// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/pre_tokenizer.h"

#include <array>
#include <utility>

#include "inference/tokenizer/deepseek_words.h"
#include "inference/tokenizer/text_scan.h"

namespace kvlink::inference {
namespace {

struct Char {
  CharClass char_class = CharClass::kEnd;
  std::size_t end = 0;  // where the next character begins
};

Char char_at(std::string_view text, std::size_t pos) {
  if (pos >= text.size()) return {CharClass::kEnd, pos};
  return {classify(code_point_at(text, pos)), pos + utf8_length(text[pos])};
}

std::size_t skip_class(std::string_view text, std::size_t pos, CharClass wanted) {
  for (Char c = char_at(text, pos); c.char_class == wanted; c = char_at(text, pos)) pos = c.end;
  return pos;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Length of 's 't 'm 'd 're 've 'll at pos, 0 when there is none.
std::size_t contraction_length(std::string_view text, std::size_t pos, bool any_case) {
  if (text[pos] != '\'' || pos + 1 >= text.size()) return 0;
  const auto letter = [&](std::size_t i) { return any_case ? lower(text[i]) : text[i]; };
  const char first = letter(pos + 1);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if (pos + 2 >= text.size()) return 0;
  const char second = letter(pos + 2);
  const bool found = (first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
                     (first == 'l' && second == 'l');
  return found ? 3 : 0;
}

/// White space up to `stop`: all of it at the end of the text, else all but its last character,
/// which belongs to the next word or stands alone.
struct SpaceRun {
  std::size_t end = 0;           // after the run
  std::size_t last = 0;          // where its last character begins
  std::size_t newlines_end = 0;  // after its last CR or LF, 0 without one
  CharClass stop = CharClass::kEnd;
};

SpaceRun scan_spaces(std::string_view text, std::size_t pos) {
  SpaceRun run{pos, pos, 0, CharClass::kEnd};
  for (;;) {
    const Char c = char_at(text, run.end);
    run.stop = c.char_class;
    if (!is_space(c.char_class)) return run;
    run.last = run.end;
    run.end = c.end;
    if (c.char_class == CharClass::kNewline) run.newlines_end = run.end;
  }
}

std::size_t end_of_spaces(const SpaceRun& run, std::size_t pos) {
  return run.stop == CharClass::kEnd || run.last == pos ? run.end : run.last;
}

std::size_t next_gpt2_word(std::string_view text, std::size_t pos, bool split_numbers) {
  const Char first = char_at(text, pos);
  if (split_numbers && first.char_class == CharClass::kNumber) return first.end;
  if (const std::size_t n = contraction_length(text, pos, false)) return pos + n;
  if (!is_space(first.char_class)) return skip_class(text, first.end, first.char_class);
  if (text[pos] == ' ') {
    const Char after = char_at(text, first.end);
    const bool isolated = split_numbers && after.char_class == CharClass::kNumber;
    if (!is_space(after.char_class) && after.char_class != CharClass::kEnd && !isolated) {
      return skip_class(text, after.end, after.char_class);
    }
  }
  SpaceRun run = scan_spaces(text, pos);
  if (split_numbers && run.stop == CharClass::kNumber) run.stop = CharClass::kEnd;
  return end_of_spaces(run, pos);
}

std::size_t skip_newlines(std::string_view text, std::size_t pos) {
  return skip_class(text, pos, CharClass::kNewline);
}

std::size_t next_llama3_word(std::string_view text, std::size_t pos, int max_numbers) {
  if (const std::size_t n = contraction_length(text, pos, true)) return pos + n;
  const Char first = char_at(text, pos);
  if (first.char_class == CharClass::kLetter) {
    return skip_class(text, first.end, CharClass::kLetter);
  }
  if (first.char_class == CharClass::kNumber) {
    std::size_t end = first.end;
    for (int i = 1; i < max_numbers; ++i) {
      const Char c = char_at(text, end);
      if (c.char_class != CharClass::kNumber) break;
      end = c.end;
    }
    return end;
  }
  const Char after = char_at(text, first.end);
  if (first.char_class != CharClass::kNewline && after.char_class == CharClass::kLetter) {
    return skip_class(text, after.end, CharClass::kLetter);
  }
  if (first.char_class == CharClass::kOther) {
    return skip_newlines(text, skip_class(text, first.end, CharClass::kOther));
  }
  if (text[pos] == ' ' && after.char_class == CharClass::kOther) {
    return skip_newlines(text, skip_class(text, after.end, CharClass::kOther));
  }
  const SpaceRun run = scan_spaces(text, pos);
  return run.newlines_end != 0 ? run.newlines_end : end_of_spaces(run, pos);
}

/// The name that converters write comes before its other names.
constexpr std::array<std::pair<std::string_view, PreTokenizer>, 16> kNames = {{
    {"gpt-2", PreTokenizer::kGpt2},
    {"default", PreTokenizer::kGpt2},
    {"smollm", PreTokenizer::kSmolLm},
    {"starcoder", PreTokenizer::kSmolLm},
    {"refact", PreTokenizer::kSmolLm},
    {"command-r", PreTokenizer::kSmolLm},
    {"llama-bpe", PreTokenizer::kLlama3},
    {"llama3", PreTokenizer::kLlama3},
    {"llama-v3", PreTokenizer::kLlama3},
    {"dbrx", PreTokenizer::kLlama3},
    {"smaug-bpe", PreTokenizer::kLlama3},
    {"qwen2", PreTokenizer::kQwen2},
    {"deepseek-r1-qwen", PreTokenizer::kQwen2},
    {"deepseek-coder", PreTokenizer::kDeepSeekCoder},
    {"deepseek-llm", PreTokenizer::kDeepSeekLlm},
    {"deepseek-v3", PreTokenizer::kDeepSeekV3},
}};

}  // namespace

std::optional<PreTokenizer> pre_tokenizer_from_name(std::string_view name) {
  for (const auto& [known, kind] : kNames) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

std::vector<std::string_view> pre_tokenizer_names() {
  std::vector<std::string_view> names;
  for (const auto& [name, kind] : kNames) names.push_back(name);
  return names;
}

const char* pre_tokenizer_name(PreTokenizer kind) {
  switch (kind) {
    case PreTokenizer::kGpt2:
      return "gpt-2";
    case PreTokenizer::kSmolLm:
      return "smollm";
    case PreTokenizer::kLlama3:
      return "llama-3";
    case PreTokenizer::kQwen2:
      return "qwen2";
    case PreTokenizer::kDeepSeekCoder:
      return "deepseek-coder";
    case PreTokenizer::kDeepSeekLlm:
      return "deepseek-llm";
    case PreTokenizer::kDeepSeekV3:
      return "deepseek-v3";
  }
  return "";
}

std::size_t next_word(PreTokenizer kind, std::string_view text, std::size_t pos) {
  switch (kind) {
    case PreTokenizer::kGpt2:
      return next_gpt2_word(text, pos, false);
    case PreTokenizer::kSmolLm:
      return next_gpt2_word(text, pos, true);
    case PreTokenizer::kLlama3:
      return next_llama3_word(text, pos, 3);
    case PreTokenizer::kQwen2:
      return next_llama3_word(text, pos, 1);
    case PreTokenizer::kDeepSeekCoder:
      return next_deepseek_coder_word(text, pos);
    case PreTokenizer::kDeepSeekLlm:
      return next_deepseek_llm_word(text, pos);
    case PreTokenizer::kDeepSeekV3:
      return next_deepseek_v3_word(text, pos);
  }
  return text.size();
}

}  // namespace kvlink::inference
