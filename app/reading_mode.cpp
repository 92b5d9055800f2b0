// SPDX-License-Identifier: Apache-2.0
#include "app/reading_mode.h"

#include <charconv>
#include <cmath>

namespace kvlink::app {
namespace {

using inference::LinkMode;
using inference::RecomputeMethod;
constexpr std::string_view kWithLinks = "link+";
constexpr std::string_view kWithPrior = "+prior";
constexpr RecomputeMethod kMethods[] = {RecomputeMethod::kFirstK, RecomputeMethod::kDeviation,
                                        RecomputeMethod::kQuery};

}  // namespace

std::optional<ReadingMode> parse_reading_mode(std::string_view name) {
  if (const auto mode = inference::parse_link_mode(name)) return ReadingMode(*mode);
  for (const auto mode : {LinkMode::kFull, LinkMode::kReposition, LinkMode::kLink}) {
    ReadingMode weighed(mode);
    weighed.prior = true;
    if (name == reading_mode_name(weighed)) return weighed;
  }
  ReadingMode reading(LinkMode::kRecompute);
  reading.links = name.starts_with(kWithLinks);
  if (reading.links) name.remove_prefix(kWithLinks.size());
  for (const auto method : kMethods) {
    const auto word = inference::recompute_method_name(method);
    if (!name.starts_with(word)) continue;
    const auto number = name.substr(word.size());
    int percent = -1;
    const auto read = std::from_chars(number.data(), number.data() + number.size(), percent);
    if (read.ec != std::errc() || read.ptr != number.data() + number.size()) return std::nullopt;
    if (percent < 0 || percent > 100) return std::nullopt;
    reading.recompute = method;
    reading.share = percent / 100.0;
    return reading;
  }
  return std::nullopt;
}

std::string reading_mode_name(const ReadingMode& mode) {
  if (!mode.recompute || !mode.share) {
    return std::string(inference::link_mode_name(mode.mode)) +
           std::string(mode.prior ? kWithPrior : std::string_view());
  }
  return (mode.links ? std::string(kWithLinks) : std::string()) +
         std::string(inference::recompute_method_name(*mode.recompute)) +
         std::to_string(std::lround(*mode.share * 100.0));
}

}  // namespace kvlink::app
