// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <iomanip>
#include <sstream>

#include "app/cli/command.h"
#include "app/cli/json.h"
#include "app/cli/model_prompt.h"
#include "app/model_check.h"
#include "app/model_files.h"
#include "app/model_import.h"
#include "app/settings.h"
#include "app/words.h"
#include "inference/convert/model_converter.h"
#include "inference/model/model_outline.h"

namespace kvlink::app {
namespace {

const char* role_name(ModelRole role) {
  return role == ModelRole::kGenerator ? "generator" : "embedder";
}

/// What a listing says about a model: how it describes itself, or why it cannot be used.
std::string about(const FoundModel& found) {
  if (found.role == ModelRole::kEmbedder) return "sentence embeddings";
  const auto outline = inference::read_model_outline(found.path);
  if (!outline) return "cannot be used: " + outline.error().message;
  const auto& config = outline->config;
  return config.architecture + ", " + counted(config.n_layers, "layer") + ", context " +
         count_in_words(config.context_length) + ", " + outline->weight_types + ", KV " +
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

nlohmann::json as_json(const std::filesystem::path& path, const ModelCheck& check) {
  nlohmann::json fields{{"path", path.string()},
                        {"role", role_name(check.role)},
                        {"name", check.name},
                        {"architecture", check.architecture},
                        {"weight_types", check.weight_types},
                        {"tokenizer", check.tokenizer},
                        {"chat_format", check.chat_format},
                        {"layers", check.n_layers},
                        {"context", check.context_length},
                        {"kv_bytes_per_token", check.kv_bytes_per_token},
                        {"fingerprint", check.fingerprint}};
  if (check.role == ModelRole::kEmbedder) return fields;
  fields["adapter"] = check.adapter;
  fields["weight_bytes"] = check.weight_bytes;
  fields["needed_bytes"] = check.memory.total();
  fields["kv_type"] = dtype_name(check.kv_type);
  fields["packed_bytes"] = check.memory.packed;
  fields["mapped_bytes"] = check.memory.mapped;
  if (check.available_bytes) fields["available_bytes"] = *check.available_bytes;
  fields["tokens_checked"] = check.trial.n_tokens;
  fields["perplexity"] = check.trial.perplexity;
  fields["read_per_second"] = check.trial.read_per_second;
  fields["write_per_second"] = check.trial.write_per_second;
  fields["text_comes_back"] = check.trial.text_comes_back;
  return fields;
}

std::string one_decimal(double value) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(1) << value;
  return text.str();
}

/// The lines about a generator's memory, speed and prediction of the built-in text.
std::string trial_lines(const ModelCheck& check) {
  const ModelMemory& memory = check.memory;
  std::string text = "\n  memory " + bytes_in_words(memory.total()) + " with 1,000 tokens";
  if (check.kv_type != DType::kF16) text += std::string(" of KV in ") + dtype_name(check.kv_type);
  if (check.available_bytes) text += ", " + bytes_in_words(*check.available_bytes) + " free";
  if (memory.packed > 0) {
    text += "\n  of it " + bytes_in_words(memory.packed) +
            " of weights packed for this processor; of the file of " +
            bytes_in_words(check.weight_bytes) + " only " + bytes_in_words(memory.mapped) +
            " stay in use, the rest is given back";
  } else {
    text += ", of it " + bytes_in_words(memory.mapped) + " of weights, read from the file as it is";
  }
  text += "\n  reads " + one_decimal(check.trial.read_per_second) + " tokens a second, writes " +
          one_decimal(check.trial.write_per_second);
  if (check.chat_format == "none") return text;
  return text + "\n  perplexity " + one_decimal(check.trial.perplexity) + " on " +
         counted(check.trial.n_tokens, "token") + " of a built-in text, which its tokenizer " +
         (check.trial.text_comes_back ? "gives back unchanged" : "does not give back unchanged");
}

std::string as_text(const std::filesystem::path& path, const ModelCheck& check) {
  std::string text = path.string() + " works.\n  " + role_name(check.role) + " " + check.name +
                     ", " + check.architecture + ", " + check.weight_types + "\n  tokenizer " +
                     check.tokenizer + ", context " + count_in_words(check.context_length);
  if (check.role == ModelRole::kGenerator) {
    text += ", chat format " + check.chat_format;
    if (!check.chat_format_from.empty()) text += " (" + check.chat_format_from + ")";
    text += ", KV " + bytes_in_words(check.kv_bytes_per_token) + " per token\n  " + check.adapter +
            trial_lines(check);
  }
  return text + "\n  fingerprint " + check.fingerprint;
}

/// A name in the models folder comes before a path.
std::filesystem::path path_of(const CommandContext& context, const std::string& wanted) {
  std::error_code ignored;
  const std::filesystem::path inside = context.paths.models / wanted;
  return std::filesystem::exists(inside, ignored) ? inside : std::filesystem::path(wanted);
}

/// "writing: 1.2 GB of 4.5 GB"
auto progress_of(CommandContext& context, const char* what) {
  return [&context, what](std::int64_t done, std::int64_t total) {
    context.output.progress(std::string(what) + ": " + bytes_in_words(done) + " of " +
                            bytes_in_words(total));
  };
}

ExitCode check_one(CommandContext& context, const std::string& wanted) {
  const auto path = path_of(context, wanted);
  const inference::LoadWatch watch{.progress = progress_of(context, "reading"),
                                   .stop = context.interrupt.token()};
  const DType kv_type = context.chosen_kv_type().value_or(context.look_at_settings().kv_type);
  const auto check = value_or_throw(check_model(path, watch, context.paths.adapters, kv_type));
  context.output.end_progress();
  context.output.print_line(context.output.json() ? to_text(as_json(path, check))
                                                  : printable(as_text(path, check)));
  return ExitCode::kDone;
}

DType type_named(const std::string& name) {
  for (int number = 0; number <= static_cast<int>(DType::kIq4Nl); ++number) {
    const auto dtype = static_cast<DType>(number);
    if (name == dtype_name(dtype)) return dtype;
  }
  fail(ErrorCode::kInvalidInput, "There is no type " + name + ".");
}

ExitCode convert_one(CommandContext& context, const ModelArguments& arguments) {
  inference::ConvertOptions options;
  options.matrices = type_named(arguments.type);
  if (!arguments.embedding_type.empty()) options.embedding = type_named(arguments.embedding_type);
  options.replace = arguments.replace;
  const auto report = value_or_throw(inference::convert_model(
      path_of(context, arguments.model), arguments.target, options, FileSystem::posix(),
      progress_of(context, "writing"), context.interrupt.token()));
  context.output.end_progress();
  for (const std::string& notice : report.notices) context.output.note(notice);
  // What was written must be what is read.
  const auto outline = value_or_throw(inference::read_model_outline(arguments.target));
  if (context.output.json()) {
    context.output.print_line(to_text({{"path", arguments.target},
                                       {"bytes", report.n_bytes},
                                       {"weight_types", outline.weight_types}}));
  } else {
    context.output.print_line(printable(arguments.target + ": " + bytes_in_words(report.n_bytes) +
                                        ", " + outline.weight_types));
  }
  return ExitCode::kDone;
}

ExitCode import_one(CommandContext& context, const ModelArguments& arguments) {
  const ModelImport request{
      .source = arguments.model,
      .name = arguments.name,
      .method = arguments.copy ? ImportMethod::kCopy : ImportMethod::kReference};
  const auto path =
      value_or_throw(import_model(request, context.paths.models, FileSystem::posix(),
                                  progress_of(context, "copying"), context.interrupt.token()));
  context.output.end_progress();
  if (context.output.json()) {
    context.output.print_line(to_text({{"path", path.string()}, {"copied", arguments.copy}}));
  } else {
    context.output.print_line(printable(
        path.string() + (arguments.copy ? " is a copy of " : " is a link to ") + arguments.model +
        ". `kvlink model check " + path.filename().string() + "` tries it out."));
  }
  return ExitCode::kDone;
}

ExitCode remove_one(CommandContext& context, const ModelArguments& arguments) {
  const auto removed =
      value_or_throw(remove_model(context.paths.models, arguments.model, FileSystem::posix()));
  if (context.output.json()) {
    context.output.print_line(to_text({{"removed", arguments.model},
                                       {"bytes", removed.n_bytes},
                                       {"was_link", removed.was_reference}}));
  } else {
    context.output.print_line(printable(
        removed.was_reference
            ? "Removed the link " + arguments.model + "; the model itself is untouched."
            : "Removed " + arguments.model + ", " + bytes_in_words(removed.n_bytes) +
                  ". Blocks that it had cached stay until `kvlink cache evict --stale`."));
  }
  return ExitCode::kDone;
}

}  // namespace

ExitCode run_command(CommandContext& context, const ModelArguments& arguments) {
  switch (arguments.action) {
    case ModelArguments::Action::kList:
      return list_models(context);
    case ModelArguments::Action::kCheck:
      return check_one(context, arguments.model);
    case ModelArguments::Action::kConvert:
      return convert_one(context, arguments);
    case ModelArguments::Action::kImport:
      return import_one(context, arguments);
    case ModelArguments::Action::kRemove:
      return remove_one(context, arguments);
    case ModelArguments::Action::kPrompt:
      return write_prompts(context, path_of(context, arguments.model));
  }
  return ExitCode::kFailed;
}

}  // namespace kvlink::app
