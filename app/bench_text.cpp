// SPDX-License-Identifier: Apache-2.0
#include "app/bench_text.h"

#include <array>

namespace kvlink::app {
namespace {

constexpr std::array kPlaces = {
    "the northern harbour", "the old weather station", "the reservoir",
    "the museum's cellar",  "the east mill",           "the ferry landing",
    "the glass works",      "the upper orchard",       "the signal tower"};
constexpr std::array kPeople = {"the keeper",   "a visiting engineer", "the archivist",
                                "two students", "the night watch",     "a retired pilot",
                                "the surveyor"};
constexpr std::array kDeeds = {"measured the water level with a float gauge",
                               "copied the register by hand",
                               "replaced the cracked barometer",
                               "counted the crates before noon",
                               "drew a plan of the lower rooms",
                               "noted an unusual smell of iron",
                               "signed the entry in blue ink",
                               "closed the sluice for the night"};
constexpr std::array kOutcomes = {"and nobody objected",
                                  "although the wind had turned",
                                  "so the report could be sent at last",
                                  "which later proved to be a mistake",
                                  "because the previous figure looked wrong",
                                  "before the lamps were lit",
                                  "while the bells were silent",
                                  "as the rules of the house demand",
                                  "and left a copy on the table",
                                  "after a long discussion",
                                  "without waiting for the letter"};

template <std::size_t N>
const char* pick(const std::array<const char*, N>& words, std::int64_t n) {
  return words[static_cast<std::size_t>(n) % N];
}

}  // namespace

std::string bench_text(std::int64_t n_words) {
  std::string text;
  constexpr std::int64_t kFewestWordsPerSentence = 10;
  // The number makes every sentence a different one; the word lists have coprime lengths.
  for (std::int64_t n = 1; (n - 1) * kFewestWordsPerSentence < n_words; ++n) {
    text += "Entry " + std::to_string(n) + ": at " + pick(kPlaces, n) + ", " + pick(kPeople, n) +
            " " + pick(kDeeds, n) + " " + pick(kOutcomes, n) + ".";
    text += n % 5 == 0 ? "\n\n" : " ";
  }
  return text;
}

}  // namespace kvlink::app
