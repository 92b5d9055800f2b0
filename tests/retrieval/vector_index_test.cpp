// SPDX-License-Identifier: Apache-2.0
#include "retrieval/vector_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <set>
#include <string>

#include "kernels/base/result.h"
#include "retrieval/vector_file.h"
#include "tests/support/temporary_folder.h"

namespace kvlink::retrieval {
namespace {

constexpr std::int32_t kDim = 24;

std::vector<float> random_vectors(std::int64_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> out(static_cast<std::size_t>(n * kDim));
  for (float& x : out) x = normal(random);
  for (std::size_t row = 0; row < out.size(); row += kDim) {
    float sum = 0;
    for (std::size_t i = row; i < row + kDim; ++i) sum += out[i] * out[i];
    for (std::size_t i = row; i < row + kDim; ++i) out[i] /= std::sqrt(sum);
  }
  return out;
}

std::span<const float> row(const std::vector<float>& vectors, std::int64_t index) {
  return std::span(vectors).subspan(static_cast<std::size_t>(index * kDim), kDim);
}

std::vector<std::int64_t> id_range(std::int64_t first, std::int64_t n) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(n));
  std::iota(ids.begin(), ids.end(), first);
  return ids;
}

/// Ids start at 100: id 100 + i is row i.
std::vector<std::int64_t> nearest_by_hand(const std::vector<float>& vectors,
                                          std::span<const float> query, std::size_t n,
                                          const std::set<std::int64_t>& removed) {
  std::vector<std::pair<double, std::int64_t>> all;
  for (std::int64_t i = 0; i < std::ssize(vectors) / kDim; ++i) {
    if (removed.contains(100 + i)) continue;
    const auto v = row(vectors, i);
    all.emplace_back(-std::inner_product(v.begin(), v.end(), query.begin(), 0.0), 100 + i);
  }
  std::sort(all.begin(), all.end());
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < std::min(n, all.size()); ++i) out.push_back(all[i].second);
  return out;
}

std::vector<std::int64_t> ids_of(const std::vector<Neighbour>& found) {
  std::vector<std::int64_t> out;
  for (const auto& neighbour : found) out.push_back(neighbour.id);
  return out;
}

double recall(const VectorIndex& index, const std::vector<float>& vectors,
              const std::set<std::int64_t>& removed) {
  const auto queries = random_vectors(50, 99);
  double hits = 0;
  for (std::int64_t q = 0; q < 50; ++q) {
    const auto expected = nearest_by_hand(vectors, row(queries, q), 10, removed);
    const auto found = ids_of(index.search(row(queries, q), 10));
    for (const auto id : found) {
      EXPECT_FALSE(removed.contains(id));
      hits += std::find(expected.begin(), expected.end(), id) != expected.end() ? 1 : 0;
    }
  }
  return hits / 500;
}

TEST(VectorIndex, ScansExactlyBelowTheThreshold) {
  const auto vectors = random_vectors(500, 1);
  VectorIndex index(kDim);
  index.add(id_range(100, 300), std::span(vectors).first(300 * kDim));
  index.add(id_range(400, 200), std::span(vectors).subspan(300 * kDim));
  std::set<std::int64_t> removed = {100, 101, 350, 598, 599, 250};
  index.remove(std::vector<std::int64_t>(removed.begin(), removed.end()));
  index.remove(std::vector<std::int64_t>{350, 7});
  EXPECT_EQ(index.size(), 494);
  EXPECT_EQ(index.n_backlog(), 0);
  const auto queries = random_vectors(20, 2);
  for (std::int64_t q = 0; q < 20; ++q) {
    EXPECT_EQ(ids_of(index.search(row(queries, q), 25)),
              nearest_by_hand(vectors, row(queries, q), 25, removed));
  }
  EXPECT_EQ(ids_of(index.search(row(queries, 0), 10000)).size(), 494u);
}

TEST(VectorIndex, OrdersTiesById) {
  const auto one = random_vectors(1, 3);
  VectorIndex index(kDim);
  for (const std::int64_t id : {9, 2, 5, 7}) index.add({{id}}, one);
  EXPECT_EQ(ids_of(index.search(one, 4)), (std::vector<std::int64_t>{2, 5, 7, 9}));
}

