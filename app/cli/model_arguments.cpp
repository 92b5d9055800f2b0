// SPDX-License-Identifier: Apache-2.0
#include "app/cli/model_arguments.h"

#include <CLI/CLI.hpp>

namespace kvlink::app {
namespace {

using Action = ModelArguments::Action;

const auto kTypes = CLI::IsMember({"f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1",
                                   "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl"});

constexpr const char* kExamples = R"(Examples:
  kvlink model ls
  kvlink model check my-model.gguf
  kvlink model convert ~/Downloads/Qwen2.5-1.5B-Instruct qwen-1.5b.gguf --type q4_k
  kvlink model import ~/Downloads/my-model.gguf
  kvlink model import ~/Downloads/my-model --copy --name my-model
  kvlink model remove my-model.gguf
  echo '{"question": "Why?"}' | kvlink model prompt my-model.gguf)";

CLI::App* add_action(CLI::App* parent, const char* name, const char* about, Action action,
                     ModelArguments& values, const std::function<void()>& chosen) {
  auto* command = parent->add_subcommand(name, about);
  command->fallthrough();
  command->callback([&values, action, chosen] {
    values.action = action;
    chosen();
  });
  return command;
}

void add_convert(CLI::App* model, ModelArguments& values, const std::function<void()>& chosen) {
  auto* convert = add_action(model, "convert", "Write a model as one GGUF file of another type",
                             Action::kConvert, values, chosen);
  convert
      ->add_option("model", values.model, "Hugging Face folder, GGUF file, or name of `model ls`")
      ->required();
  convert->add_option("target", values.target, "The file to write; it ends in .gguf")->required();
  convert
      ->add_option("--type", values.type,
                   "Type of the matrices: f32, f16, bf16, q8_0 (default), q4_0, q4_1, q5_0, q5_1, "
                   "q2_k, q3_k, q4_k, q5_k, q6_k, iq4_nl")
      ->check(kTypes);
  convert
      ->add_option("--embedding-type", values.embedding_type,
                   "Type of the embedding and the output matrix (default: as the others)")
      ->check(kTypes);
  convert->add_flag("--replace", values.replace, "Write over a file that is there");
}

void add_import(CLI::App* model, ModelArguments& values, const std::function<void()>& chosen) {
  auto* import = add_action(model, "import", "Bring a model into the models folder",
                            Action::kImport, values, chosen);
  import->add_option("model", values.model, "GGUF file (any part of a split one) or folder")
      ->required();
  import->add_flag("--copy", values.copy, "Copy it (default: a link to where it lies)");
  import->add_option("--name", values.name, "Its name in the models folder (default: as it is)");
}

}  // namespace

void add_model(CLI::App& app, ModelArguments& values, const std::function<void()>& chosen) {
  auto* model = app.add_subcommand("model", "Models: list, check, convert, import, remove");
  model->footer(kExamples);
  model->fallthrough();
  model->require_subcommand(1);
  add_action(model, "ls", "List the models folder", Action::kList, values, chosen);
  auto* check = add_action(model, "check", "Read a model, and a text with it", Action::kCheck,
                           values, chosen);
  check->add_option("model", values.model, "File, folder, or name of `model ls`")->required();
  add_convert(model, values, chosen);
  add_import(model, values, chosen);
  auto* remove = add_action(model, "remove", "Erase a model, or the link to it", Action::kRemove,
                            values, chosen);
  remove->add_option("model", values.model, "Name of `model ls`")->required();
  auto* prompt = add_action(model, "prompt",
                            "Say to another program what a model is and how it writes prompts, one "
                            "JSON request a line",
                            Action::kPrompt, values, chosen);
  prompt->add_option("model", values.model, "File, folder, or name of `model ls`")->required();
}

}  // namespace kvlink::app
