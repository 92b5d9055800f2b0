// SPDX-License-Identifier: Apache-2.0
// What a generator does with a built-in text: how well it predicts it, and how fast.
#pragma once

#include <cstdint>
#include <stop_token>

#include "inference/decoder.h"
#include "inference/tokenizer/tokenizer.h"

namespace kvlink::app {

struct ModelTrial {
  std::int64_t n_tokens = 0;     ///< of the text, as this tokenizer cuts it
  double perplexity = 0;         ///< exp of the mean negative log-likelihood per token
  double read_per_second = 0;    ///< tokens read
  double write_per_second = 0;   ///< tokens written, one after another
  bool text_comes_back = false;  ///< decoding the text's ids gives the text
};

/// Reads the text and writes a few tokens. Without a tokenizer it reads ids one after another, and
/// the perplexity says nothing. Throws kCorrupt when the model computes numbers that are not
/// finite, kOutOfMemory, kCancelled after a stop (looked at before every layer is packed
/// and every 32 tokens).
ModelTrial try_generator(const inference::Model& model, const inference::Tokenizer* tokenizer,
                         kernels::CpuBackend& backend, std::stop_token stop = {});

}  // namespace kvlink::app
