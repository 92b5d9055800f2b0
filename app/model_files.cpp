// SPDX-License-Identifier: Apache-2.0
#include "app/model_files.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <system_error>

#include "app/file_bytes.h"
#include "inference/model/model_parts.h"

namespace kvlink::app {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kDefaultGenerator = "SmolLM2-135M-Instruct.Q4_1.gguf";
constexpr std::string_view kDefaultEmbedder = "all-MiniLM-L6-v2";
constexpr std::int64_t kMaxConfigBytes = 1 << 20;

std::int64_t size_or_zero(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  return error ? 0 : static_cast<std::int64_t>(size);
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

/// A model whose files cannot be told is still listed; loading it says why.
std::int64_t bytes_or_zero(const fs::path& path) {
  const auto bytes = returning([&] { return model_file_bytes(path); });
  return bytes ? *bytes : 0;
}

/// A split model is listed once.
bool is_first_part(const fs::path& path) {
  const auto parts = returning([&] { return inference::gguf_parts(path); });
  return !parts || parts->front() == path;
}

/// A folder of safetensors is an embedder when its config says BERT, or when it has none (the
/// packaged MiniLM comes without).
std::optional<FoundModel> folder_model(const fs::path& folder, const std::string& name) {
  if (!is_file(folder / "model.safetensors") && !is_file(folder / "model.safetensors.index.json")) {
    return std::nullopt;
  }
  FoundModel found{.name = name, .path = folder};
  found.bytes = bytes_or_zero(folder);
  const Result<FileBytes> config =
      returning([&] { return read_file(folder / "config.json", kMaxConfigBytes); });
  const bool bert = !config || config->bytes.find("\"bert\"") != std::string::npos;
  found.role = bert ? ModelRole::kEmbedder : ModelRole::kGenerator;
  return found;
}

void scan(const fs::path& folder, const std::string& prefix, int depth,
          std::vector<FoundModel>& found) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with('.')) continue;
    if (it->path().extension() == ".gguf" && is_file(it->path()) && is_first_part(it->path())) {
      found.push_back(
          {prefix + name, it->path(), ModelRole::kGenerator, bytes_or_zero(it->path())});
    }
    std::error_code ignored;
    if (!fs::is_directory(it->path(), ignored)) continue;
    if (auto model = folder_model(it->path(), prefix + name)) found.push_back(*model);
    if (depth > 0) scan(it->path(), prefix + name + "/", depth - 1, found);
  }
}

const char* role_name(ModelRole role) {
  return role == ModelRole::kGenerator ? "generator" : "embedder";
}

}  // namespace

std::vector<FoundModel> find_models(const fs::path& folder) {
  std::vector<FoundModel> found;
  scan(folder, "", 1, found);
  std::sort(found.begin(), found.end(),
            [](const FoundModel& a, const FoundModel& b) { return a.name < b.name; });
  return found;
}

ModelRole role_of_model(const fs::path& path) {
  const auto folder = folder_model(path, "");
  return folder ? folder->role : ModelRole::kGenerator;
}

Result<fs::path> resolve_model(const fs::path& folder, ModelRole role, const std::string& wanted) {
  return returning([&]() -> fs::path {
    std::error_code ignored;
    if (!wanted.empty()) {
      if (fs::exists(folder / wanted, ignored)) return folder / wanted;
      if (fs::exists(wanted, ignored)) return fs::absolute(wanted);
      fail(ErrorCode::kNotFound, std::string("There is no ") + role_name(role) + " " + wanted +
                                     ", neither here nor in " + folder.string() +
                                     ". `kvlink model ls` lists what was found.");
    }
    const auto preferred = role == ModelRole::kGenerator ? kDefaultGenerator : kDefaultEmbedder;
    std::optional<fs::path> first;
    for (const auto& model : find_models(folder)) {
      if (model.role != role) continue;
      if (model.name == preferred) return model.path;
      if (!first) first = model.path;
    }
    if (first) return *first;
    fail(ErrorCode::kNotFound,
         std::string("No ") + role_name(role) + " model was found in " + folder.string() +
             ". Run ./run once to fetch the default models, put a model there, or name its folder "
             "with --models-dir. `kvlink model ls` lists what was found.");
  });
}

std::int64_t model_file_bytes(const std::filesystem::path& path) {
  std::vector<fs::path> files = inference::gguf_parts(path);
  if (fs::is_directory(path)) {
    files = {path / "model.safetensors"};
    if (!fs::exists(files.front())) files = inference::list_shards(path);
  }
  std::int64_t bytes = 0;
  for (const fs::path& file : files) bytes += size_or_zero(file);
  return bytes;
}

}  // namespace kvlink::app
