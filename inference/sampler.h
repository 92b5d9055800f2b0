// SPDX-License-Identifier: Apache-2.0
// From logits to the next token.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace kvlink::inference {

struct SamplerOptions {
  float temperature = 0.0F;         ///< <= 0: greedy, the default for answers about documents
  std::int32_t top_k = 40;          ///< 0: no limit
  float top_p = 0.95F;              ///< 1: no limit
  float repetition_penalty = 1.0F;  ///< 1: none; logits of tokens seen in the answer are divided by
                                    ///< it when positive and multiplied when negative (Keskar 2019)
  std::uint64_t seed = 0;           ///< same seed, same answer, on every platform
};

/// A draw in numbers, for a device that makes it where the logits are.
struct TokenDraw {
  double uniform = 0.0;  ///< in [0, 1)
  float temperature = 0.0F;
  std::int32_t top_k = 0;  ///< 0: no limit
  float top_p = 1.0F;
  float penalty = 1.0F;
  std::vector<std::int32_t> seen = {};  ///< ids to penalise, each once, ascending
  std::int32_t token = -1;              ///< the result; -1: nobody has drawn
};

/// Holds the random state of one answer. One user at a time.
class Sampler {
 public:
  explicit Sampler(SamplerOptions options) : options_(options), random_(options.seed) {}
  /// `answer` = the tokens produced so far. logits must not be empty; -infinity forbids a token;
  /// NaN, +infinity, or nothing but -infinity is kCorrupt (throws).
  std::int32_t next(std::span<const float> logits, std::span<const std::int32_t> answer);

  /// What next() would do, with the same random number; call advance() when it was done.
  TokenDraw plan(std::span<const std::int32_t> answer) const;
  void advance();

 private:
  SamplerOptions options_;
  std::mt19937_64 random_;
};

}  // namespace kvlink::inference
