// SPDX-License-Identifier: Apache-2.0
// Every numeric bound of the tests, by what is compared; each two to three times what was measured.
#pragma once

namespace kvlink::tests {

// --- inference: logits against golden values and against our own full prefill -------------------

/// stories260K, largest logit difference from float32 golden values; logits span about 20.
constexpr float kGoldenLogitsF32 = 1e-3F;
constexpr float kGoldenLogitsF16 = 0.02F;
constexpr float kGoldenLogitsBf16 = 0.1F;
constexpr float kGoldenLogitsQ8 = 0.2F;

/// Default generator: natural-log probabilities of the 20 best tokens, and the mean NLL as a share.
constexpr float kGoldenLogProbabilities = 0.02F;
constexpr double kGoldenNllShare = 0.002;
/// Below this distance between the two best logits an argmax may differ.
constexpr float kGoldenUnsureMargin = 0.05F;

/// Tiny random models against formulas in double precision and against another order of the work.
constexpr float kTinyLogitsF32 = 1e-4F;
constexpr float kTinyLogitsF16Arena = 0.01F;

}  // namespace kvlink::tests
