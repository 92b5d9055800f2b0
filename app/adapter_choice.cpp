// SPDX-License-Identifier: Apache-2.0
#include "app/adapter_choice.h"

#include <algorithm>
#include <fstream>
#include <system_error>
#include <vector>

#include "inference/model/model_parts.h"
#include "kernels/base/sha256.h"

namespace kvlink::app {
namespace {

namespace fs = std::filesystem;
constexpr const char* kNoneFits = "No link adapter fits this model";

std::vector<fs::path> adapter_files(std::span<const fs::path> folders) {
  std::vector<fs::path> files;
  for (const auto& folder : folders) {
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      if (it->path().extension() == ".safetensors") files.push_back(it->path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

AdapterChoice refused(const fs::path& file, const Error& error) {
  return {nullptr,
          "The link adapter " + file.filename().string() + " is not used: " + error.message};
}

AdapterChoice load(const fs::path& file, const inference::Model& model,
                   const std::function<Digest()>& base_hash) {
  const auto loaded = returning([&] {
    // Of a file that is no adapter the model's hash need not be known.
    value_or_throw(inference::adapter_base(file));
    return value_or_throw(inference::load_adapter(file, model.config, base_hash()));
  });
  if (!loaded) return refused(file, loaded.error());
  return {*loaded, ""};
}

AdapterChoice find_default(const inference::Model& model, std::span<const fs::path> folders,
                           const std::function<Digest()>& base_hash) {
  const auto ids = inference::load_link_id_adapter(model.path, model.config);
  if (!ids) return refused(inference::link_ids_file(model.path), ids.error());
  if (*ids != nullptr) return {*ids, ""};
  for (const auto& file : adapter_files(folders)) {
    const auto base = inference::adapter_base(file);
    if (!base) return refused(file, base.error());
    if (*base == base_hash()) return load(file, model, base_hash);
  }
  return {nullptr, kNoneFits};
}

}  // namespace

AdapterChoice find_adapter(const std::string& wanted, const inference::Model& model,
                           std::span<const fs::path> folders,
                           const std::function<Digest()>& base_hash) {
  if (wanted == "none") return {nullptr, "No link adapter was asked for"};
  if (wanted == "default") return find_default(model, folders, base_hash);
  return load(wanted, model, base_hash);
}

fs::path weights_file(const fs::path& model) {
  std::error_code ignored;
  if (!fs::is_directory(model, ignored)) return model;
  const fs::path file = model / "model.safetensors";
  const fs::path index = model / "model.safetensors.index.json";
  return !fs::exists(file, ignored) && fs::exists(index, ignored) ? index : file;
}

std::vector<fs::path> weights_files(const fs::path& model) {
  const fs::path file = weights_file(model);
  if (file.extension() == ".json") return inference::list_shards(model);
  return inference::gguf_parts(file);
}

Digest hash_of_weights(const fs::path& model, const std::stop_token& stop) {
  std::vector<char> piece(std::size_t{1} << 20);
  Sha256 hash;
  for (const fs::path& file : weights_files(model)) {
    std::ifstream stream(file, std::ios::binary);
    while (stream) {
      if (stop.stop_requested()) fail(ErrorCode::kCancelled, "hashing a model was stopped");
      stream.read(piece.data(), std::ssize(piece));
      const auto n = static_cast<std::size_t>(stream.gcount());
      hash.update(std::as_bytes(std::span(piece).first(n)));
    }
    if (!stream.eof()) fail(ErrorCode::kIo, file.string() + " cannot be read");
  }
  return hash.finish();
}

}  // namespace kvlink::app
