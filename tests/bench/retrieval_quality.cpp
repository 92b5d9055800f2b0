// SPDX-License-Identifier: Apache-2.0
// Ranking quality on the judged collections of KVLINK_TEST_DATA with the default embedder:
//   kvlink_retrieval_quality [FOLDER_FOR_LIBRARIES]
// A folder given is kept, so that a second run does not embed again.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "app/eval/collection.h"
#include "inference/embedder.h"
#include "retrieval/library.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_paths.h"

namespace {

using namespace kvlink;
using namespace kvlink::retrieval;

/// A collection as `kvlink eval retrieval` reads it.
struct Collection : app::Collection {
  std::string name;
};

Collection read_pool(const std::filesystem::path& folder) {
  return {app::read_collection(folder / "nq20_pool.corpus.jsonl.gz",
                               folder / "nq20_pool.queries.dev.jsonl.gz"),
          "nq20_pool"};
}

Collection read_cranfield(const std::filesystem::path& folder) {
  return {app::read_cranfield(folder), "cranfield"};
}

template <typename T>
T must(Result<T> result) {
  return value_or_throw(std::move(result));
}

struct Embedding {
  std::unique_ptr<inference::Embedder> embedder;
  kernels::CpuBackend backend;

  std::vector<float> operator()(const std::vector<std::string>& texts) {
    return must(embedder->embed(backend, texts));
  }
  EmbeddingSpace space() const { return {embedder->fingerprint(), embedder->dim()}; }
};

/// One document per passage; its id is the path.
void fill(Library& library, const Collection& collection, Embedding& embed) {
  constexpr std::size_t kBatch = 32;
  for (std::size_t i = 0; i < collection.passages.size(); i += kBatch) {
    const std::size_t n = std::min(kBatch, collection.passages.size() - i);
    std::vector<std::string> texts;
    for (std::size_t j = i; j < i + n; ++j) {
      texts.push_back(prompt_text(collection.passages[j].title, "", collection.passages[j].text));
    }
    const auto vectors = embed(texts);
    const std::size_t dim = vectors.size() / n;
    for (std::size_t j = 0; j < n; ++j) {
      NewDocument added;
      added.document.path = collection.passages[i + j].id;
      added.document.title = collection.passages[i + j].title;
      Chunk chunk;
      chunk.text = collection.passages[i + j].text;
      chunk.n_tokens = 1;
      added.chunks.push_back(std::move(chunk));
      added.vectors.assign(vectors.begin() + static_cast<std::ptrdiff_t>(j * dim),
                           vectors.begin() + static_cast<std::ptrdiff_t>((j + 1) * dim));
      must(library.commit(added));
    }
    std::fprintf(stderr, "\r%zu of %zu", i + n, collection.passages.size());
  }
  std::fprintf(stderr, "\n");
}

struct Figures {
  double ndcg = 0;
  double recall = 0;
  int n_empty = 0;
};

Figures evaluate(Library& library, const Collection& collection,
                 const std::vector<std::vector<float>>& vectors, bool with_vectors) {
  Figures sum;
  int n_queries = 0;
  for (std::size_t q = 0; q < collection.queries.size(); ++q) {
    const auto& query = collection.queries[q];
    if (query.relevant.empty()) continue;
    SearchRequest request;
    request.text = query.text;
    request.limit = 10;
    if (with_vectors) request.vector = vectors[q];
    const auto hits = must(library.search(request));
    double gain = 0, ideal = 0, found = 0;
    for (std::size_t i = 0; i < 10; ++i) {
      const double weight = 1 / std::log2(static_cast<double>(i) + 2);
      if (i < query.relevant.size()) ideal += weight;
      if (i < hits.size() && query.relevant.contains(hits[i].path)) {
        gain += weight;
        found += 1;
      }
    }
    sum.ndcg += gain / ideal;
    sum.recall += found / static_cast<double>(query.relevant.size());
    sum.n_empty += hits.empty();
    ++n_queries;
  }
  sum.ndcg /= n_queries;
  sum.recall /= n_queries;
  return sum;
}

struct Judged {
  Collection collection;
  std::vector<std::vector<float>> vectors;  ///< of the queries
  std::filesystem::path folder;
};

Judged prepare(Collection collection, const std::filesystem::path& root, Embedding& embed) {
  Judged out{std::move(collection), {}, {}};
  out.folder = root / out.collection.name;
  std::filesystem::create_directories(root);
  auto library = must(Library::open(out.folder, embed.space()));
  if (must(library->documents()).size() != out.collection.passages.size()) {
    fill(*library, out.collection, embed);
  }
  for (const auto& query : out.collection.queries) out.vectors.push_back(embed({query.text}));
  return out;
}

void print_ranking(const Judged& judged, const EmbeddingSpace& space, const std::string& name,
                   const SearchOptions& options, bool with_vectors) {
  auto library = must(Library::open(judged.folder, space, FileSystem::posix(), {options}));
  const auto begin = std::chrono::steady_clock::now();
  const auto figures = evaluate(*library, judged.collection, judged.vectors, with_vectors);
  const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - begin;
  std::printf("%-10s %-16s nDCG@10 %.4f recall@10 %.4f unanswered %d, %.2f ms each\n",
              judged.collection.name.c_str(), name.c_str(), figures.ndcg, figures.recall,
              figures.n_empty, spent.count() / static_cast<double>(judged.vectors.size()));
}

void print_rankings(const Judged& judged, const EmbeddingSpace& space) {
  print_ranking(judged, space, "words", {}, false);
  print_ranking(judged, space, "default", {}, true);
  for (const double weight : {0.5, 0.6, 0.7, 0.8, 0.9, 1.0}) {
    SearchOptions options;
    options.dense_weight = weight;
    print_ranking(judged, space, "vectors " + std::to_string(weight).substr(0, 3), options, true);
  }
  for (const double title : {0.5, 1.0, 4.0}) {
    SearchOptions options;
    options.title_weight = title;
    print_ranking(judged, space, "title " + std::to_string(title).substr(0, 3), options, true);
  }
}

/// Questions of one collection asked of another: nothing there is relevant.
void print_refusals(const Judged& asked, const Judged& foreign, const EmbeddingSpace& space) {
  for (const double cosine : {0.25, 0.30, 0.35, 0.40}) {
    for (const double lexical : {-1.0, 0.10, 0.20, 0.30}) {
      SearchOptions options;
      options.min_cosine = cosine;
      options.min_lexical_cosine = lexical;
      auto library = must(Library::open(asked.folder, space, FileSystem::posix(), {options}));
      const auto own = evaluate(*library, asked.collection, asked.vectors, true);
      const auto other = evaluate(*library, foreign.collection, foreign.vectors, true);
      std::printf(
          "%-10s min_cosine %.2f min_lexical_cosine %5.2f: unanswered %d of its own, "
          "%d of %zu foreign questions, nDCG@10 %.4f\n",
          asked.collection.name.c_str(), cosine, lexical, own.n_empty, other.n_empty,
          foreign.vectors.size(), own.ndcg);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto data = tests::test_data();
  const auto model = tests::default_embedder();
  if (!data || !model) {
    std::fprintf(stderr, "KVLINK_TEST_DATA and the default embedder (./run) are needed\n");
    return 1;
  }
  try {
    const tests::TemporaryFolder temporary;
    const std::filesystem::path root = argc > 1 ? argv[1] : temporary.path();
    Embedding embed{must(inference::Embedder::load(*model)),
                    kernels::CpuBackend(kernels::CpuOptions{})};
    const auto cranfield = prepare(read_cranfield(*data / "retrieval" / "cranfield"), root, embed);
    const auto nq = prepare(read_pool(*data / "retrieval"), root, embed);
    print_rankings(cranfield, embed.space());
    print_rankings(nq, embed.space());
    print_refusals(cranfield, nq, embed.space());
    print_refusals(nq, cranfield, embed.space());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
