// SPDX-License-Identifier: Apache-2.0
// Speed of the library on synthetic text: kvlink_retrieval_bench [chunks ...]
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "retrieval/library.h"
#include "tests/support/temporary_folder.h"

namespace {

using namespace kvlink;
using namespace kvlink::retrieval;

constexpr std::int32_t kDim = 384;
constexpr int kChunksPerDocument = 10;
constexpr int kWordsPerChunk = 130;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

class TextSource {
 public:
  /// Word ranks fall off as Zipf's law says of natural text, over 30,000 words.
  std::string words(int n) {
    std::string out;
    for (int i = 0; i < n; ++i) {
      const auto rank = static_cast<int>(std::exp(uniform_(random_) * std::log(30000.0)));
      out += "w" + std::to_string(rank * 7919 % 30011) + (i % 12 == 11 ? ". " : " ");
    }
    return out;
  }

  /// Near one of 200 topics, as real embeddings are.
  std::vector<float> vector() {
    std::mt19937 topic(static_cast<unsigned>(random_() % 200));
    std::vector<float> out(kDim);
    double sum = 0;
    for (float& x : out) {
      x = normal_(topic) + 0.8f * normal_(random_);
      sum += static_cast<double>(x) * static_cast<double>(x);
    }
    for (float& x : out) x /= static_cast<float>(std::sqrt(sum));
    return out;
  }

 private:
  std::mt19937 random_{1};
  std::uniform_real_distribution<double> uniform_;
  std::normal_distribution<float> normal_;
};

NewDocument make_document(TextSource& source, std::int64_t index) {
  NewDocument added;
  added.document.path = "/doc" + std::to_string(index);
  added.document.title = source.words(4);
  for (int i = 0; i < kChunksPerDocument; ++i) {
    Chunk chunk;
    chunk.text = source.words(kWordsPerChunk);
    chunk.n_tokens = 180;
    added.chunks.push_back(std::move(chunk));
    const auto vector = source.vector();
    added.vectors.insert(added.vectors.end(), vector.begin(), vector.end());
  }
  return added;
}

void measure_search(Library& library, TextSource& source) {
  std::vector<double> both, words_only;
  for (int i = 0; i < 60; ++i) {
    const auto vector = source.vector();
    for (const bool with_vector : {true, false}) {
      SearchRequest request;
      request.text = "what is " + source.words(6);
      if (with_vector) request.vector = vector;
      const auto begin = std::chrono::steady_clock::now();
      if (!library.search(request)) std::abort();
      (with_vector ? both : words_only).push_back(seconds_since(begin) * 1e3);
    }
  }
  for (auto* times : {&both, &words_only}) std::sort(times->begin(), times->end());
  std::printf("  search ms: hybrid p50 %.2f p95 %.2f, words only p50 %.2f p95 %.2f\n", both[30],
              both[57], words_only[30], words_only[57]);
}

void measure(std::int64_t n_chunks) {
  const tests::TemporaryFolder folder;
  TextSource source;
  const EmbeddingSpace space{sha256("bench"), kDim};
  {
    auto library = Library::open(folder.path(), space).value();
    std::vector<NewDocument> documents;
    const std::int64_t n_documents = n_chunks / kChunksPerDocument;
    double committing = 0;
    for (std::int64_t i = 0; i < n_documents; ++i) {
      const auto document = make_document(source, i);
      const auto begin = std::chrono::steady_clock::now();
      if (!library->commit(document)) std::abort();
      committing += seconds_since(begin);
    }
    std::printf("%lld chunks in %lld documents: commit %.0f documents/s\n",
                static_cast<long long>(n_chunks), static_cast<long long>(n_documents),
                static_cast<double>(n_documents) / committing);
    measure_search(*library, source);
    const auto begin = std::chrono::steady_clock::now();
    const DocumentId first = 1;
    if (!library->remove(std::span(&first, 1))) std::abort();
    std::printf("  remove %.1f ms", seconds_since(begin) * 1e3);
    const auto erase_begin = std::chrono::steady_clock::now();
    for (bool done = false; !done;) done = library->erase_removed().value().done;
    std::printf(", erase %.0f ms", seconds_since(erase_begin) * 1e3);
    const auto close_begin = std::chrono::steady_clock::now();
    library.reset();
    std::printf(", close %.0f ms", seconds_since(close_begin) * 1e3);
  }
  auto begin = std::chrono::steady_clock::now();
  Library::open(folder.path(), space).value().reset();
  std::printf(", open with vector file %.0f ms", seconds_since(begin) * 1e3);
  std::filesystem::remove(folder.path() / "vectors.faiss");
  begin = std::chrono::steady_clock::now();
  auto library = Library::open(folder.path(), space).value();
  std::printf(", without %.0f ms\n", seconds_since(begin) * 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::int64_t> sizes;
  for (int i = 1; i < argc; ++i) sizes.push_back(std::atoll(argv[i]));
  if (sizes.empty()) sizes = {1000, 20000};
  for (const std::int64_t n_chunks : sizes) measure(n_chunks);
  return 0;
}
