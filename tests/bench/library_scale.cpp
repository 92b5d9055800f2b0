// SPDX-License-Identifier: Apache-2.0
// A library of a size nobody wants to wait for in a test: kvlink_library_scale FOLDER CHUNKS
//
// Fills the folder up to so many chunks of synthetic text, waits for the graph, and measures:
// building, files, memory, searches with recall against exact comparison, updates, a removal of
// 5,000 documents, closing and opening. A folder that is full enough is not filled again. KEEP=1
// leaves out what changes the folder; EMBEDDER=FOLDER has each question embedded before it is
// searched with a made-up vector.
#include <SQLiteCpp/SQLiteCpp.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "inference/embedder.h"
#include "retrieval/library.h"

namespace {

using namespace kvlink;
using namespace kvlink::retrieval;
using Clock = std::chrono::steady_clock;

constexpr std::int32_t kDim = 384;
constexpr std::size_t kFactors = 64;
constexpr std::size_t kTopics = 2000;
constexpr double kVocabulary = 500'000;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Text and vectors as a large collection has them, as far as that can be made up: word ranks by
/// Zipf's law; passages of 130 words, more or less; documents of log-normal length, half of them
/// below 6 passages and some of 200; vectors near one of 2,000 topics in 64 of 384 dimensions.
class Source {
 public:
  explicit Source(unsigned seed) : random_(seed) {
    std::mt19937 fixed(7);  // the same topics for documents and questions
    for (auto& factor : factors_) {
      for (float& x : factor) x = normal_(fixed);
    }
    for (auto& topic : topics_) {
      for (float& x : topic) x = normal_(fixed);
    }
  }

  std::string words(int n) {
    std::string out;
    for (int i = 0; i < n; ++i) {
      const auto rank = static_cast<std::int64_t>(std::exp(uniform_(random_) * log_vocabulary_));
      out += word_of(rank) + (i % 12 == 11 ? ". " : " ");
    }
    return out;
  }

  std::vector<float> vector(std::size_t topic) {
    std::array<float, kFactors> weights{};
    for (std::size_t f = 0; f < kFactors; ++f) {
      weights[f] = topics_[topic][f] + 0.5F * normal_(random_);
    }
    std::vector<float> out(kDim);
    for (float& x : out) x = 0.5F * normal_(random_);
    for (std::size_t f = 0; f < kFactors; ++f) {
      for (std::size_t i = 0; i < out.size(); ++i) out[i] += weights[f] * factors_[f][i];
    }
    const float length = std::sqrt(std::inner_product(out.begin(), out.end(), out.begin(), 0.0F));
    for (float& x : out) x /= length;
    return out;
  }

  std::size_t topic() { return random_() % kTopics; }

  NewDocument document(std::int64_t index) {
    NewDocument added;
    added.document.path = "/doc" + std::to_string(index);
    added.document.title = words(4);
    added.document.content = sha256(added.document.path);
    const double length = 6 * std::exp(static_cast<double>(normal_(random_)));
    const int n = static_cast<int>(std::clamp(length, 1.0, 200.0));
    const std::size_t about = topic();
    for (int i = 0; i < n; ++i) {
      Chunk chunk;
      chunk.text = words(std::clamp(static_cast<int>(130 + 45 * normal_(random_)), 8, 260));
      chunk.n_tokens = 180;
      added.chunks.push_back(std::move(chunk));
      const auto row = vector(about);
      added.vectors.insert(added.vectors.end(), row.begin(), row.end());
    }
    return added;
  }

 private:
  /// A pronounceable word, the same for the same rank.
  static std::string word_of(std::int64_t rank) {
    constexpr const char* kConsonants = "bcdfghjklmnprstvwz";
    constexpr const char* kVowels = "aeiou";
    std::string word;
    for (std::int64_t rest = rank * 7919 % 499'979; word.empty() || rest > 0; rest /= 90) {
      word += kConsonants[rest % 18];
      word += kVowels[rest / 18 % 5];
    }
    return word;
  }

