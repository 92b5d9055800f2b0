// SPDX-License-Identifier: Apache-2.0
#include "app/words.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace kvlink::app {

std::string bytes_in_words(std::int64_t bytes) {
  constexpr std::array kUnits = {"B", "kB", "MB", "GB", "TB", "PB"};
  if (bytes > -1000 && bytes < 1000) return std::to_string(bytes) + " B";
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (std::abs(value) >= 999.95 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f %s", value, kUnits[unit]);
  return text;
}

std::string count_in_words(std::int64_t count) {
  std::string digits = std::to_string(count);
  const std::size_t first = count < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string counted(std::int64_t count, std::string_view noun) {
  return count_in_words(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string seconds_in_words(double seconds) {
  if (!(seconds >= 1)) return "less than a second";
  const auto whole = static_cast<std::int64_t>(std::min(seconds, 1e12) + 0.5);
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) {
    return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
  }
  return count_in_words(whole / 3600) + " h " + std::to_string(whole % 3600 / 60) + " min";
}

}  // namespace kvlink::app
