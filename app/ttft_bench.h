// SPDX-License-Identifier: Apache-2.0
// Time to first token by mode and context length, measured in a temporary store of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/paths.h"
#include "app/reading_mode.h"
#include "app/settings.h"
#include "inference/engine.h"

namespace kvlink::app {

struct TtftBenchOptions {
  std::vector<std::int64_t> tokens;  ///< document tokens in the context
  std::vector<ReadingMode> modes;
  std::int32_t repeat = 5;
};

struct TtftRow {
  std::string mode;
  std::string page_cache;  ///< "warm" or "cold": of the block files
  std::int64_t tokens = 0;
  double ttft_ms = 0;        ///< median over the runs
  double prefill_tok_s = 0;  ///< median of forwarded tokens per second of the forward pass
};

/// One line about what is being done, for a person who waits.
using BenchProgress = std::function<void(const std::string&)>;

/// Same passages, same question, modes in turn within every repetition; warm rows first. A run is:
/// plan, load from disk, verify, rotate, prefill, first token. Blocks lie in a temporary folder
/// inside the data folder, which is removed. Every mode reads the same blocks: with
/// settings.adapter in use where it can be. Errors: those of the engine and the store;
/// kInvalidInput when the context is too small; kUnsupported for link tokens without an adapter,
/// with the reason; kCancelled.
Result<std::vector<TtftRow>> run_ttft_bench(const Paths& paths, const Settings& settings,
                                            const TtftBenchOptions& options,
                                            const BenchProgress& progress, std::stop_token stop);

}  // namespace kvlink::app