  std::mt19937 random_;
  std::uniform_real_distribution<double> uniform_;
  std::normal_distribution<float> normal_;
  double log_vocabulary_ = std::log(kVocabulary);
  std::array<std::array<float, kDim>, kFactors> factors_{};
  std::array<std::array<float, kFactors>, kTopics> topics_{};
};

double processor_seconds() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  return static_cast<double>(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
         static_cast<double>(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1e-6;
}

double resident_mib() {
  std::ifstream status("/proc/self/statm");
  std::int64_t all = 0, resident = 0;
  status >> all >> resident;
  return static_cast<double>(resident) * 4096 / (1 << 20);
}

/// The thread that builds the graph is at rest when the process is.
void wait_for_graph() {
  const auto begin = Clock::now();
  for (double before = processor_seconds();;) {
    std::this_thread::sleep_for(std::chrono::seconds(10));
    const double now = processor_seconds();
    if (now - std::exchange(before, now) < 0.005) break;
  }
  std::printf("graph complete %.0f s later, %.0f MiB resident\n", seconds_since(begin),
              resident_mib());
}

Result<void> fill(Library& library, std::int64_t n_chunks) {
  std::int64_t n = library.n_chunks();
  if (n >= n_chunks) return {};
  const auto known = library.documents();
  if (!known) return known.error();
  auto index = static_cast<std::int64_t>(known->size());
  Source source(static_cast<unsigned>(index) + 1);
  double committing = 0;
  const double processor = processor_seconds();
  const auto begin = Clock::now();
  const std::int64_t first = n;
  while (n < n_chunks) {
    const auto document = source.document(index++);
    n += std::ssize(document.chunks);
    const auto start = Clock::now();
    if (const auto committed = library.commit(document); !committed) return committed.error();
    committing += seconds_since(start);
    if (index % 1000 == 0) {
      std::fprintf(stderr, "\r%lld chunks, %.0f s", static_cast<long long>(n),
                   seconds_since(begin));
    }
  }
  std::printf(
      "\n%lld chunks in %lld documents; the last %lld chunks: %.0f s by the clock in commits (%.0f "
      "chunks/s), %.0f s of processor time with the graph so far and the making up of text\n",
      static_cast<long long>(n), static_cast<long long>(index), static_cast<long long>(n - first),
      committing, static_cast<double>(n - first) / committing, processor_seconds() - processor);
  return {};
}

void print_times(const char* what, std::vector<double>& ms) {
  std::sort(ms.begin(), ms.end());
  std::printf("%s: p50 %.1f ms, p95 %.1f ms, max %.1f ms (%zu)\n", what, ms[ms.size() / 2],
              ms[ms.size() * 95 / 100], ms.back(), ms.size());
}

Result<void> measure_searches(Library& library) {
  constexpr int kQueries = 200;
  std::unique_ptr<inference::Embedder> embedder;
  kernels::CpuBackend backend(kernels::CpuOptions{});
  if (const char* folder = std::getenv("EMBEDDER")) {
    auto loaded = inference::Embedder::load(folder);
    if (!loaded) return loaded.error();
    embedder = std::move(*loaded);
  }
  for (const bool with_vector : {true, false}) {
    Source source(99);
    std::vector<double> times;
    for (int i = 0; i < kQueries; ++i) {
      const auto vector = source.vector(source.topic());
      SearchRequest request;
      request.text = "what is " + source.words(6);
      if (with_vector) request.vector = vector;
      const auto begin = Clock::now();
      if (with_vector && embedder) {
        const auto made = embedder->embed(backend, std::span(&request.text, 1));
        if (!made) return made.error();
      }
      if (const auto hits = library.search(request); !hits) return hits.error();
      times.push_back(seconds_since(begin) * 1e3);
    }
    print_times(with_vector ? "search by words and vector" : "search by words", times);
  }
  return {};
}

/// Shares of the exact 10 nearest that the index finds.
Result<void> measure_recall(Library& library, const std::string& database) {
  constexpr std::size_t kQueries = 50, kNearest = 10;
  Source source(98);
  std::vector<std::vector<float>> queries;
  for (std::size_t i = 0; i < kQueries; ++i) queries.push_back(source.vector(source.topic()));
  std::vector<std::vector<std::pair<float, ChunkId>>> exact(kQueries);
  SQLite::Database db(database, SQLite::OPEN_READONLY);
  SQLite::Statement rows(db, "SELECT chunk_id, vector FROM vectors");
  std::vector<float> row(kDim);
  while (rows.executeStep()) {
    std::memcpy(row.data(), rows.getColumn(1).getBlob(), kDim * sizeof(float));
    for (std::size_t q = 0; q < kQueries; ++q) {
      float sum = 0;
      for (std::size_t i = 0; i < row.size(); ++i) sum += row[i] * queries[q][i];
      auto& best = exact[q];
      if (best.size() == kNearest && sum <= best.back().first) continue;
      best.insert(std::upper_bound(best.begin(), best.end(), std::pair(sum, ChunkId{0}),
                                   [](const auto& a, const auto& b) { return a.first > b.first; }),
                  {sum, rows.getColumn(0).getInt64()});
      if (best.size() > kNearest) best.pop_back();
    }
  }
  std::size_t found = 0;
  for (std::size_t q = 0; q < kQueries; ++q) {
    SearchRequest request;
    request.text = "qqqqqq";  // a word that no text has
    request.vector = queries[q];
    request.limit = kNearest;
    request.nearest = true;
    const auto hits = library.search(request);
    if (!hits) return hits.error();
    for (const auto& hit : *hits) {
      found += std::any_of(exact[q].begin(), exact[q].end(),
                           [&](const auto& one) { return one.second == hit.chunk.id; });
    }
  }
  std::printf("recall@10 of the index against exact comparison: %.3f (%zu queries)\n",
              static_cast<double>(found) / (kQueries * kNearest), kQueries);
  return {};
}

Result<void> measure_changes(Library& library) {
  const auto documents = library.documents();
  if (!documents) return documents.error();
  Source source(97);
  std::vector<double> times;
  for (std::int64_t i = 0; i < 50; ++i) {
    auto changed = source.document(i);
    changed.chunks.resize(1);
    changed.vectors.resize(kDim);
    const auto begin = Clock::now();
    if (const auto committed = library.commit(changed); !committed) return committed.error();
    times.push_back(seconds_since(begin) * 1e3);
  }
  print_times("document replaced by one of one chunk", times);
  std::vector<DocumentId> ids;
  std::int64_t n_chunks = 0;
  for (const auto& document : *documents) {
    if (ids.size() == 5000) break;
    if (document.id % 3 != 0) continue;
    ids.push_back(document.id);
    n_chunks += document.n_chunks;
  }
  auto begin = Clock::now();
  if (const auto removed = library.remove(ids); !removed) return removed.error();
  std::printf("removal of %zu documents (%lld chunks) returned after %.0f ms\n", ids.size(),
              static_cast<long long>(n_chunks), seconds_since(begin) * 1e3);
  if (const auto searched = measure_searches(library); !searched) return searched.error();
  times.clear();
  begin = Clock::now();
  for (bool done = false; !done;) {
    const auto step_begin = Clock::now();
    const auto step = library.erase_removed();
    if (!step) return step.error();
    times.push_back(seconds_since(step_begin) * 1e3);
    done = step->done;
  }
  std::printf("erased in %.1f s; ", seconds_since(begin));
  print_times("a step of it", times);
  return {};
}

void print_files(const std::filesystem::path& folder, std::int64_t n_chunks) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::printf("%s: %.0f MB, %.0f bytes per chunk\n", entry.path().filename().c_str(),
                static_cast<double>(entry.file_size()) * 1e-6,
                static_cast<double>(entry.file_size()) / static_cast<double>(n_chunks));
  }
}

