// SPDX-License-Identifier: Apache-2.0
// The command line of `kvlink model` as values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace kvlink::app {

struct ModelArguments {
  enum class Action : std::uint8_t { kList, kCheck, kConvert, kImport, kRemove, kPrompt };
  Action action = Action::kList;
  std::string model;   ///< file, folder or name; not for kList
  std::string target;  ///< kConvert: the new file
  std::string type = "q8_0";
  std::string embedding_type;  ///< "": as the other matrices
  std::string name;            ///< kImport: "" takes the file's
  bool replace = false;
  bool copy = false;
};

/// Adds `model` and its actions. `values` is filled by the parser and must live as long; `chosen`
/// is called when an action stands on the command line.
void add_model(CLI::App& app, ModelArguments& values, const std::function<void()>& chosen);

}  // namespace kvlink::app
