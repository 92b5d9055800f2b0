// SPDX-License-Identifier: Apache-2.0
// How far results may be from their reference: one row per kind of result. A looser number needs a
// reason beside it.
#pragma once

namespace kvlink::tests {

/// |result - reference| <= absolute + relative * magnitude. The magnitude is what the row says.
struct Tolerance {
  double relative;
  double absolute;
};

// Kernels against formulas in f64. -----------------------------------------------------------

/// Sums of products, any weight type (the reference decodes the same bytes): of sum |x * w|.
inline constexpr Tolerance kSumTolerance{1e-6, 1e-30};
/// Sums with packed super-block weights, whose scales are rounded to f16 once more: of sum |x * w|,
/// where a minimum and a scale can nearly cancel.
inline constexpr Tolerance kPackedScaleTolerance{2e-3, 1e-4};
/// One value computed from few others (norms, activations, rotation): of the reference.
inline constexpr Tolerance kElementTolerance{3e-6, 2e-6};
/// Weighted means of values (attention, keys and values in f32): of the largest |value|.
inline constexpr Tolerance kAttentionTolerance{2e-6, 1e-7};
/// The same with keys, values, queries and weights rounded to bf16 (8 bits) before each product.
inline constexpr Tolerance kAttentionBf16Tolerance{6e-3, 1e-5};
/// Decoding of stored types: nothing but one rounding.
inline constexpr Tolerance kDecodeTolerance{3e-7, 1e-30};

// Rounding of a stored KV type: of the value (f16: 11 bits, bf16: 8 bits). ----------------------

inline constexpr Tolerance kF16Tolerance{4.9e-4, 6e-8};
inline constexpr Tolerance kBF16Tolerance{3.91e-3, 1e-38};
/// int8 with a scale: half a step, of the largest |value| that shares the scale (1 / 254).
inline constexpr Tolerance kQ8Tolerance{3.95e-3, 1e-30};

// Logits of the decoder: largest absolute difference, two to three times what was measured. -------

/// stories260K against float32 golden values; logits span about 20.
/// Measured: f32 1.4e-5, f16 0.0079, bf16 0.072, q8_0 0.195 (0.27 with int8 activations).
inline constexpr float kGoldenLogitsF32 = 1e-3F;
inline constexpr float kGoldenLogitsF16 = 0.02F;
inline constexpr float kGoldenLogitsBf16 = 0.2F;
inline constexpr float kGoldenLogitsQ8 = 0.5F;

/// stories260K in f32 with KV kept in other types, against the same values. Measured with products
/// of bf16 pairs: f16 0.043, bf16 0.064, q8 0.188; in f32: 0.0072, 0.055, 0.177.
inline constexpr float kGoldenKvF16 = 0.1F;
inline constexpr float kGoldenKvBf16 = 0.15F;
inline constexpr float kGoldenKvQ8 = 0.45F;

/// A tiny model with an adapter against the trainer's PyTorch model under the reuse mask.
inline constexpr float kGoldenLink = 1e-4F;

/// Default generator: natural-log probabilities of the 20 best tokens, and the mean NLL as a share.
inline constexpr float kGoldenLogProbabilities = 0.02F;
inline constexpr double kGoldenNllShare = 0.002;
/// Below this distance between the two best logits an argmax may differ.
inline constexpr float kGoldenUnsureMargin = 0.05F;
/// The same with activations rounded to int8. Measured: 0.41, 0.028 (prompts of a few tokens; over
/// 2,048 tokens the mean NLL changes by 0.0014 and the mean KL divergence is 0.0041).
inline constexpr float kGoldenLogProbabilitiesInt8 = 1.0F;
inline constexpr double kGoldenNllShareInt8 = 0.06;
inline constexpr float kGoldenUnsureMarginInt8 = 1.0F;

/// Tiny random models of every architecture against PyTorch in float32; logits span about 20.
inline constexpr float kTinyGoldenLogits = 5e-4F;

/// Tiny random models against formulas in double precision and against another order of the work.
inline constexpr float kTinyLogitsF32 = 1e-4F;
inline constexpr float kTinyLogitsF16Arena = 0.01F;
inline constexpr float kTinyLogitsBf16Arena = 0.08F;
inline constexpr float kTinyLogitsQ8Arena = 0.08F;

/// A chunk's KV put back where it was encoded against full prefill, by how blocks are kept (f32
/// blocks in an f32 arena, all others in an f16 arena). Measured on the default generator: f32 0,
/// f16 0.0057, bf16 0.022, q8 0.071; on a tiny random model: f32 0, f16 0.00048, bf16 0.0027,
/// q8 0.0099.
inline constexpr float kReuseF32 = 1e-3F;
inline constexpr float kReuseF16 = 0.015F;
inline constexpr float kReuseBf16 = 0.06F;
inline constexpr float kReuseQ8 = 0.2F;
inline constexpr float kTinyReuseF16 = 0.0015F;
inline constexpr float kTinyReuseBf16 = 0.008F;
inline constexpr float kTinyReuseQ8 = 0.03F;
/// The same with another type in memory: passages are encoded in f16 and read in that type, so what
/// they see of each other differs as well. Measured: bf16 0.066 and q8 0.175 on the default
/// generator, 0.0036 and 0.0144 on a tiny random model.
inline constexpr float kReuseInBf16 = 0.2F;
inline constexpr float kReuseInQ8 = 0.45F;
inline constexpr float kTinyReuseInBf16 = 0.01F;
inline constexpr float kTinyReuseInQ8 = 0.04F;
/// Keys rotated by p and by -p, as a share of the largest key.
inline constexpr float kRotationShare = 1e-6F;

// A device against the same references: the host's plugin and a GPU alike. ----------------------

/// Sums of products in f32, any weight type: of sum |x * w|.
inline constexpr Tolerance kDeviceSum{2e-6, 1e-30};
/// Both operands (and maybe the result) rounded to 16 bits: half a unit in the last place each.
inline constexpr Tolerance kDeviceSumF16{1.5e-3, 1e-30};
inline constexpr Tolerance kDeviceSumBf16{1.2e-2, 1e-30};
/// Decoding: the bias of 2^23 is exact, the product may be fused.
inline constexpr Tolerance kDeviceDecode{5e-7, 1e-9};
/// One value from few others; sums over lanes come in another order than on the CPU.
inline constexpr Tolerance kDeviceElement{5e-6, 4e-6};
/// Weighted means of values, of the largest |value|: queries, keys, shares and values in 16 bits.
inline constexpr Tolerance kDeviceAttentionF16{2e-3, 1e-6};
inline constexpr Tolerance kDeviceAttentionBf16{1.6e-2, 1e-6};
/// Logits of tiny random models, by what products are computed in: largest absolute difference.
inline constexpr float kDeviceLogitsF32 = 2e-3F;
inline constexpr float kDeviceLogitsF16 = 0.03F;
inline constexpr float kDeviceLogitsBf16 = 0.25F;
/// The default generator in f16: log probabilities of the best tokens, and the margin below which
/// the first token that differs does not count as an error.
inline constexpr float kDeviceLogProbabilities = 0.05F;
inline constexpr float kDeviceUnsureMargin = 0.1F;
/// Sentence vectors of length 1: any element, and the cosine with the CPU's. Products in 16 bits.
inline constexpr float kDeviceEmbedding = 5e-3F;
inline constexpr double kDeviceEmbeddingCosine = 0.9995;

}  // namespace kvlink::tests
