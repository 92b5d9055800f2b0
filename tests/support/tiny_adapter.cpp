// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tiny_adapter.h"

#include "tests/support/gguf_writer.h"
#include "tests/support/random_floats.h"

namespace kvlink::tests {
namespace {

struct Map {
  const char* name;
  std::int32_t outputs;
  std::int32_t inputs;
};

void add_soft_tokens(SafetensorsWriter& file, const char* name, std::int32_t n, std::int32_t dim,
                     std::uint64_t seed) {
  if (n == 0) return;
  RandomFloats random(seed);
  file.add(name, DType::kF32, {n, dim}, random.uniform(std::int64_t{n} * dim, 0.5F));
}

}  // namespace

SafetensorsWriter tiny_adapter_tensors(const TinyAdapterOptions& options) {
  const TinyModelOptions& model = options.model;
  const std::int32_t dim = model.model_dim;
  const std::int32_t kv_dim = dim / model.n_heads * model.n_kv_heads;
  SafetensorsWriter file;
  add_soft_tokens(file, "header", options.n_header, dim, options.seed);
  add_soft_tokens(file, "link", options.n_link, dim, options.link_seed);
  RandomFloats random(options.seed + 100);
  for (std::int32_t layer = 0; layer < (options.rank > 0 ? model.n_layers : 0); ++layer) {
    for (const Map& map : {Map{"q", dim, dim}, Map{"k", kv_dim, dim}, Map{"v", kv_dim, dim},
                           Map{"o", dim, dim}, Map{"gate", model.ffn_dim, dim},
                           Map{"up", model.ffn_dim, dim}, Map{"down", dim, model.ffn_dim}}) {
      const std::string name = "lora." + std::to_string(layer) + "." + map.name;
      file.add(name + ".a", options.lora_dtype, {options.rank, map.inputs},
               random.uniform(std::int64_t{options.rank} * map.inputs, 0.3F));
      file.add(name + ".b", options.lora_dtype, {map.outputs, options.rank},
               random.uniform(std::int64_t{options.rank} * map.outputs, options.b_spread));
    }
  }
  return file;
}

std::string adapter_bytes(const SafetensorsWriter& tensors, const std::string& format,
                          const std::string& base_sha256, const std::string& system,
                          const std::string& passages, const std::string& positions) {
  std::string metadata =
      R"("__metadata__":{"format":")" + format + R"(","base_sha256":")" + base_sha256 + "\"";
  if (!system.empty()) metadata += R"(,"system":"\")" + system + R"(\"")";
  if (!passages.empty()) metadata += R"(,"passages":")" + passages + "\"";
  if (!positions.empty()) metadata += R"(,"positions":")" + positions + "\"";
  const std::string entries = tensors.header().substr(1);
  const bool empty = entries.front() == '}';
  return safetensors_bytes("{" + metadata + "}" + (empty ? "" : ",") + entries, tensors.data());
}

void write_tiny_adapter(const std::filesystem::path& file, const std::filesystem::path& model,
                        const TinyAdapterOptions& options) {
  write_file(file, adapter_bytes(tiny_adapter_tensors(options), "kvlink-adapter-1",
                                 sha256(read_file(model)).hex(), options.system));
}

}  // namespace kvlink::tests
