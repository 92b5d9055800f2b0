// SPDX-License-Identifier: Apache-2.0
// Attention of one query tile over a range of keys with products of bf16 pairs and f32 sums; as
// attention.h otherwise. Keys and values in f16, bf16 or int8, whose numbers bf16 holds exactly:
// their scales join the scores and the weights. Included inside the namespace of AVX512-BF16.
#pragma once

#include <immintrin.h>

#include "kernels/cpu/simd/key_tile.h"
#include "kernels/cpu/simd/mix.h"
#include "kernels/cpu/simd/pair_gemm.h"

namespace kvlink::kernels::KVLINK_ISA {
namespace {

constexpr std::int64_t kPairRow = 256 / 2;  ///< pairs in the longest head

/// Floats of scratch: queries, keys, values and weights as pairs, scores.
std::int64_t scratch_floats(std::int64_t n_rows, std::int64_t head_dim) {
  const std::int64_t width = padded(head_dim);
  return n_rows * width / 2 + kKeyTile * width / 2 * 2 + n_rows * kKeyTile / 2 + n_rows * kKeyTile;
}

/// Everything a tile works on; one piece of scratch each.
struct PairScratch {
  std::uint32_t* q;        ///< [n_rows, width / 2]
  std::uint32_t* keys;     ///< [width / 2, kKeyTile]
  std::uint32_t* values;   ///< [kKeyTile / 2, width]
  std::uint32_t* weights;  ///< [n_rows, kKeyTile / 2]
  float* scores;           ///< [n_rows, kKeyTile]
};

/// Elements e to e + kWidth of a row of kF16 or kQ8Kv, without its scale; zero from dim on.
template <DType kType>
inline Vec load_part(const std::byte* row, std::int64_t e, std::int64_t dim) {
  if (e >= dim) return zero();
  const std::int64_t left = dim - e < kWidth ? dim - e : kWidth;
  if constexpr (kType == DType::kQ8Kv) {
    return load_i8_partial(reinterpret_cast<const std::int8_t*>(row) + e, left);
  } else {
    const auto* p = reinterpret_cast<const std::uint16_t*>(row) + e;
    return left == kWidth ? load_f16(p) : load_f16_partial(p, left);
  }
}

/// Pairs of elements e to e + 2 kWidth of a row; what is bf16 already is only copied.
template <DType kType>
inline __m512i load_pairs(const std::byte* row, std::int64_t e, std::int64_t dim) {
  if constexpr (kType == DType::kBF16) {
    const std::int64_t left = dim - e < 2 * kWidth ? dim - e : 2 * kWidth;
    if (left <= 0) return _mm512_setzero_si512();
    return _mm512_maskz_loadu_epi16(0xFFFFFFFFU >> (2 * kWidth - left),
                                    reinterpret_cast<const std::uint16_t*>(row) + e);
  } else {
    return to_bf16(load_part<kType>(row, e, dim), load_part<kType>(row, e + kWidth, dim));
  }
}

/// Elements e to e + kWidth of two rows one behind the other; null: zero.
template <DType kType>
inline __m512i load_two(const std::byte* first_row, const std::byte* second_row, std::int64_t e,
                        std::int64_t dim) {
  if constexpr (kType == DType::kBF16) {
    const std::int64_t left = dim - e < kWidth ? dim - e : kWidth;
    const auto bits_of = [&](const std::byte* row) {
      if (row == nullptr || left <= 0) return _mm256_setzero_si256();
      return _mm256_maskz_loadu_epi16(first(left), reinterpret_cast<const std::uint16_t*>(row) + e);
    };
    return _mm512_inserti64x4(_mm512_castsi256_si512(bits_of(first_row)), bits_of(second_row), 1);
  } else {
    const auto part_of = [&](const std::byte* row) {
      return row == nullptr ? zero() : load_part<kType>(row, e, dim);
    };
    return to_bf16(part_of(first_row), part_of(second_row));
  }
}

/// Hidden keys become zero, so that whatever they hold cannot reach a sum.
template <DType kType>
inline void load_keys(const AttentionCall& call, std::int64_t key, const KeyTile& tile,
                      std::uint32_t* keys) {
  const std::int64_t pairs = padded(call.head_dim) / 2;
  const std::int64_t padded_pairs = (pairs + kWidth - 1) / kWidth * kWidth;
  alignas(64) float staging[kWidth * kPairRow];
  for (std::int64_t i = 0; i < kKeyTile; ++i) {
    float* row = staging + i % kWidth * kPairRow;
    const bool hidden = tile.positions[i] == kHiddenPosition;
    const std::byte* source = call.keys + (key + i) * call.kv_stride * kElementBytes<kType>;
    for (std::int64_t p = 0; p < padded_pairs; p += kWidth) {
      const __m512i both =
          hidden ? _mm512_setzero_si512() : load_pairs<kType>(source, p * 2, call.head_dim);
      store(row + p, _mm512_castsi512_ps(both));
    }
    if (i % kWidth != kWidth - 1) continue;
    for (std::int64_t p = 0; p < pairs; p += kWidth) {
      float* target = reinterpret_cast<float*>(keys) + p * kKeyTile + i + 1 - kWidth;
      if (p + kWidth <= pairs) {
        transpose(staging + p, kPairRow, target, kKeyTile);
      } else {  // heads whose pairs are no multiple of sixteen
        alignas(64) float corner[kWidth * kWidth];
        transpose(staging + p, kPairRow, corner, kWidth);
        for (std::int64_t j = 0; j < pairs - p; ++j) {
          store(target + j * kKeyTile, load(corner + j * kWidth));
        }
      }
    }
  }
}

template <DType kType>
inline void load_values(const AttentionCall& call, std::int64_t key, const KeyTile& tile,
                        std::uint32_t* values) {
  const std::int64_t width = padded(call.head_dim);
  const std::int64_t row_stride = call.kv_stride * kElementBytes<kType>;
  // Lanes of `to_bf16` to dwords of one lane of each half.
  const __m512i zip = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8,
                                       23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  for (std::int64_t i = 0; i < kKeyTile; i += 2) {
    const bool first_hidden = tile.positions[i] == kHiddenPosition;
    const bool second_hidden = tile.positions[i + 1] == kHiddenPosition;
    const std::byte* source = call.values + (key + i) * row_stride;
    for (std::int64_t e = 0; e < width; e += kWidth) {
      const __m512i rows =
          load_two<kType>(first_hidden ? nullptr : source,
                          second_hidden ? nullptr : source + row_stride, e, call.head_dim);
      const __m512i both = _mm512_permutexvar_epi16(zip, rows);
      _mm512_storeu_si512(values + i / 2 * width + e, both);
    }
  }
}

/// exp(x) for x <= 0, relative error 5e-5: a tenth of what rounding to bf16 makes of it.
inline Vec exp_roughly(Vec x) {
  // In this order of operands NaN passes.
  const Vec scaled = max(set1(-126.0F), mul(x, set1(1.44269504F)));
  const Vec n = round_to_int(scaled);
  const Vec r = sub(scaled, n);
  Vec p = fma(set1(0.00961813F), r, set1(0.05550411F));
  p = fma(p, r, set1(0.24022651F));
  p = fma(p, r, set1(0.69314718F));
  p = fma(p, r, set1(1.0F));
  return scale_by_power(p, n, x);
}

/// Turns a row of scores into weights, times the values' scales; returns the factor for what was
/// summed before.
inline float soften(const float* scores, const KeyTile& tile, std::int32_t limit,
                    std::uint32_t* weights, float* row_max, float* row_sum) {
  Vec s[kKeyTile / kWidth];
  Vec highest = set1(*row_max);
#pragma GCC unroll 4
  for (int i = 0; i < kKeyTile / kWidth; ++i) {
    s[i] = load(scores + i * kWidth);
    if (tile.is_scaled) s[i] = mul(s[i], load(tile.key_scales + i * kWidth));
    if (tile.is_biased) s[i] = add(s[i], load(tile.biases + i * kWidth));
    if (tile.highest > limit) s[i] = hide(s[i], tile.positions + i * kWidth, limit);
    highest = max(highest, s[i]);
  }
  const float new_max = reduce_max(highest);
  // Nothing seen yet: every exponential below is of minus infinity, and gives 0.
  const float shift = new_max == -__builtin_inff() ? 0.0F : new_max;
  Vec sum = zero();
#pragma GCC unroll 4
  for (int i = 0; i < kKeyTile / kWidth; ++i) {
    s[i] = exp_roughly(sub(s[i], set1(shift)));
    sum = add(sum, s[i]);
    if (tile.is_scaled) s[i] = mul(s[i], load(tile.value_scales + i * kWidth));
  }
#pragma GCC unroll 2
  for (int i = 0; i < kKeyTile / kWidth; i += 2) {
    _mm512_storeu_si512(weights + i * kWidth / 2, to_bf16(s[i], s[i + 1]));
  }
  float factor = 1.0F;
  if (new_max != *row_max) {
    factor = _mm512_cvtss_f32(exp_roughly(set1(*row_max - shift)));
    *row_max = new_max;
  }
  *row_sum = *row_sum * factor + reduce_add(sum);
  return factor;
}

inline void read_queries(const AttentionCall& call, std::int64_t width, std::uint32_t* q) {
  const Vec scale = set1(1.0F / __builtin_sqrtf(static_cast<float>(call.head_dim)));
  alignas(64) float row[256 + 2 * kWidth] = {};
  for (std::int64_t r = 0; r < call.n_queries * call.group; ++r) {
    const float* source = call.q + r / call.group * call.q_stride + r % call.group * call.head_dim;
    for (std::int64_t e = 0; e < call.head_dim; e += kWidth) {
      const std::int64_t left = call.head_dim - e < kWidth ? call.head_dim - e : kWidth;
      store(row + e, mul(load_partial(source + e, left), scale));
    }
    if (call.dtype == DType::kQ8Kv) mix(row, call.head_dim);
    // The last store may reach into the next row, which is written after it.
    for (std::int64_t e = 0; e < width; e += 2 * kWidth) {
      const __m512i pairs = to_bf16(load(row + e), load(row + e + kWidth));
      const std::int64_t left = (width - e) / 2;
      _mm512_mask_storeu_epi32(q + r * (width / 2) + e / 2, first(left < kWidth ? left : kWidth),
                               pairs);
    }
  }
}

inline void soften_rows(const AttentionCall& call, const KeyTile& tile, const PairScratch& s) {
  const std::int64_t n_rows = call.n_queries * call.group;
  const std::int64_t width = padded(call.head_dim);
  float* row_max = call.partial + n_rows * width;
  float* row_sum = row_max + n_rows;
  for (std::int64_t r = 0; r < n_rows; ++r) {
    const float factor = soften(s.scores + r * kKeyTile, tile, call.query_positions[r / call.group],
                                s.weights + r * kKeyTile / 2, row_max + r, row_sum + r);
    if (factor == 1.0F) continue;
    float* sums = call.partial + r * width;
    for (std::int64_t e = 0; e < width; e += kWidth) {
      store(sums + e, mul(load(sums + e), set1(factor)));
    }
  }
}

template <PairGemm kGemm, DType kType>
void attention_by_pairs(const AttentionCall& call) {
  const std::int64_t n_rows = call.n_queries * call.group;
  const std::int64_t width = padded(call.head_dim);
  auto* next = reinterpret_cast<std::uint32_t*>(call.scratch);
  PairScratch s{};
  s.keys = next;
  s.values = s.keys + width / 2 * kKeyTile;
  s.scores = reinterpret_cast<float*>(s.values + kKeyTile / 2 * width);
  s.weights = reinterpret_cast<std::uint32_t*>(s.scores + n_rows * kKeyTile);
  s.q = s.weights + n_rows * kKeyTile / 2;
  read_queries(call, width, s.q);
  clear_partial(call.partial, n_rows, width);
  const std::int32_t last_query = last_position(call);
  for (std::int64_t key = call.key_begin; key < call.key_end; key += kKeyTile) {
    KeyTile tile;
    read_tile(call, key, tile);
    if (tile.lowest > last_query) continue;
    load_keys<kType>(call, key, tile, s.keys);
    load_values<kType>(call, key, tile, s.values);
    kGemm(
        {n_rows, kKeyTile, width / 2, s.q, width / 2, s.keys, kKeyTile, s.scores, kKeyTile, false});
    soften_rows(call, tile, s);
    kGemm({n_rows, width, kKeyTile / 2, s.weights, kKeyTile / 2, s.values, width, call.partial,
           width, true});
  }
}

template <PairGemm kGemm>
void attention_bf16(const AttentionCall& call) {
  switch (call.dtype) {
    case DType::kBF16:
      return attention_by_pairs<kGemm, DType::kBF16>(call);
    case DType::kQ8Kv:
      return attention_by_pairs<kGemm, DType::kQ8Kv>(call);
    default:
      return attention_by_pairs<kGemm, DType::kF16>(call);
  }
}

}  // namespace
}  // namespace kvlink::kernels::KVLINK_ISA
