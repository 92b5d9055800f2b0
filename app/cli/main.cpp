// SPDX-License-Identifier: Apache-2.0
// The program `kvlink`: reads the environment, parses the command line, runs one command.
#include <cstdlib>
#include <variant>

#include "app/cli/arguments.h"
#include "app/cli/command.h"
#include "app/paths.h"
#include "inference/instruction_cap.h"

namespace {

using namespace kvlink;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

app::Paths find_paths(const app::GlobalArguments& global) {
  return value_or_throw(app::resolve_paths({.data_dir = global.data_dir,
                                            .models_dir = global.models_dir,
                                            .xdg_data_home = variable("XDG_DATA_HOME"),
                                            .kvlink_models = variable("KVLINK_MODELS"),
                                            .cuda_plugin = variable("KVLINK_CUDA_PLUGIN"),
                                            .home = variable("HOME")}));
}

app::ExitCode run_command(app::CommandContext& context, const app::Arguments& arguments) {
  try {
    return std::visit([&](const auto& command) { return app::run_command(context, command); },
                      arguments.command);
  } catch (const app::NothingFound& e) {
    context.output.error(e.error());
    return app::ExitCode::kNothingFound;
  }
}

app::ExitCode run(const app::Arguments& arguments, app::Interrupt& interrupt) {
  app::Output output(arguments.global.json, interrupt);
  const auto code = returning([&] {
    value_or_throw(inference::cap_instructions(variable("KVLINK_MAX_ISA")));
    app::CommandContext context{arguments.global, find_paths(arguments.global), output, interrupt};
    return run_command(context, arguments);
  });
  if (!output.intact()) return app::ExitCode::kFailed;
  if (code) return *code;
  if (code.error().code == ErrorCode::kCancelled) {
    output.note("kvlink: stopped.");
  } else {
    output.error(code.error());
  }
  return app::exit_code_of(code.error().code);
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = app::parse_arguments(argc, argv);
  if (const auto* code = std::get_if<app::ExitCode>(&arguments)) return static_cast<int>(*code);
  const auto code = returning([&] {
    app::Interrupt interrupt;
    return run(std::get<app::Arguments>(arguments), interrupt);
  });
  return static_cast<int>(code ? *code : app::ExitCode::kFailed);
}
