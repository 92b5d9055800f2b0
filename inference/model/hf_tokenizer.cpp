// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "inference/model/json_text.h"
#include "inference/model/limits.h"
#include "inference/model/llama_hf.h"
#include "inference/model/mapped_file.h"
#include "kernels/base/result.h"
#include "kernels/base/utf8.h"

namespace kvlink::inference {
namespace {

using nlohmann::json;

constexpr std::int32_t kNormal = 1;
constexpr std::int32_t kUnknown = 2;
constexpr std::int32_t kControl = 3;
constexpr std::int32_t kByte = 6;

/// The token ids under `key`: one, several or none.
std::vector<std::int32_t> read_ids(const json& config, const char* key, std::int32_t vocab_size,
                                   const char* file) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return {};
  const auto size = static_cast<std::uint64_t>(vocab_size);
  std::vector<std::int32_t> ids;
  const auto add = [&](const json& value) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() >= size) {
      fail(ErrorCode::kCorrupt,
           std::string(file) + ": \"" + key + "\" is not a token of the vocabulary");
    }
    ids.push_back(static_cast<std::int32_t>(value.get<std::uint64_t>()));
  };
  if (!found->is_array()) {
    add(*found);
    return ids;
  }
  for (const json& value : *found) add(value);
  return ids;
}

/// The first of them, or -1.
std::int32_t first_id(const std::vector<std::int32_t>& ids) {
  return ids.empty() ? -1 : ids.front();
}

json read_object(const std::filesystem::path& folder, const char* name) {
  if (!std::filesystem::exists(folder / name)) return json::object();
  return parse_json_object(read_small_file(folder / name, 2 * limits::kMaxTemplateBytes), name);
}

/// A token's text: a string, or an object with its content.
std::string token_text(const json& stated, const char* key) {
  const auto found = stated.find(key);
  if (found == stated.end()) return {};
  return found->is_object() ? json_text(*found, "content", "") : json_text(stated, key, "");
}

/// Sentencepiece writes a word's leading space as U+2581; llama2.c's export wrote it as a space.
std::string restore_spaces(const std::string& piece) {
  std::string text;
  for (const char c : piece) text += c == ' ' ? std::string("\u2581") : std::string(1, c);
  return text;
}

/// tok512.json, the vocabulary of the stories260K models: a list of {id, piece, score} in the order
/// of ids, beginning with <unk>, <s>, </s> and the 256 byte tokens.
void read_piece_list(const std::string& text, std::int32_t vocab_size, TokenizerSource& source) {
  constexpr const char* kFile = "tok512.json";
  // Wrapped, because a list is not an object.
  const json tree = parse_json_object("{\"pieces\":" + text + "}", kFile);
  const json& pieces = tree["pieces"];
  if (!pieces.is_array() || pieces.size() != static_cast<std::size_t>(vocab_size)) {
    fail(ErrorCode::kCorrupt, std::string(kFile) + " does not list one piece per token");
  }
  source.kind = "llama";
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const json& entry = pieces[i];
    if (!entry.is_object() || !entry.contains("piece") || !entry["piece"].is_string()) {
      fail(ErrorCode::kCorrupt,
           std::string(kFile) + ": entry " + std::to_string(i) + " is not a piece");
    }
    const auto piece = entry["piece"].get<std::string>();
    const bool is_byte = piece.size() == 6 && piece.starts_with("<0x");
    source.tokens.push_back(i == 1 ? "<s>" : i == 2 ? "</s>" : restore_spaces(piece));
    source.scores.push_back(static_cast<float>(json_real(entry, "score", 0.0, -1e9, 1e9, kFile)));
    source.types.push_back(i == 0 ? kUnknown : i < 3 ? kControl : is_byte ? kByte : kNormal);
  }
  source.unk_id = 0;
  source.add_bos = true;
}

std::string read_template(const std::filesystem::path& folder, const json& stated) {
  const auto file = folder / "chat_template.jinja";
  if (std::filesystem::exists(file)) return read_small_file(file, limits::kMaxTemplateBytes);
  std::string text = json_text(stated, "chat_template", "");
  // Several templates are a list with names.
  const auto list = stated.find("chat_template");
  if (list != stated.end() && list->is_array()) {
    for (const json& entry : *list) {
      const bool is_default = entry.is_object() && json_text(entry, "name", "") == "default";
      if (is_default) text = json_text(entry, "template", "");
    }
  }
  if (text.size() > limits::kMaxTemplateBytes) {
    fail(ErrorCode::kUnsupported, "tokenizer_config.json: the chat template is too large");
  }
  return text;
}

}  // namespace

TokenizerSource tokenizer_from_folder(const std::filesystem::path& folder,
                                      std::string_view config_text, std::int32_t vocab_size) {
  namespace fs = std::filesystem;
  TokenizerSource source;
  if (fs::exists(folder / "tokenizer.json")) {
    source.kind = "tokenizer.json";
    source.json = read_small_file(folder / "tokenizer.json", limits::kMaxTokenizerBytes);
    // For the models that tokenizer.json writes in a way of its own.
    if (fs::exists(folder / "tokenizer.model")) {
      source.model_bytes = read_small_file(folder / "tokenizer.model", limits::kMaxTokenizerBytes);
    }
  } else if (fs::exists(folder / "tokenizer.model")) {
    source.kind = "tokenizer.model";
    source.add_bos = true;
    source.model_bytes = read_small_file(folder / "tokenizer.model", limits::kMaxTokenizerBytes);
  } else if (fs::exists(folder / "tok512.json")) {
    read_piece_list(read_small_file(folder / "tok512.json", limits::kMaxConfigBytes), vocab_size,
                    source);
  } else {
    return source;
  }
  const json config = parse_json_object(config_text, "config.json");
  source.bos_id = first_id(read_ids(config, "bos_token_id", vocab_size, "config.json"));
  source.stop_ids = read_ids(config, "eos_token_id", vocab_size, "config.json");
  source.eos_id = first_id(source.stop_ids);
  constexpr const char* kGeneration = "generation_config.json";
  for (const auto id :
       read_ids(read_object(folder, kGeneration), "eos_token_id", vocab_size, kGeneration)) {
    source.stop_ids.push_back(id);
  }
  const json stated = read_object(folder, "tokenizer_config.json");
  if (auto text = token_text(stated, "eos_token"); !text.empty()) {
    source.stop_texts.push_back(std::move(text));
  }
  source.add_bos = json_flag(stated, "add_bos_token", source.add_bos);
  source.chat_template = read_template(folder, stated);
  return source;
}

}  // namespace kvlink::inference
