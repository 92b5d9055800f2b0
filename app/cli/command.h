// SPDX-License-Identifier: Apache-2.0
// The commands of `kvlink`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "app/cli/arguments.h"
#include "app/cli/exit_code.h"
#include "app/cli/interrupt.h"
#include "app/cli/output.h"
#include "app/session.h"

namespace kvlink::app {

/// What every command works with; borrowed. One thread.
struct CommandContext {
  const GlobalArguments& global;
  Paths paths;
  Output& output;
  Interrupt& interrupt;

  /// Opens a session and shows its notices. Throws what opening returns.
  /// `adjust` may change settings for this session.
  std::unique_ptr<Session> open_session(Parts parts,
                                        const std::function<void(Settings&)>& adjust = {}) const;
  /// The settings, for a command without a session: their notices are shown, nothing is changed.
  Settings look_at_settings() const;
  /// What `--kv-type` says; nothing: the setting holds.
  std::optional<DType> chosen_kv_type() const;
};

/// A result, or NothingFound where its error says that what was named is not there.
template <typename T>
T found_or_throw(Result<T> result) {
  if (!result && result.error().code == ErrorCode::kNotFound) throw NothingFound(result.error());
  return value_or_throw(std::move(result));
}

/// The numbers of the documents named. Throws NothingFound for a name that means none.
std::vector<retrieval::DocumentId> documents_named(Session& session,
                                                   std::span<const std::string> names);

/// What the command line says about mode recompute, into the settings of a session.
void adjust_recompute(Settings& settings, const RecomputeArguments& arguments);

/// Each throws Exception for an error the user is told, and returns otherwise.
ExitCode run_command(CommandContext& context, const AddArguments& arguments);
ExitCode run_command(CommandContext& context, const RemoveArguments& arguments);
ExitCode run_command(CommandContext& context, const ProblemsArguments& arguments);
ExitCode run_command(CommandContext& context, const StatusArguments& arguments);
ExitCode run_command(CommandContext& context, const SearchArguments& arguments);
ExitCode run_command(CommandContext& context, const AskArguments& arguments);
ExitCode run_command(CommandContext& context, const ChatArguments& arguments);
ExitCode run_command(CommandContext& context, const CacheArguments& arguments);
ExitCode run_command(CommandContext& context, const ModelArguments& arguments);
ExitCode run_command(CommandContext& context, const TokenizeArguments& arguments);
ExitCode run_command(CommandContext& context, const BenchArguments& arguments);
ExitCode run_command(CommandContext& context, const EvalArguments& arguments);
ExitCode run_command(CommandContext& context, const DoctorArguments& arguments);

}  // namespace kvlink::app
