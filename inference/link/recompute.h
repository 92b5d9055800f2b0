// SPDX-License-Identifier: Apache-2.0
// Carrying out plans on a cache: what is forwarded, and which tokens are worth computing again.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "inference/decoder.h"
#include "inference/link/context_plan.h"

namespace kvlink::inference {

/// One list for every chunk: the indices of its tokens to compute again, ascending.
using ChosenTokens = std::vector<std::vector<std::int32_t>>;

/// The `share` (0 to 1) of all tokens, rounded up, with the highest scores; earlier ones among
/// equals. scores: one list for every chunk.
ChosenTokens highest_tokens(std::span<const std::vector<float>> scores, double share);

/// `forward` with the chosen tokens of the plan's loaded chunks among it, in reading order.
ContextPlan::Forward with_recomputed(const ContextPlan& plan, ContextPlan::Forward forward,
                                     std::span<const PlannedChunk> chunks,
                                     const ChosenTokens& chosen);

/// A plan on its way into a cache whose rows from first_row on are the plan's, with its blocks
/// loaded. Borrows everything.
class PlanRun {
 public:
  /// link: the soft tokens behind a chunk, [n, model_dim]; empty when there are none. base_before:
  /// the decoder's LoRA leaves passages and opening alone (Adapter::base_passages).
  PlanRun(const Decoder& decoder, KvCache& cache, std::int64_t first_row, const ContextPlan& plan,
          std::span<const PlannedChunk> chunks, std::span<const float> link, bool base_before,
          const LayerCallback& between_layers)
      : decoder_(decoder),
        cache_(cache),
        first_row_(first_row),
        plan_(plan),
        chunks_(chunks),
        link_(link),
        base_before_(base_before),
        between_layers_(between_layers) {}

  /// What is forwarded in the end. Without a selection plan.forward; with one, tokens are scored
  /// first. That writes to the cache: under kDeviation two layers of every token before the
  /// question, under kQuery everything that plan.forward names.
  ContextPlan::Forward choose();

  /// Forwards and returns the logits of the last token; rows that stand behind all passages see them
  /// weighed by the plan's biases.
  std::vector<float> logits_of(const ContextPlan::Forward& forward);

  std::int64_t n_selection_tokens() const { return n_selection_tokens_; }
  /// Document tokens among what choose() returned.
  std::int64_t n_document_tokens() const { return n_document_tokens_; }

 private:
  std::vector<float> run(const ContextPlan::Forward& forward, ForwardBatch batch);
  std::vector<float> last_logits_of(const ContextPlan::Forward& forward);
  std::vector<std::vector<float>> deviations();
  std::vector<std::vector<float>> attention_of_question();

  const Decoder& decoder_;
  KvCache& cache_;
  std::int64_t first_row_;
  const ContextPlan& plan_;
  std::span<const PlannedChunk> chunks_;
  std::span<const float> link_;
  bool base_before_;
  const LayerCallback& between_layers_;
  std::int64_t n_selection_tokens_ = 0;
  std::int64_t n_document_tokens_ = 0;
};

}  // namespace kvlink::inference