TEST(VectorIndex, ComparesAllowedRowsOnly) {
  const auto vectors = random_vectors(300, 4);
  VectorIndex index(kDim, {100, 20});
  index.add(id_range(100, 300), vectors);
  index.absorb(1000);
  const std::vector<std::int64_t> allowed = {150, 399, 120, 5000};
  const auto found = ids_of(index.search_among(row(vectors, 20), 2, allowed));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0], 120);
  EXPECT_NEAR(index.cosine(120, row(vectors, 20)), 1.0f, 1e-5f);
  EXPECT_EQ(index.cosine(5000, row(vectors, 20)), 0.0f);
}

TEST(VectorIndex, MovesRowsIntoAGraphInSteps) {
  const auto vectors = random_vectors(3000, 5);
  VectorIndex index(kDim, {1000, 200});
  index.add(id_range(100, 3000), vectors);
  EXPECT_EQ(index.n_backlog(), 2800);
  index.absorb(500);
  EXPECT_EQ(index.n_backlog(), 2300);
  EXPECT_GE(recall(index, vectors, {}), 0.95);
  index.absorb(100000);
  EXPECT_EQ(index.n_backlog(), 0);
  EXPECT_GE(recall(index, vectors, {}), 0.95);
  EXPECT_EQ(index.ids(), id_range(100, 3000));
}

