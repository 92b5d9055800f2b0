// SPDX-License-Identifier: Apache-2.0
// The command line as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "app/cli/eval_arguments.h"
#include "app/cli/exit_code.h"
#include "app/cli/model_arguments.h"

namespace kvlink::app {

/// Options every command takes.
struct GlobalArguments {
  std::string data_dir;
  std::string models_dir;
  std::string model;
  std::string device;       ///< "": the setting's
  std::string adapter;      ///< "": the setting's
  std::string chat_format;  ///< "": the setting's
  std::string kv_type;      ///< "f16", "bf16", "q8"; "": the setting's
  std::int32_t threads = 0;
  bool json = false;
};

struct AddArguments {
  std::vector<std::string> paths;
  bool no_kv = false;
  std::string password_file;
  std::vector<std::string> exclude;
  bool hidden = false;
  bool watch = false;
};
struct RemoveArguments {
  std::vector<std::string> targets;
};
struct ProblemsArguments {
  enum class Action { kList, kRetry, kIgnore, kUnignore } action = Action::kList;
  std::vector<std::string> targets;  ///< empty: all, to be listed or read again
  std::string password_file;
  bool ignored = false;  ///< list those that are ignored, too
};
struct StatusArguments {
  bool documents = false;
};
struct SearchArguments {
  std::string query;
  std::int64_t limit = 5;
  std::vector<std::string> documents;
};
/// Which tokens mode recompute computes again; empty: as the settings say.
struct RecomputeArguments {
  std::string method;
  std::optional<float> share;
};
struct AskArguments {
  std::string question;
  std::string mode;
  RecomputeArguments recompute = {};
  std::optional<std::int32_t> max_tokens;
  std::vector<std::string> documents;
  std::string whole;
  bool cold = false;
  bool no_cache = false;
  bool nearest = false;  ///< answer from the nearest passages where none fits
};
struct ChatArguments {
  std::string mode;
  RecomputeArguments recompute = {};
  std::optional<std::int32_t> max_tokens;
  std::vector<std::string> documents;
  std::optional<std::int64_t> continue_id;
  std::vector<std::int64_t> remove_ids;
  bool list = false;
};
struct CacheArguments {
  enum class Action { kList, kVerify, kEvict, kPin, kUnpin, kRebuild } action = Action::kList;
  std::string document;   ///< number or path
  std::string id_prefix;  ///< hex
  bool all = false;
  bool stale = false;  ///< made for another model
  bool pinned_too = false;
};
struct TokenizeArguments {
  std::string text;
  std::string file;
};
struct BenchArguments {
  bool cpu = false;  ///< bench cpu instead of bench ttft
  std::vector<std::int64_t> tokens = {500, 1000, 2000, 4000};
  std::vector<std::string> modes = {"full", "reposition"};
  std::int32_t repeat = 5;
};
struct DoctorArguments {};

using CommandArguments =
    std::variant<AddArguments, RemoveArguments, ProblemsArguments, StatusArguments, SearchArguments,
                 AskArguments, ChatArguments, CacheArguments, ModelArguments, TokenizeArguments,
                 BenchArguments, EvalArguments, DoctorArguments>;

struct Arguments {
  GlobalArguments global;
  CommandArguments command;
};

/// The arguments, or the exit code when help was printed or they are wrong (said on stderr).
std::variant<Arguments, ExitCode> parse_arguments(int argc, const char* const* argv);

}  // namespace kvlink::app
