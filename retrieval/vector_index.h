// SPDX-License-Identifier: Apache-2.0
// Nearest vectors by inner product. The only place that knows FAISS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace kvlink::retrieval {

struct Neighbour {
  std::int64_t id = 0;
  float cosine = 0;
};

/// When a graph (HNSW) replaces the scan of all vectors, and when its vectors become bytes.
struct VectorIndexOptions {
  /// Rows up to which every search scans all of them: exact, and nothing to build.
  std::int64_t graph_from_rows = 50'000;
  /// Rows that may wait outside the graph once there is one; they are scanned.
  std::int64_t max_waiting_rows = 4'000;
  /// Rows of the graph from which on each number is kept as a byte: a quarter of the memory.
  std::int64_t bytes_from_rows = 250'000;
  /// Rows from which the ranges of numbers that become bytes are learnt.
  std::int64_t rows_to_learn_from = 50'000;
};

/// L2-normalised f32 vectors with ids. New rows are scanned until `absorb` moves them into the
/// graph in small steps, so that adding never waits for a graph. Not thread-safe: searches may run
/// side by side, changes alone. Deleted rows are overwritten in memory at once; `absorb` builds a
/// graph with more than a fifth of them anew, and once rounds the vectors of a large graph to
/// bytes, which keeps its links; both can also be done beside searches and changes. Throws
/// Exception.
class VectorIndex {
 public:
  explicit VectorIndex(std::int32_t dim, VectorIndexOptions options = {});
  ~VectorIndex();
  VectorIndex(VectorIndex&&) noexcept;
  VectorIndex& operator=(VectorIndex&&) noexcept;

  /// vectors [ids.size(), dim]; ids are not in the index yet.
  void add(std::span<const std::int64_t> ids, std::span<const float> vectors);
  /// Ids that are not there are ignored.
  void remove(std::span<const std::int64_t> ids);

  /// The n nearest, best first, ties by id.
  std::vector<Neighbour> search(std::span<const float> query, std::int64_t n) const;
  /// The same among `allowed` only, by comparing with each of them.
  std::vector<Neighbour> search_among(std::span<const float> query, std::int64_t n,
                                      std::span<const std::int64_t> allowed) const;
  bool contains(std::int64_t id) const;
  /// 0 for an id that is not there.
  float cosine(std::int64_t id, std::span<const float> query) const;

  /// Whether the vectors of the graph are bytes.
  bool has_bytes() const;

  std::int64_t size() const;
  std::int32_t dim() const;
  std::vector<std::int64_t> ids() const;  ///< ascending

  /// Rows that wait to be moved into the graph; 0 below graph_from_rows.
  std::int64_t n_backlog() const;
  void absorb(std::int64_t max_rows);

  /// The vectors of a graph on their way to bytes. Rounding takes seconds, so that it can also be
  /// done beside searches and changes, by the thread that alone calls absorb(): begin_rounding,
  /// learn, encode_some until it is false, finish_rounding.
  class Rounding {
   public:
    Rounding();
    ~Rounding();
    /// Uses nothing of the index.
    void learn();

   private:
    friend class VectorIndex;
    struct State;
    std::unique_ptr<State> state_;
  };
  /// Whether the graph is as large as its vectors should be bytes, and they are not.
  bool is_due_for_bytes() const;
  /// Reads the index; null when it is not due.
  std::unique_ptr<Rounding> begin_rounding() const;
  /// Reads the index. Whether there is more: no more when the graph is another one by now.
  bool encode_some(Rounding& rounding, std::int64_t max_rows) const;
  /// Changes the index, at once; nothing when the graph is another one. `rounding` then holds what
  /// was replaced.
  void finish_rounding(Rounding& rounding);

  /// A worn graph (a fifth of its rows are gone) on its way to a fresh one. Building takes minutes,
  /// so that it can also be done beside searches and changes, by the thread that alone calls
  /// absorb(): begin_rebuilding, copy_some and link by turns until copy_some is false,
  /// finish_rebuilding.
  class Rebuilding {
   public:
    Rebuilding();
    ~Rebuilding();
    /// Puts what was copied into the fresh graph. Uses nothing of the index.
    void link();

   private:
    friend class VectorIndex;
    struct State;
    std::unique_ptr<State> state_;
  };
  bool is_due_for_rebuilding() const;
  /// Changes the index, at once; null when it is not due. From here on removals are noted.
  std::unique_ptr<Rebuilding> begin_rebuilding();
  /// Reads the index. Whether there was more: none when the graph is another one by now.
  bool copy_some(Rebuilding& rebuilding, std::int64_t max_rows) const;
  /// Changes the index: what was removed meanwhile goes, rows that wait are counted anew. Nothing
  /// when the graph is another one. `rebuilding` then holds what was replaced.
  void finish_rebuilding(Rebuilding& rebuilding);

  using ByteSink = std::function<void(std::span<const std::byte>)>;
  void write(const ByteSink& sink) const;
  /// From bytes that write() made and whose checksum has been verified; kCorrupt otherwise.
  static VectorIndex read(std::span<const std::byte> bytes, std::int32_t dim,
                          VectorIndexOptions options = {});

 private:
  struct Rows;
  std::unique_ptr<Rows> rows_;
};

}  // namespace kvlink::retrieval
