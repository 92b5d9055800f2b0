// SPDX-License-Identifier: Apache-2.0
// How fast text becomes tokens, on one thread:
//
//   kvlink_tokenizer_bench VOCABULARY FOLDER
//
// VOCABULARY: a GGUF file (weights or not), tokenizer.json, or tokenizer.model (sentencepiece or
// Llama 3's ranks). Reads every file of FOLDER that is UTF-8 text, and 1 MB of one character beside
// half of it: twice the text must not take much more than twice the time. Processor time, the best
// of three.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "inference/model/model.h"
#include "inference/tokenizer/tokenizer.h"
#include "kernels/base/utf8.h"

namespace {

using namespace kvlink;
namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::unique_ptr<inference::Tokenizer> open_tokenizer(const fs::path& path) {
  if (path.extension() == ".gguf") {
    return value_or_throw(
        inference::make_tokenizer(value_or_throw(inference::load_tokenizer_source(path))));
  }
  inference::TokenizerSource source;
  if (path.extension() == ".json") {
    source.kind = "tokenizer.json";
    source.json = read_text(path);
  } else {
    source.kind = "tokenizer.model";
    source.model_bytes = read_text(path);
  }
  return value_or_throw(inference::make_tokenizer(source));
}

/// Of this thread: what other programs do meanwhile does not count.
double processor_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Processor time for one text after another; the best of three rounds.
double seconds_for(const inference::Tokenizer& tokenizer, const std::vector<std::string>& texts,
                   std::size_t& n_tokens) {
  double best = std::numeric_limits<double>::infinity();
  for (int round = 0; round < 3; ++round) {
    n_tokens = 0;
    const double begin = processor_seconds();
    for (const std::string& text : texts) n_tokens += tokenizer.encode(text).size();
    best = std::min(best, processor_seconds() - begin);
  }
  return best;
}

void measure_documents(const inference::Tokenizer& tokenizer, const fs::path& folder) {
  std::vector<std::string> texts;
  std::size_t n_bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::string text = read_text(entry.path());
    if (text.empty() || !is_valid_utf8(text)) continue;
    n_bytes += text.size();
    texts.push_back(std::move(text));
  }
  std::size_t n_tokens = 0;
  const double seconds = seconds_for(tokenizer, texts, n_tokens);
  std::printf("%s: %zu texts, %.1f MB, %zu tokens, %.1f MB/s\n", tokenizer.describe().c_str(),
              texts.size(), static_cast<double>(n_bytes) / 1e6, n_tokens,
              static_cast<double>(n_bytes) / 1e6 / seconds);
}

void measure_repetition(const inference::Tokenizer& tokenizer) {
  constexpr std::size_t kBytes = 1'000'000;
  using Named = std::pair<const char*, std::string>;
  for (const auto& [name, character] :
       {Named{"letter", "a"}, Named{"space", " "}, Named{"digit", "7"}, Named{"line end", "\n"},
        Named{"ideograph", "\u6f22"}, Named{"combining mark", "\u0301"}}) {
    std::string whole;
    while (whole.size() < kBytes) whole += character;
    const std::string half =
        whole.substr(0, whole.size() / 2 / character.size() * character.size());
    std::size_t ignored = 0;
    const double of_whole = seconds_for(tokenizer, {whole}, ignored);
    const double of_half = seconds_for(tokenizer, {half}, ignored);
    std::printf("1 MB of one %s: %.1f ms, %.2f times what half of it takes\n", name, of_whole * 1e3,
                of_whole / of_half);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "kvlink_tokenizer_bench VOCABULARY FOLDER\n");
    return 2;
  }
  const auto done = kvlink::returning([&] {
    const auto tokenizer = open_tokenizer(argv[1]);
    measure_documents(*tokenizer, argv[2]);
    measure_repetition(*tokenizer);
  });
  if (done) return 0;
  std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return 1;
}
