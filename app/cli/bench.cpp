// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "app/cli/command.h"
#include "app/cli/json.h"
#include "app/ttft_bench.h"
#include "inference/cpu_bench.h"

namespace kvlink::app {
namespace {

Settings bench_settings(const CommandContext& context) {
  Settings settings = context.look_at_settings();
  if (context.global.threads > 0) settings.threads = context.global.threads;
  settings.kv_type = context.chosen_kv_type().value_or(settings.kv_type);
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

std::string table_of(const inference::CpuFigures& figures) {
  const kernels::Roofs& roofs = figures.roofs;
  char line[160];
  std::snprintf(line, sizeof(line), "%s\nread from memory %.1f GB/s, f32 %.0f GFLOP/s, ",
                figures.processor.c_str(), roofs.memory_bytes(), roofs.f32_operations);
  std::string table = line;
  if (roofs.bf16_operations > 0) {
    std::snprintf(line, sizeof(line), "bf16 %.0f GFLOP/s, ", roofs.bf16_operations);
    table += line;
  }
  std::snprintf(line, sizeof(line),
                "int8 %.0f GOP/s\nread from the caches, GB/s:", roofs.int8_operations);
  table += line;
  for (const auto& [set_bytes, bytes] : roofs.readings) {
    std::snprintf(line, sizeof(line), " %lld KiB %.0f%s", static_cast<long long>(set_bytes >> 10),
                  bytes, set_bytes == roofs.readings.back().set_bytes ? "\n" : ",");
    table += line;
  }
  table += "op                                             us      GB/s     GOP/s   share of\n";
  for (const inference::CpuRow& row : figures.rows) {
    std::snprintf(line, sizeof(line), "%-38s %10.1f %9.1f %9.1f   %3.0f %% %s\n", row.op.c_str(),
                  row.microseconds, row.gigabytes_per_second, row.operations_per_second,
                  row.share * 100, row.roof.c_str());
    table += line;
  }
  return table;
}

nlohmann::json json_of(const inference::CpuFigures& figures) {
  nlohmann::json rows = nlohmann::json::array();
  for (const inference::CpuRow& row : figures.rows) {
    rows.push_back({{"op", row.op},
                    {"us", row.microseconds},
                    {"gb_s", row.gigabytes_per_second},
                    {"gop_s", row.operations_per_second},
                    {"share", row.share},
                    {"roof", row.roof}});
  }
  nlohmann::json readings = nlohmann::json::array();
  for (const auto& [set_bytes, bytes] : figures.roofs.readings) {
    readings.push_back({{"set_bytes", set_bytes}, {"gb_s", bytes}});
  }
  return {{"processor", figures.processor},
          {"read_gb_s", figures.roofs.memory_bytes()},
          {"cache_gb_s", std::move(readings)},
          {"f32_gflop_s", figures.roofs.f32_operations},
          {"bf16_gflop_s", figures.roofs.bf16_operations},
          {"int8_gop_s", figures.roofs.int8_operations},
          {"results", std::move(rows)}};
}

ExitCode bench_cpu(CommandContext& context) {
  kernels::CpuBackend backend({.n_threads = bench_settings(context).threads});
  const auto figures = inference::run_cpu_bench(
      backend, [&](const std::string& line) { context.output.progress(line); },
      context.interrupt.token());
  context.output.end_progress();
  if (context.output.json()) {
    context.output.print_line(to_text(json_of(figures)));
  } else {
    context.output.print(table_of(figures));
  }
  return ExitCode::kDone;
}

}  // namespace

ExitCode run_command(CommandContext& context, const BenchArguments& arguments) {
  if (arguments.cpu) return bench_cpu(context);
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
