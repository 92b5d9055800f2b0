// SPDX-License-Identifier: Apache-2.0
// Where tests find what is not in the repository; each says why when it is not there.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace kvlink::tests {

inline std::optional<std::filesystem::path> path_from_environment(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::filesystem::path(value);
}

/// Material that only developers have: KVLINK_TEST_DATA, or nothing.
inline std::optional<std::filesystem::path> test_data() {
  return path_from_environment("KVLINK_TEST_DATA");
}

/// The folder into which `./run` and `./test` fetch the default models.
inline std::filesystem::path models_folder() {
  if (auto p = path_from_environment("KVLINK_MODELS")) return *p;
  if (auto p = path_from_environment("XDG_DATA_HOME")) return *p / "kvlink" / "models";
  auto home = path_from_environment("HOME");
  return home.value_or("/") / ".local" / "share" / "kvlink" / "models";
}

/// The default generator and embedder, when they have been fetched.
inline std::optional<std::filesystem::path> default_generator() {
  auto path = models_folder() / "SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path;
}
inline std::optional<std::filesystem::path> default_embedder() {
  auto path = models_folder() / "all-MiniLM-L6-v2";
  if (!std::filesystem::exists(path / "model.safetensors")) return std::nullopt;
  return path;
}

}  // namespace kvlink::tests

/// Skip reasons, worded once; ./test sums them up.
#define KVLINK_SKIP_WITHOUT_TEST_DATA() \
  if (!::kvlink::tests::test_data()) GTEST_SKIP() << "KVLINK_TEST_DATA is not set"
#define KVLINK_SKIP_WITHOUT_GENERATOR()            \
  if (!::kvlink::tests::default_generator())       \
  GTEST_SKIP() << "default generator not fetched " \
                  "(./run)"
#define KVLINK_SKIP_WITHOUT_EMBEDDER() \
  if (!::kvlink::tests::default_embedder()) GTEST_SKIP() << "default embedder not fetched (./run)"
