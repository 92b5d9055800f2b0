// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/rank_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "inference/tokenizer/byte_level.h"
#include "inference/tokenizer/merge_table.h"
#include "inference/tokenizer/vocabulary.h"
#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

constexpr std::size_t kLlama3Ranks = 128'000;
constexpr std::size_t kLlama3Controls = 256;
/// Merging a token costs more than its length.
constexpr std::size_t kMaxRankedBytes = 1'024;

[[noreturn]] void corrupt(std::size_t line, const std::string& what) {
  fail(ErrorCode::kCorrupt, "tokenizer.model: line " + std::to_string(line + 1) + " " + what);
}

std::optional<std::uint32_t> base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<std::uint32_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a' + 26);
  if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0' + 52);
  if (c == '+') return 62;
  if (c == '/') return 63;
  return std::nullopt;
}

/// Nothing for text that is not base64 in groups of four.
std::optional<std::string> decode_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::size_t n_digits = text.size();
  while (n_digits > text.size() - 2 && text[n_digits - 1] == '=') --n_digits;
  std::string bytes;
  std::uint32_t bits = 0;
  int n_bits = 0;
  for (const char c : text.substr(0, n_digits)) {
    const auto digit = base64_digit(c);
    if (!digit) return std::nullopt;
    bits = bits << 6 | *digit;
    n_bits += 6;
    if (n_bits < 8) continue;
    n_bits -= 8;
    bytes += static_cast<char>(bits >> n_bits & 0xFF);
  }
  return bytes;
}

struct Line {
  std::string bytes;
  std::size_t rank = 0;
};

std::optional<Line> read_line(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  auto bytes = decode_base64(text.substr(0, space));
  const std::string_view digits = text.substr(space + 1);
  std::size_t rank = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), rank);
  if (!bytes || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return Line{std::move(*bytes), rank};
}

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::vector<std::string> read_ranks(std::string_view rest) {
  std::vector<std::string> tokens;
  std::unordered_set<std::string> seen;
  while (!rest.empty()) {
    const std::string_view text = take_line(rest);
    if (text.empty()) continue;
    const std::size_t line = tokens.size();
    auto read = read_line(text);
    if (!read) corrupt(line, "is not base64, a space and a number");
    if (read->rank != line) corrupt(line, "does not have the next rank");
    if (read->bytes.size() > kMaxRankedBytes) corrupt(line, "is longer than any token");
    if (!seen.insert(read->bytes).second) corrupt(line, "repeats a token");
    tokens.push_back(std::move(read->bytes));
    if (tokens.size() > kMaxVocabSize) corrupt(line, "is more than a vocabulary has");
  }
  return tokens;
}

std::string spelled(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += spelling_of_byte(static_cast<unsigned char>(byte));
  return text;
}

/// Pairs in the order of ranks, found with the ranks below.
void add_merges(const std::vector<std::string>& tokens, TokenizerSource& out) {
  std::array<std::int32_t, 256> byte_ids;
  byte_ids.fill(-1);
  MergeTable table(tokens.size());
  MergeWorkspace workspace;
  std::vector<std::int32_t> symbols;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    const std::string& token = tokens[id];
    if (token.size() == 1) {
      byte_ids[static_cast<unsigned char>(token[0])] = static_cast<std::int32_t>(id);
      continue;
    }
    symbols.clear();
    for (const char byte : token) symbols.push_back(byte_ids[static_cast<unsigned char>(byte)]);
    // A byte without a rank below: only the whole word finds this token.
    if (std::find(symbols.begin(), symbols.end(), -1) != symbols.end()) continue;
    merge_symbols(table, symbols, workspace);
    if (symbols.size() != 2) continue;
    table.insert(symbols[0], symbols[1],
                 {static_cast<std::uint32_t>(id), static_cast<std::int32_t>(id)});
    out.merges.push_back(out.tokens[static_cast<std::size_t>(symbols[0])] + " " +
                         out.tokens[static_cast<std::size_t>(symbols[1])]);
  }
}

/// Names by their place, as Llama 3.1 and later have them; Llama 3 calls some of them reserved.
std::string control_name(std::size_t i) {
  constexpr std::array<const char*, 11> kNames = {"<|begin_of_text|>",
                                                  "<|end_of_text|>",
                                                  nullptr,
                                                  nullptr,
                                                  "<|finetune_right_pad_id|>",
                                                  nullptr,
                                                  "<|start_header_id|>",
                                                  "<|end_header_id|>",
                                                  "<|eom_id|>",
                                                  "<|eot_id|>",
                                                  "<|python_tag|>"};
  std::size_t n_reserved = 0;
  for (std::size_t before = 0; before < i; ++before) {
    n_reserved += before >= kNames.size() || kNames[before] == nullptr;
  }
  if (i < kNames.size() && kNames[i] != nullptr) return kNames[i];
  return "<|reserved_special_token_" + std::to_string(n_reserved) + "|>";
}

}  // namespace

bool is_rank_file(std::string_view bytes) {
  return !bytes.empty() && read_line(take_line(bytes)).has_value();
}

TokenizerSource vocabulary_of_ranks(const TokenizerSource& source) {
  const std::vector<std::string> tokens = read_ranks(source.model_bytes);
  if (tokens.size() != kLlama3Ranks) {
    fail(ErrorCode::kUnsupported,
         "tokenizer.model: a list of " + std::to_string(tokens.size()) +
             " ranks does not say how it cuts words; only Llama 3's, of 128,000, is known. Use the "
             "model's tokenizer.json or a GGUF of it");
  }
  TokenizerSource out;
  out.kind = "gpt2";
  out.pre = "llama-bpe";
  for (const std::string& token : tokens) out.tokens.push_back(spelled(token));
  out.types.assign(tokens.size(), static_cast<std::int32_t>(TokenType::kNormal));
  add_merges(tokens, out);
  for (std::size_t i = 0; i < kLlama3Controls; ++i) {
    out.tokens.push_back(control_name(i));
    out.types.push_back(static_cast<std::int32_t>(TokenType::kControl));
  }
  const auto begin = static_cast<std::int32_t>(kLlama3Ranks);
  out.bos_id = source.bos_id >= 0 ? source.bos_id : begin;
  out.eos_id = source.eos_id >= 0 ? source.eos_id : begin + 1;
  out.add_bos = true;
  out.stop_ids = source.stop_ids;
  out.stop_texts = source.stop_texts;
  out.chat_template = source.chat_template;
  return out;
}

}  // namespace kvlink::inference