std::string written(const VectorIndex& index) {
  std::string bytes;
  index.write([&](std::span<const std::byte> part) {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  return bytes;
}

TEST(VectorIndex, BuildsAGraphAnewWhenAFifthIsGone) {
  const auto vectors = random_vectors(2000, 6);
  VectorIndex index(kDim, {500, 100});
  index.add(id_range(100, 2000), vectors);
  index.absorb(10000);
  std::set<std::int64_t> removed;
  for (std::int64_t id = 100; id < 2100; id += 6) removed.insert(id);
  index.remove(std::vector<std::int64_t>(removed.begin(), removed.end()));
  EXPECT_EQ(index.n_backlog(), 0);
  EXPECT_GE(recall(index, vectors, removed), 0.93);
  for (std::int64_t id = 103; id < 2100; id += 6) removed.insert(id);
  index.remove(std::vector<std::int64_t>(removed.begin(), removed.end()));
  EXPECT_GT(index.n_backlog(), 500);
  EXPECT_EQ(index.size(), 2000 - std::ssize(removed));
  EXPECT_GE(recall(index, vectors, removed), 0.9) << "searched while it waits to be built again";
  const auto n_before = written(index).size();
  index.absorb(1);
  EXPECT_EQ(index.n_backlog(), 0);
  EXPECT_LT(written(index).size() + 600 * kDim * sizeof(float), n_before) << "dead rows are gone";
  EXPECT_GE(recall(index, vectors, removed), 0.95);
}

TEST(VectorIndex, ScansAgainWhenLittleOfAGraphIsLeft) {
  const auto vectors = random_vectors(1000, 6);
  VectorIndex index(kDim, {500, 100});
  index.add(id_range(100, 1000), vectors);
  index.absorb(10000);
  const auto gone = id_range(200, 600);
  index.remove(gone);
  EXPECT_GT(index.n_backlog(), 0);
  EXPECT_FALSE(index.is_due_for_rebuilding());
  index.absorb(1);
  EXPECT_EQ(index.n_backlog(), 0);
  EXPECT_EQ(recall(index, vectors, {gone.begin(), gone.end()}), 1.0);
}

TEST(VectorIndex, IsBuiltAnewWhileItIsSearchedAndChanges) {
  const auto vectors = random_vectors(3000, 15);
  for (const std::int64_t bytes_from : {1'000'000, 1000}) {
    VectorIndex index(kDim, {1000, 100, bytes_from});
    index.add(id_range(100, 2500), std::span(vectors).first(2500 * kDim));
    while (index.n_backlog() > 0) index.absorb(5000);
    std::set<std::int64_t> removed;
    for (std::int64_t id = 100; id < 900; ++id) removed.insert(id);
    index.remove(std::vector<std::int64_t>(removed.begin(), removed.end()));
    const auto rebuilding = index.begin_rebuilding();
    ASSERT_TRUE(rebuilding);
    std::int64_t n_steps = 0;
    for (; index.copy_some(*rebuilding, 100); ++n_steps) {
      rebuilding->link();
      if (n_steps != 5) continue;
      // Rows that were copied and rows that were not, of the graph and of those that wait.
      for (const std::int64_t id : {901, 2000, 2599, 2510, 1300}) {
        removed.insert(id);
        index.remove(std::span(&id, 1));
      }
      index.add(id_range(2600, 500), std::span(vectors).subspan(2500 * kDim));
      EXPECT_GT(recall(index, vectors, removed), 0.9) << "searched meanwhile";
    }
    EXPECT_GE(n_steps, 15);
    EXPECT_TRUE(index.is_due_for_rebuilding());
    index.finish_rebuilding(*rebuilding);
    EXPECT_FALSE(index.is_due_for_rebuilding());
    EXPECT_EQ(index.has_bytes(), bytes_from == 1000);
    EXPECT_EQ(index.size(), 3000 - std::ssize(removed));
    for (const std::int64_t id : removed) EXPECT_FALSE(index.contains(id));
    EXPECT_GT(recall(index, vectors, removed), 0.94);
    while (index.n_backlog() > 0) index.absorb(64);
    EXPECT_GT(recall(index, vectors, removed), 0.94);
    EXPECT_EQ(index.size(), 3000 - std::ssize(removed));
  }
}

TEST(VectorIndex, DropsAFreshGraphOfAnIndexThatIsAnotherOneByNow) {
  const auto vectors = random_vectors(300, 16);
  VectorIndex index(kDim, {100, 20});
  index.add(id_range(100, 300), vectors);
  index.absorb(1000);
  index.remove(id_range(100, 100));
  const auto rebuilding = index.begin_rebuilding();
  ASSERT_TRUE(rebuilding);
  EXPECT_TRUE(index.copy_some(*rebuilding, 50));
  rebuilding->link();
  index = VectorIndex(kDim);
  index.add(id_range(100, 300), vectors);
  EXPECT_FALSE(index.copy_some(*rebuilding, 50));
  index.finish_rebuilding(*rebuilding);
  EXPECT_EQ(index.size(), 300);
  EXPECT_EQ(index.search(row(vectors, 7), 1)[0].id, 107);
}

TEST(VectorIndex, KeepsALargeGraphAsBytes) {
  constexpr std::int64_t kRows = 3000;
  const auto vectors = random_vectors(kRows, 11);
  const auto filled = [&](std::int64_t bytes_from_rows) {
    VectorIndex index(kDim, {1000, 100, bytes_from_rows});
    index.add(id_range(100, kRows), vectors);
    while (index.n_backlog() > 0) index.absorb(64);
    return index;
  };
  const auto n_written = [](const VectorIndex& index) {
    std::size_t n = 0;
    index.write([&](std::span<const std::byte> bytes) { n += bytes.size(); });
    return n;
  };
  const VectorIndex exact = filled(1'000'000);
  VectorIndex index = filled(2000);
  EXPECT_FALSE(exact.has_bytes());
  ASSERT_TRUE(index.has_bytes());
  // 2,900 rows of the graph: three bytes less for each number, but for the ranges.
  EXPECT_LT(n_written(index) + 2900 * kDim * 3, n_written(exact) + 1000);
  EXPECT_GT(recall(index, vectors, {}), 0.95);
  for (const std::int64_t i : {0, 1, 1500, 2999}) {
    EXPECT_NEAR(index.cosine(100 + i, row(vectors, i)), 1.0, 0.02);
  }
  std::set<std::int64_t> removed;
  for (std::int64_t id = 100; id < 500; ++id) removed.insert(id);
  index.remove(std::vector<std::int64_t>(removed.begin(), removed.end()));
  EXPECT_GT(recall(index, vectors, removed), 0.95);
  // Beyond a fifth it is built again, from the bytes, and is a graph of bytes again.
  for (std::int64_t id = 500; id < 900; ++id) removed.insert(id);
  index.remove(std::vector<std::int64_t>(removed.begin(), removed.end()));
  while (index.n_backlog() > 0) index.absorb(64);
  EXPECT_TRUE(index.has_bytes());
  EXPECT_EQ(index.size(), kRows - 800);
  EXPECT_GT(recall(index, vectors, removed), 0.95);
}

TEST(VectorIndex, LearnsTheRangesOfBytesFromRowsThatAreThere) {
  const auto vectors = random_vectors(3000, 12);
  VectorIndex index(kDim, {1000, 100, 2000, 300});
  index.add(id_range(100, 3000), vectors);
  index.absorb(2000);  // the last 2,000, which are the first of the graph
  std::set<std::int64_t> removed;
  for (std::int64_t id = 1100; id < 1500; ++id) removed.insert(id);
  index.remove(std::vector<std::int64_t>(removed.begin(), removed.end()));
  while (index.n_backlog() > 0) index.absorb(500);
  ASSERT_TRUE(index.has_bytes());
  EXPECT_GT(recall(index, vectors, removed), 0.9);
  EXPECT_NEAR(index.cosine(2000, row(vectors, 1900)), 1.0, 0.02);
}

TEST(VectorIndex, BecomesBytesWhileItChanges) {
  const auto vectors = random_vectors(3000, 13);
  const std::vector<std::int64_t> gone = {1110, 1600, 3000};
  const auto rounded = [&](bool removed_late) {
    VectorIndex index(kDim, {1000, 100, 2500});
    index.add(id_range(100, 3000), vectors);
    while (!index.is_due_for_bytes()) index.absorb(5000);
    const auto rounding = index.begin_rounding();
    rounding->learn();
    if (!removed_late) index.remove(gone);
    EXPECT_TRUE(index.encode_some(*rounding, 2000));
    EXPECT_FALSE(index.has_bytes());
    EXPECT_GT(recall(index, vectors, {}), 0.94) << "searched meanwhile";
    while (index.encode_some(*rounding, 100)) {
    }
    index.remove(gone);
    index.finish_rounding(*rounding);
    EXPECT_TRUE(index.has_bytes());
    EXPECT_EQ(index.n_backlog(), 0);
    EXPECT_EQ(index.size(), 2997);
    EXPECT_GT(recall(index, vectors, {gone.begin(), gone.end()}), 0.94);
    return written(index);
  };
  EXPECT_EQ(rounded(true), rounded(false)) << "bytes of a removed row are left";
}

TEST(VectorIndex, LeavesAnIndexAloneThatIsAnotherOneByNow) {
  const auto vectors = random_vectors(300, 14);
  VectorIndex index(kDim, {100, 20, 150});
  index.add(id_range(100, 300), vectors);
  index.absorb(1000);
  const auto rounding = index.begin_rounding();
  ASSERT_TRUE(rounding);
  rounding->learn();
  index = VectorIndex(kDim);
  index.add(id_range(100, 300), vectors);
  EXPECT_FALSE(index.encode_some(*rounding, 1000));
  index.finish_rounding(*rounding);
  EXPECT_FALSE(index.has_bytes());
  EXPECT_EQ(index.search(row(vectors, 7), 1)[0].id, 107);
}

TEST(VectorIndex, KeepsNoBytesOfRemovedVectors) {
  const auto vectors = random_vectors(300, 7);
  for (const std::int64_t graph_from : {100, 1000}) {
    VectorIndex index(kDim, {graph_from, 20});
    index.add(id_range(100, 300), vectors);
    index.absorb(1000);
    index.remove(std::vector<std::int64_t>{100, 250, 399});
    std::string bytes;
    index.write([&](std::span<const std::byte> part) {
      bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
    });
    for (const std::int64_t i : {0, 150, 299}) {
      const auto v = row(vectors, i);
      const std::string needle(reinterpret_cast<const char*>(v.data()), 32);
      EXPECT_EQ(bytes.find(needle), std::string::npos) << graph_from << " row " << i;
    }
  }
}

class VectorFile : public ::testing::TestWithParam<std::pair<int, int>> {
 protected:
  VectorFile() : index_(kDim, options_) {
    vectors_ = random_vectors(400, 8);
    index_.add(id_range(100, 400), vectors_);
    while (index_.n_backlog() > 0) index_.absorb(1000);
    index_.remove(std::vector<std::int64_t>{130, 420});
    write_vector_file(FileSystem::posix(), path_, identity_, index_);
  }

  std::optional<VectorIndex> read(const VectorFileIdentity& identity) {
    return read_vector_file(FileSystem::posix(), path_, identity, options_, reason_);
  }

  tests::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "vectors.faiss";
  VectorFileIdentity identity_{sha256("space"), {1, 2, 3}, kDim};
  VectorIndexOptions options_{GetParam().first, 50, GetParam().second};
  std::vector<float> vectors_;
  VectorIndex index_;
  std::string reason_;
};

TEST_P(VectorFile, AnswersAsTheIndexThatWasWritten) {
  const auto loaded = read(identity_);
  ASSERT_TRUE(loaded) << reason_;
  EXPECT_EQ(loaded->ids(), index_.ids());
  for (std::int64_t q = 0; q < 400; q += 13) {
    const auto expected = index_.search(row(vectors_, q), 10);
    const auto found = loaded->search(row(vectors_, q), 10);
    EXPECT_EQ(ids_of(found), ids_of(expected));
    EXPECT_EQ(found[0].cosine, expected[0].cosine);
  }
}

TEST_P(VectorFile, GoesOnChangingAfterLoading) {
  auto loaded = read(identity_);
  ASSERT_TRUE(loaded);
  const auto more = random_vectors(10, 9);
  loaded->add(id_range(1000, 10), more);
  loaded->remove(std::vector<std::int64_t>{101, 1001, 499});
  EXPECT_EQ(loaded->size(), 398 + 10 - 3);
  EXPECT_EQ(loaded->search(row(more, 5), 1)[0].id, 1005);
}

TEST_P(VectorFile, IsOfNoUseToAnotherIdentity) {
  auto other = identity_;
  other.space = sha256("other");
  EXPECT_FALSE(read(other));
  other = identity_;
  other.save[15] = 1;
  EXPECT_FALSE(read(other));
  other = identity_;
  other.dim = kDim + 1;
  EXPECT_FALSE(read(other));
}

TEST_P(VectorFile, NoticesEveryFlippedBitAndEveryCut) {
  const auto size = static_cast<std::int64_t>(std::filesystem::file_size(path_));
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  FileSystem::posix().read(path_, 0, bytes);
  const auto store = [&](std::span<const std::byte> content) {
    const auto file = FileSystem::posix().create(path_, std::ssize(content));
    file->write(content);
    file->publish();
  };
  std::mt19937 random(10);
  for (int i = 0; i < 300; ++i) {
    // Every header bit is as likely as one of the much longer payload.
    const std::size_t limit = i % 3 == 0 ? 96 : bytes.size();
    const std::size_t at = random() % limit;
    const auto bit = static_cast<std::byte>(1 << random() % 8);
    bytes[at] ^= bit;
    store(bytes);
    EXPECT_FALSE(read(identity_)) << "byte " << at;
    EXPECT_FALSE(reason_.empty());
    bytes[at] ^= bit;
    store(std::span(bytes).first(at));
    EXPECT_FALSE(read(identity_)) << "cut at " << at;
  }
  store(bytes);
  EXPECT_TRUE(read(identity_));
}

INSTANTIATE_TEST_SUITE_P(FlatGraphAndBytes, VectorFile,
                         ::testing::Values(std::pair(100000, 100000), std::pair(100, 100000),
                                           std::pair(100, 150)));

}  // namespace
}  // namespace kvlink::retrieval