Result<void> measure(const std::filesystem::path& folder, std::int64_t n_chunks) {
  const EmbeddingSpace space{sha256("scale"), kDim};
  auto begin = Clock::now();
  auto library = Library::open(folder, space);
  if (!library) return library.error();
  std::printf("open: %.1f s, %.0f MiB resident\n", seconds_since(begin), resident_mib());
  if (const auto filled = fill(**library, n_chunks); !filled) return filled.error();
  wait_for_graph();
  if (const auto searched = measure_searches(**library); !searched) return searched.error();
  const auto recalled = measure_recall(**library, (folder / "library.db").string());
  if (!recalled) return recalled.error();
  if (std::getenv("KEEP") == nullptr) {
    if (const auto changed = measure_changes(**library); !changed) return changed.error();
  }
  begin = Clock::now();
  library->reset();
  std::printf("close: %.1f s\n", seconds_since(begin));
  print_files(folder, n_chunks);
  begin = Clock::now();
  library = Library::open(folder, space);
  if (!library) return library.error();
  std::printf("open: %.1f s\n", seconds_since(begin));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "kvlink_library_scale FOLDER CHUNKS\n");
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const auto measured = measure(argv[1], std::atoll(argv[2]));
  if (!measured) std::fprintf(stderr, "%s\n", measured.error().message.c_str());
  return measured ? 0 : 1;
}
