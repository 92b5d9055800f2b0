// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <system_error>

#include "app/cli/command.h"
#include "app/cli/json.h"
#include "app/model_check.h"
#include "app/model_files.h"
#include "app/model_memory.h"
#include "app/words.h"
#include "inference/engine.h"
#include "inference/model/model_outline.h"

namespace kvlink::app {
namespace {

/// What the doctor found, in the order of its report; `healthy` falls with the first real problem.
struct Findings {
  nlohmann::json object = nlohmann::json::object();
  std::string text;
  bool healthy = true;

  void add(const char* name, const std::string& value) {
    object[name] = value;
    text += std::string(name) + ": " + value + "\n";
  }
  void problem(const char* name, const std::string& value) {
    add(name, value);
    healthy = false;
  }
};

std::string space_words(const std::filesystem::path& folder) {
  std::filesystem::path existing = folder;
  std::error_code error;
  while (!std::filesystem::exists(existing, error) && existing.has_relative_path()) {
    existing = existing.parent_path();
  }
  const auto space = std::filesystem::space(existing, error);
  if (error) return folder.string() + " (" + error.message() + ")";
  return folder.string() + " (" + bytes_in_words(static_cast<std::int64_t>(space.available)) +
         " free)";
}

void examine_machine(const CommandContext& context, Findings& findings) {
  const kernels::CpuBackend backend({.n_threads = context.global.threads});
  findings.add("processor", backend.describe());
  const std::string& tiles = kernels::CpuBackend::amx_words();
  if (!tiles.empty()) findings.add("amx", tiles);
  findings.add("data", space_words(context.paths.data));
  findings.add("models", space_words(context.paths.models));
}

/// Without touching the file: another KVLink may be using it.
Settings examine_settings(const CommandContext& context, Findings& findings) {
  const auto file = context.paths.settings_file();
  const auto loaded = load_settings(file, DamagedFile::kLeave);
  if (!loaded) {
    findings.problem("settings", loaded.error().message);
    return {};
  }
  std::string words;
  for (const auto& notice : loaded->notices) words += " " + notice;
  if (words.empty() && !loaded->budget_is_known) {
    words =
        " it was damaged and set aside; the defaults are used until settings are saved, and "
        "nothing is evicted for their disk budget";
  }
  if (!words.empty()) findings.problem("settings", file.string() + ":" + words);
  return loaded->settings;
}

/// Every GPU of the machine, and what the choice of a device comes to.
void examine_devices(const CommandContext& context, const std::string& choice, Findings& findings) {
  const auto found = inference::find_gpus(context.paths.cuda_plugin);
  if (found.gpus.empty()) findings.add("gpu", "not used: " + found.problem);
  for (const auto& gpu : found.gpus) {
    findings.add(gpu.id.c_str(),
                 gpu.words + (gpu.problem.empty() ? "" : "; not used: " + gpu.problem));
  }
  const auto chosen = inference::choose_gpu(found, choice);
  std::string device = "processor";
  if (chosen.plugin != nullptr) {
    device = found.gpus.at(static_cast<std::size_t>(chosen.backend.device)).id;
  } else if (chosen.is_chosen) {
    device += ", because of the GPU that was chosen: " + chosen.refusal;
  }
  findings.add("device", choice + ": " + device);
}

/// How the generator's chats are written and what it needs, without reading its weights.
void examine_generator(const std::filesystem::path& path, const std::string& chosen_format,
                       DType kv_type, Findings& findings) {
  const auto outline = inference::read_model_outline(path);
  if (!outline) {
    findings.problem("generator's file", outline.error().message);
    return;
  }
  const auto available = available_memory();
  const auto context = context_that_fits(*outline, kv_type, available);
  const auto need = memory_of_model(*outline, context, kv_type);
  const std::string memory =
      bytes_in_words(need.total()) + " for the generator with " + count_in_words(context) +
      " of its " + count_in_words(outline->config.context_length) + " tokens of context" +
      (kv_type == DType::kF16 ? std::string() : std::string(" in ") + dtype_name(kv_type)) +
      (available ? ", " + bytes_in_words(*available) + " free" : "");
  if (context > 0) {
    findings.add("memory", memory);
  } else {
    findings.problem("memory", memory + ": too little; choose a smaller model");
  }
  const auto tokenizer = inference::make_tokenizer(outline->tokenizer);
  if (!tokenizer) {
    findings.problem("tokenizer", tokenizer.error().message);
    return;
  }
  findings.add("tokenizer", (*tokenizer)->describe());
  const bool is_chosen = chosen_format != "default";
  const auto format = returning([&] {
    return std::string(
        inference::make_chat_format(outline->tokenizer, **tokenizer, is_chosen ? chosen_format : "")
            ->name());
  });
  if (!format) {
    findings.problem("chat format", format.error().message);
    return;
  }
  findings.add("chat format",
               *format + " (" +
                   (is_chosen ? "as chosen" : reason_of_chat_format(outline->tokenizer, *format)) +
                   ")");
}

void examine_model(const CommandContext& context, ModelRole role, const std::string& wanted,
                   Findings& findings) {
  const char* name = role == ModelRole::kGenerator ? "generator" : "embedder";
  const auto path = resolve_model(context.paths.models, role, wanted);
  if (path) {
    findings.add(name, path->string());
  } else {
    findings.problem(name, path.error().message);
  }
}

void examine_stores(Session& session, Findings& findings) {
  const auto& settings = session.settings();
  const auto totals = session.store().totals();
  findings.add("caches",
               counted(totals.n_blocks, "block") + ", " + bytes_in_words(totals.disk_bytes) +
                   " of " + bytes_in_words(settings.disk_budget_bytes) +
                   " on disk; memory budget " + bytes_in_words(settings.memory_budget_bytes));
  std::int64_t n_damaged = 0;
  for (const auto& row : value_or_throw(session.store().list())) {
    if (!row.damage.empty()) ++n_damaged;
  }
  if (n_damaged > 0) {
    findings.problem("damaged", counted(n_damaged, "block") +
                                    " set aside; `kvlink cache rebuild` computes them again");
  }
  const auto n_documents =
      static_cast<std::int64_t>(value_or_throw(session.library().documents()).size());
  findings.add("library", counted(n_documents, "document") + ", " +
                              counted(session.library().n_chunks(), "passage"));
  const auto stale = value_or_throw(session.library().stale_vectors());
  if (!stale.empty() && session.embedder() != nullptr) {
    findings.problem(
        "stale vectors",
        counted(static_cast<std::int64_t>(stale.size()), "document") +
            " embedded by another model; the next `kvlink add`, of whatever, embeds them anew");
  }
}

}  // namespace

ExitCode run_command(CommandContext& context, const DoctorArguments&) {
  Findings findings;
  examine_machine(context, findings);
  const Settings values = examine_settings(context, findings);
  examine_devices(context, context.global.device.empty() ? values.device : context.global.device,
                  findings);
  const std::string generator =
      context.global.model.empty() ? values.generator : context.global.model;
  examine_model(context, ModelRole::kGenerator, generator, findings);
  if (const auto path = resolve_model(context.paths.models, ModelRole::kGenerator, generator)) {
    const std::string& format = context.global.chat_format;
    examine_generator(*path, format.empty() ? values.chat_format : format,
                      context.chosen_kv_type().value_or(values.kv_type), findings);
  }
  examine_model(context, ModelRole::kEmbedder, values.embedder, findings);
  const auto stores = returning([&] {
    const auto session = context.open_session(Parts::kStores);
    examine_stores(*session, findings);
  });
  if (!stores) findings.problem("stores", stores.error().message);
  if (context.output.json()) {
    findings.object["healthy"] = findings.healthy;
    context.output.print_line(to_text(findings.object));
  } else {
    context.output.print(printable(findings.text));
    context.output.print_line(findings.healthy ? "Everything is in order."
                                               : "Something needs attention; see above.");
  }
  return findings.healthy ? ExitCode::kDone : ExitCode::kFailed;
}

}  // namespace kvlink::app
