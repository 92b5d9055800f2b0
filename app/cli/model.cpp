// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "app/cli/command.h"
#include "app/cli/json.h"
#include "app/model_check.h"
#include "app/model_files.h"
#include "app/words.h"

namespace kvlink::app {
namespace {

const char* role_name(ModelRole role) {
  return role == ModelRole::kGenerator ? "generator" : "embedder";
}

/// What a listing says about a model: how it describes itself, or why it cannot be used.
std::string about(const FoundModel& found) {
  if (found.role == ModelRole::kEmbedder) return "sentence embeddings";
  const auto model = inference::load_model(found.path);
  if (!model) return "cannot be used: " + model.error().message;
  const auto& config = model->config;
  return config.architecture + ", " + counted(config.n_layers, "layer") + ", context " +
         count_in_words(config.context_length) + ", " + model->weight_types + ", KV " +
         bytes_in_words(std::int64_t{4} * config.n_layers * config.kv_dim()) + " per token";
}

ExitCode list_models(CommandContext& context) {
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& found : find_models(context.paths.models)) {
    const std::string description = about(found);
    rows.push_back({{"name", found.name},
                    {"path", found.path.string()},
                    {"role", role_name(found.role)},
                    {"bytes", found.bytes},
                    {"about", description}});
    if (!context.output.json()) {
      context.output.print_line(printable(std::string(role_name(found.role)) + "\t" + found.name +
                                          "\t" + bytes_in_words(found.bytes) + "\t" + description));
    }
  }
  const bool found = !rows.empty();
  if (context.output.json()) {
    context.output.print_line(
        to_text({{"models_dir", context.paths.models.string()}, {"models", std::move(rows)}}));
  }
  if (!found) {
    context.output.note("No model lies in " + context.paths.models.string() +
                        ". Run ./run once to fetch the default models, or put one there.");
  }
  return found ? ExitCode::kDone : ExitCode::kNothingFound;
}

ExitCode check_one(CommandContext& context, const std::string& wanted) {
  std::error_code ignored;
  const std::filesystem::path inside = context.paths.models / wanted;
  const auto path =
      std::filesystem::exists(inside, ignored) ? inside : std::filesystem::path(wanted);
  const auto check = value_or_throw(check_model(path));
  if (context.output.json()) {
    context.output.print_line(to_text({{"path", path.string()},
                                       {"role", role_name(check.role)},
                                       {"name", check.name},
                                       {"architecture", check.architecture},
                                       {"weight_types", check.weight_types},
                                       {"tokenizer", check.tokenizer},
                                       {"chat_format", check.chat_format},
                                       {"layers", check.n_layers},
                                       {"context", check.context_length},
                                       {"kv_bytes_per_token", check.kv_bytes_per_token},
                                       {"fingerprint", check.fingerprint}}));
    return ExitCode::kDone;
  }
  std::string text = path.string() + " works.\n  " + role_name(check.role) + " " + check.name +
                     ", " + check.architecture + ", " + check.weight_types + "\n  tokenizer " +
                     check.tokenizer + ", context " + count_in_words(check.context_length);
  if (check.role == ModelRole::kGenerator) {
    text += ", chat format " + check.chat_format + ", KV " +
            bytes_in_words(check.kv_bytes_per_token) + " per token";
  }
  context.output.print_line(printable(text + "\n  fingerprint " + check.fingerprint));
  return ExitCode::kDone;
}

}  // namespace

ExitCode run_command(CommandContext& context, const ModelArguments& arguments) {
  return arguments.check.empty() ? list_models(context) : check_one(context, arguments.check);
}

}  // namespace kvlink::app
