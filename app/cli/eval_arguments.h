// SPDX-License-Identifier: Apache-2.0
// The command line of `kvlink eval` as values.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/settings.h"

namespace CLI {
class App;
}

namespace kvlink::app {

struct EvalArguments {
  enum class Task : std::uint8_t { kQa, kRag, kRetrieval, kTurns, kSummary, kKl } task = Task::kQa;
  std::string data;
  std::vector<std::string> modes;
  std::vector<std::int64_t> passages = {3};
  std::string gold_at = "walk";
  std::string system;
  std::int64_t limit = 0;
  std::int32_t max_tokens = 32;
  std::string out;
  std::string corpus;
  std::string queries;
  std::string cranfield;
  std::string answers;
  std::vector<std::int32_t> chunks = {Settings().chunks_per_answer};
  std::optional<float> prior;
  std::string embedder;
  std::string work;
};

/// Adds `eval` and its tasks. `chosen` is called with the values of the task on the command line;
/// `storage` receives one entry for each task and must live as long as the parser.
void add_eval(CLI::App& app, std::vector<EvalArguments>& storage,
              const std::function<void(const EvalArguments&)>& chosen);

}  // namespace kvlink::app
