// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "app/cli/command.h"
#include "app/cli/json.h"
#include "app/ttft_bench.h"

namespace kvlink::app {
namespace {

Settings bench_settings(const CommandContext& context) {
  Settings settings = value_or_throw(load_settings(context.paths.settings_file())).settings;
  if (context.global.threads > 0) settings.threads = context.global.threads;
  if (!context.global.model.empty()) settings.generator = context.global.model;
  if (!context.global.adapter.empty()) settings.adapter = context.global.adapter;
  return settings;
}

std::string table_of(const std::vector<TtftRow>& rows) {
  std::string table = "mode              page cache   tokens    TTFT (ms)   prefill (tokens/s)\n";
  for (const auto& row : rows) {
    char line[128];
    std::snprintf(line, sizeof(line), "%-17s %-10s %8lld %12.1f %20.0f\n", row.mode.c_str(),
                  row.page_cache.c_str(), static_cast<long long>(row.tokens), row.ttft_ms,
                  row.prefill_tok_s);
    table += line;
  }
  return table;
}

}  // namespace

ExitCode run_command(CommandContext& context, const BenchArguments& arguments) {
  TtftBenchOptions options;
  options.tokens = arguments.tokens;
  options.repeat = arguments.repeat;
  for (const auto& name : arguments.modes) {
    if (const auto mode = parse_reading_mode(name)) options.modes.push_back(*mode);
  }
  const auto rows = value_or_throw(run_ttft_bench(
      context.paths, bench_settings(context), options,
      [&](const std::string& line) { context.output.progress(line); }, context.interrupt.token()));
  context.output.end_progress();
  if (!context.output.json()) {
    context.output.print(table_of(rows));
    return ExitCode::kDone;
  }
  nlohmann::json results = nlohmann::json::array();
  for (const auto& row : rows) {
    results.push_back({{"mode", row.mode},
                       {"page_cache", row.page_cache},
                       {"tokens", row.tokens},
                       {"ttft_ms", row.ttft_ms},
                       {"prefill_tok_s", row.prefill_tok_s}});
  }
  context.output.print_line(to_text({{"results", std::move(results)}}));
  return ExitCode::kDone;
}

}  // namespace kvlink::app
