// SPDX-License-Identifier: Apache-2.0
// The small files of a Hugging Face folder beside sound weights in two shards. The input holds,
// with a zero byte between them: model.safetensors.index.json, tokenizer_config.json,
// generation_config.json, chat_template.jinja and link_ids.json; what is missing is not there.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "inference/link/adapter.h"
#include "inference/model/model.h"
#include "inference/tokenizer/chat_format.h"
#include "inference/tokenizer/tokenizer.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/temporary_folder.h"

namespace {

namespace fs = std::filesystem;
using namespace kvlink;
using namespace kvlink::tests;

constexpr std::array<const char*, 5> kFiles{"model.safetensors.index.json", "tokenizer_config.json",
                                            "generation_config.json", "chat_template.jinja",
                                            "link_ids.json"};

void add_ones(SafetensorsWriter& file, const std::string& name, std::vector<std::int64_t> shape) {
  std::int64_t n = 1;
  for (const std::int64_t extent : shape) n *= extent;
  file.add(name, DType::kF32, std::move(shape), std::vector<float>(static_cast<std::size_t>(n), 1));
}

/// A Llama of dim 4 and one layer, with eight tokens.
void write_weights(const fs::path& folder) {
  SafetensorsWriter ends;
  add_ones(ends, "model.embed_tokens.weight", {8, 4});
  add_ones(ends, "model.norm.weight", {4});
  write_file(folder / "a.safetensors", ends.bytes());
  SafetensorsWriter layer;
  const std::string in = "model.layers.0.";
  for (const char* name : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                           "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"}) {
    add_ones(layer, in + name + ".weight", {4, 4});
  }
  for (const char* name : {"input_layernorm", "post_attention_layernorm"}) {
    add_ones(layer, in + name + ".weight", {4});
  }
  write_file(folder / "b.safetensors", layer.bytes());
}

/// The folder with everything that stays as it is.
const fs::path& base_folder() {
  static const TemporaryFolder folder;
  static const bool written = [] {
    write_weights(folder.path());
    write_file(folder.path() / "config.json",
               R"({"model_type": "llama", "hidden_size": 4, "intermediate_size": 4,
                   "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2,
                   "vocab_size": 8, "max_position_embeddings": 64, "tie_word_embeddings": true,
                   "bos_token_id": 6, "eos_token_id": 7})");
    write_file(folder.path() / "tokenizer.json",
               R"({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
                   "added_tokens": [{"id": 6, "content": "<|im_start|>", "special": true},
                                    {"id": 7, "content": "<|im_end|>", "special": true}],
                   "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4,
                             "f": 5}, "merges": []}})");
    return true;
  }();
  static_cast<void>(written);
  return folder.path();
}

void write_parts(std::string_view input) {
  for (const char* name : kFiles) {
    const std::size_t end = std::min(input.find('\0'), input.size());
    const fs::path file = base_folder() / name;
    if (end == 0) {
      std::error_code ignored;
      fs::remove(file, ignored);
    } else {
      write_file(file, input.substr(0, end));
    }
    input.remove_prefix(std::min(end + 1, input.size()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t n_bytes) {
  write_parts({reinterpret_cast<const char*>(bytes), n_bytes});
  const auto model = inference::load_model(base_folder());
  if (!model) return 0;
  static_cast<void>(returning([&] {
    const auto tokenizer = value_or_throw(inference::make_tokenizer(model->tokenizer));
    const auto format = inference::make_chat_format(model->tokenizer, *tokenizer);
    return format->prefix("abc").size() + format->question("d").size();
  }));
  static_cast<void>(inference::load_link_id_adapter(base_folder(), model->config));
  return 0;
}
