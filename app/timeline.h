// SPDX-License-Identifier: Apache-2.0
// Where every millisecond between Enter and the answer went.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvlink::app {

/// Persistent in JSON by name (stage_name). Embed and search lie inside retrieve; read and verify
/// inside load. On a GPU copy, rotate, prefill and first_decode are by its own clock, one span for
/// every piece of work; pieces of different stages may overlap.
enum class Stage : std::uint8_t {
  kRetrieve,       ///< question to passages
  kEmbed,          ///< the question's vector
  kSearch,         ///< words and vectors, fused
  kPlan,           ///< tokenise, place, check what fits
  kLoad,           ///< blocks from memory or disk
  kRead,           ///< of it: reading files
  kVerify,         ///< of it: checksums, tokens
  kEncodeMissing,  ///< blocks that were not there, computed on the spot
  kWait,           ///< until ingestion gave the processor away
  kRotate,         ///< dequantise, rotate, scatter into the context
  kSelect,         ///< mode recompute: finding the tokens that are worth it
  kPrefill,        ///< the forward pass over what was not loaded
  kFirstToken,     ///< sampling and showing the first token
  kDecode,         ///< the rest of the answer
  kCopy,           ///< blocks to the memory of a GPU
  kFirstDecode,    ///< of decode: the first step on a GPU
};
std::string_view stage_name(Stage stage);
/// Whether a stage is a part of the one listed before it.
bool is_inner_stage(Stage stage);

/// The record of one question. Times are relative to the moment the question was sent. Value type;
/// one thread writes it.
class Timeline {
 public:
  using Clock = std::chrono::steady_clock;
  struct Span {
    Stage stage = Stage::kRetrieve;
    std::chrono::nanoseconds begin{0};
    std::chrono::nanoseconds end{0};
    std::int64_t bytes = 0;
    std::int64_t tokens = 0;
    std::int64_t blocks = 0;
    std::string tier;  ///< "memory", "disk", "memory+disk"; empty where it has no meaning
  };

  /// `sent`: when Enter was pressed.
  explicit Timeline(Clock::time_point sent = Clock::now()) : sent_(sent) {}

  std::chrono::nanoseconds elapsed() const { return Clock::now() - sent_; }
  /// Opens a stage; close it with end(). Returns its index in spans().
  std::size_t begin(Stage stage);
  /// Closes the stage and returns it, for its bytes and tokens to be filled in.
  Span& end(std::size_t index);
  /// A stage whose duration was measured elsewhere.
  Span& record(Stage stage, std::chrono::nanoseconds begin, std::chrono::nanoseconds duration);
  /// The same, by the clock. A begin before the question was sent counts as that moment.
  Span& record(Stage stage, Clock::time_point begin, Clock::time_point end);
  void mark_first_token();

  const std::vector<Span>& spans() const { return spans_; }
  /// Time to first token; nothing when there was none.
  std::optional<std::chrono::nanoseconds> ttft() const { return ttft_; }
  /// Sum of a stage's spans.
  std::chrono::nanoseconds total(Stage stage) const;

  /// {"ttft_ms", "stages": [{"stage", "begin_ms", "end_ms", "bytes", "tokens", "blocks", "tier"}]}
  std::string to_json() const;
  /// A table for a terminal, one stage a line, inner stages indented.
  std::string to_table() const;

 private:
  Clock::time_point sent_;
  std::vector<Span> spans_;
  std::optional<std::chrono::nanoseconds> ttft_;
};

}  // namespace kvlink::app
