// SPDX-License-Identifier: Apache-2.0
#include "inference/model/rope_frequencies.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kvlink::inference {
namespace {

constexpr double kTurn = 2.0 * std::numbers::pi;

double llama3_frequency(double frequency, const RopeScaling& s) {
  const double turns = s.original_context * frequency / kTurn;
  if (turns > s.high_frequency) return frequency;
  if (turns < s.low_frequency) return frequency / s.factor;
  const double kept = (turns - s.low_frequency) / (s.high_frequency - s.low_frequency);
  return (1.0 - kept) * frequency / s.factor + kept * frequency;
}

/// The pair (as a real number) that makes `turns` turns over the original context.
double pair_of_turns(double turns, std::int32_t n_rotated, double base, double context) {
  return n_rotated * std::log(context / (turns * kTurn)) / (2.0 * std::log(base));
}

/// Share of pair i that is stretched: 0 before `low`, 1 after `high`.
struct Ramp {
  double low;
  double high;
  double at(std::int32_t i) const { return std::clamp((i - low) / (high - low), 0.0, 1.0); }
};

Ramp yarn_ramp(std::int32_t n_rotated, double base, const RopeScaling& s) {
  double low = pair_of_turns(s.beta_fast, n_rotated, base, s.original_context);
  double high = pair_of_turns(s.beta_slow, n_rotated, base, s.original_context);
  if (s.whole_dimensions) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, n_rotated - 1.0);
  // The published code widens an empty range by this much.
  if (low == high) high += 0.001;
  return {low, high};
}

}  // namespace

kernels::Rope plain_rope(std::int32_t n_rotated, double base, kernels::RopePairing pairing) {
  return scaled_rope(n_rotated, base, pairing, {});
}

double yarn_magnitude(double factor, double weight) {
  return factor <= 1.0 ? 1.0 : 0.1 * weight * std::log(factor) + 1.0;
}

kernels::Rope scaled_rope(std::int32_t n_rotated, double base, kernels::RopePairing pairing,
                          const RopeScaling& scaling) {
  using Kind = RopeScaling::Kind;
  kernels::Rope rope;
  rope.pairing = pairing;
  const bool is_yarn = scaling.kind == Kind::kYarn;
  const Ramp ramp = is_yarn ? yarn_ramp(n_rotated, base, scaling) : Ramp{0.0, 1.0};
  if (is_yarn) rope.magnitude = static_cast<float>(scaling.magnitude);
  for (std::int32_t i = 0; i < n_rotated / 2; ++i) {
    double frequency = std::pow(base, -2.0 * i / n_rotated);
    if (scaling.kind == Kind::kLinear) frequency /= scaling.factor;
    if (scaling.kind == Kind::kLlama3) frequency = llama3_frequency(frequency, scaling);
    if (is_yarn) {
      const double stretched = ramp.at(i);
      frequency = frequency * (1.0 - stretched) + frequency / scaling.factor * stretched;
    }
    rope.frequencies.push_back(static_cast<float>(frequency));
  }
  return rope;
}

void divide_frequencies(kernels::Rope& rope, std::span<const float> factors) {
  for (std::size_t i = 0; i < factors.size(); ++i) rope.frequencies[i] /= factors[i];
}

}  // namespace kvlink::inference
