// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target on many damaged versions of every file of a folder: the same ones in every
// run.
//
//   gguf_fuzz_mutations FOLDER [MUTATIONS OF EACH FILE [MIB]]
//
// Fails when one takes more than 2 s of processor time or more heap than the input and 64 MiB (or
// so many); a crash or an exception that is not ours ends the program.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/heap_peak.h"
#include "tests/support/random_floats.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t n_bytes);

namespace {

constexpr double kMaxSeconds = 2.0;

/// What files of these kinds get wrong: sizes, numbers, names and nesting.
constexpr std::array<std::string_view, 26> kPieces = {"-1",
                                                      "0",
                                                      "1e400",
                                                      "-0.0",
                                                      "NaN",
                                                      "18446744073709551615",
                                                      "../",
                                                      "/etc/passwd",
                                                      "\\ud800",
                                                      "\\u0000",
                                                      "[[[[[[[[",
                                                      "{\"a\":{\"a\":{\"a\":",
                                                      "null",
                                                      "true",
                                                      "\"\"",
                                                      "[]",
                                                      "{}",
                                                      "4294967296",
                                                      "\xFF\xFE",
                                                      "\xC0\xAF",
                                                      "\xED\xA0\x80",
                                                      "2147483647",
                                                      ",",
                                                      "\"weight\":",
                                                      "9999999999999999999999",
                                                      "F64"};
constexpr std::array<std::uint64_t, 12> kNumbers = {
    0,          1,          0x7F,       0xFF,       0x7FFF'FFFF,           0xFFFF'FFFF,
    1ULL << 32, 1ULL << 40, 1ULL << 61, 1ULL << 63, 0x7FFF'FFFF'FFFF'FFFF, ~0ULL};

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::string mutate(std::string bytes, const std::vector<std::string>& seeds) {
    for (std::uint64_t n = 1 + below(4); n > 0; --n) mutate_once(bytes, seeds);
    return bytes;
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_.next_bits() % n; }
  std::size_t place(const std::string& bytes) {
    // Headers are where the counts are.
    const std::size_t span =
        below(2) == 0 ? std::min<std::size_t>(bytes.size(), 256) : bytes.size();
    return span == 0 ? 0 : below(span);
  }

  void mutate_once(std::string& bytes, const std::vector<std::string>& seeds) {
    const std::size_t at = place(bytes);
    switch (below(8)) {
      case 0:
        bytes.resize(at);
        return;
      case 1:
        if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ 1 << below(8));
        return;
      case 2:
        overwrite(bytes, at, kNumbers[below(kNumbers.size())], 1ULL << below(4));
        return;
      case 3:
        bytes.insert(at, kPieces[below(kPieces.size())]);
        return;
      case 4:
        bytes.replace(at, std::min<std::size_t>(below(16), bytes.size() - at),
                      kPieces[below(kPieces.size())]);
        return;
      case 5:
        bytes.erase(at, below(64));
        return;
      case 6: {  // something occurs twice
        const std::string copy = bytes.substr(at, 1 + below(256));
        bytes.insert(place(bytes), copy);
        return;
      }
      default: {
        const std::string& other = seeds[below(seeds.size())];
        const std::size_t from = place(other);
        bytes.replace(at, std::string::npos, other.substr(from));
      }
    }
  }

  static void overwrite(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t n) {
    for (std::size_t i = 0; i < n && at + i < bytes.size(); ++i) {
      bytes[at + i] = static_cast<char>(value >> 8 * i);
    }
  }

  kvlink::tests::RandomFloats random_;
};

/// Whether one input kept to the limits; the worst so far is remembered.
bool run(const std::string& input, std::size_t max_extra, double& slowest, std::size_t& largest) {
  const kvlink::tests::HeapPeak heap;
  const std::clock_t start = std::clock();
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  slowest = std::max(slowest, seconds);
  largest = std::max(largest, heap.bytes());
  return seconds <= kMaxSeconds && heap.bytes() <= input.size() + max_extra;
}

}  // namespace

int main(int argc, char** argv) {
  const int n_each = argc > 2 ? std::atoi(argv[2]) : 10'000;
  const std::size_t max_extra = (argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 64) << 20;
  std::vector<std::string> seeds;
  for (const auto& entry : std::filesystem::directory_iterator(argc > 1 ? argv[1] : ".")) {
    std::ifstream in(entry.path(), std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  std::sort(seeds.begin(), seeds.end());
  double slowest = 0;
  std::size_t largest = 0;
  std::int64_t n_runs = 0;
  int n_failed = 0;
  for (std::size_t s = 0; s < seeds.size(); ++s) {
    for (int i = 0; i < n_each; ++i, ++n_runs) {
      Mutator mutator(s << 32 | static_cast<std::uint64_t>(i));
      if (run(mutator.mutate(seeds[s], seeds), max_extra, slowest, largest)) continue;
      ++n_failed;
      std::printf("seed file %zu, mutation %d: over the limits\n", s, i);
    }
  }
  std::printf(
      "%lld mutations of %zu files, %d over the limits; slowest %.3f s, most heap %.1f MB\n",
      static_cast<long long>(n_runs), seeds.size(), n_failed, slowest,
      static_cast<double>(largest) * 1e-6);
  return n_failed == 0 && n_runs > 0 ? 0 : 1;
}
