// SPDX-License-Identifier: Apache-2.0
// What a VectorIndex holds. The only file that includes FAISS. Internal to retrieval.
#pragma once

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexScalarQuantizer.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>
#include <omp.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "kernels/base/result.h"
#include "retrieval/vector_index.h"

namespace kvlink::retrieval {

/// FAISS starts an OpenMP team even for one query; our threads belong to the caller.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

template <typename F>
auto calling_faiss(F&& body) {
  const OneThread one_thread;
  try {
    return body();
  } catch (const faiss::FaissException& e) {
    fail(ErrorCode::kCorrupt, std::string("the vector index failed: ") + e.what());
  }
}

inline constexpr int kGraphNeighbours = 16;  ///< M: 16 links per node, 32 on the lowest level
inline constexpr std::int64_t kDead = -1;    ///< stands for the id of a row that was removed

inline float* row_of(faiss::IndexFlatCodes& storage, std::int64_t row) {
  return reinterpret_cast<float*>(storage.codes.data()) + row * storage.d;
}
inline const float* row_of(const faiss::IndexFlatCodes& storage, std::int64_t row) {
  return reinterpret_cast<const float*>(storage.codes.data()) + row * storage.d;
}
inline faiss::IndexFlatCodes& storage_of(const faiss::IndexHNSW& graph) {
  return *static_cast<faiss::IndexFlatCodes*>(graph.storage);
}
inline bool graph_has_bytes(const faiss::IndexHNSW& graph) {
  return dynamic_cast<const faiss::IndexHNSWSQ*>(&graph) != nullptr;
}
/// No vector of its own is left to a row, so that it stays as a signpost only.
void clear_row(faiss::IndexHNSW& graph, std::int64_t row);

/// An empty graph: of floats, or of bytes by the ranges that `like` has learnt.
std::unique_ptr<faiss::IndexHNSW> make_graph(std::int32_t dim);
std::unique_ptr<faiss::IndexHNSW> make_graph_like(const faiss::IndexHNSW& like);

/// Inner product.
float dot(const float* a, const float* b, std::int32_t n);

struct VectorIndex::Rows {
  struct Place {
    bool in_graph = false;
    std::int64_t row = 0;
  };
  using Places = std::unordered_map<std::int64_t, Place>;

  Rows(std::int32_t d, VectorIndexOptions o)
      : dim(d), options(o), flat(std::make_unique<faiss::IndexFlatIP>(d)) {}

  /// `scratch`: for a vector that is bytes.
  const float* graph_vector(std::int64_t row, std::vector<float>& scratch) const;
  const float* vector(const Place& place, std::vector<float>& scratch) const {
    return place.in_graph ? graph_vector(place.row, scratch) : row_of(*flat, place.row);
  }
  /// Rows that are there, evenly from all of a graph of floats.
  std::vector<float> some_of_graph(std::int64_t max_rows) const;

  bool is_worn() const { return graph && n_dead * 5 > graph->ntotal; }
  /// Small enough to be scanned again.
  bool is_worn_away() const { return is_worn() && n_rows() <= options.graph_from_rows; }
  bool is_due_for_bytes() const {
    return graph && !is_worn() && graph->ntotal > options.bytes_from_rows &&
           !graph_has_bytes(*graph);
  }
  std::int64_t n_rows() const { return static_cast<std::int64_t>(places.size()); }

  void append_flat(std::span<const std::int64_t> ids, const float* vectors);
  void truncate_flat(std::size_t n);
  /// The last row takes the place of the removed one.
  void remove_flat(std::int64_t row);
  void remove_from_graph(std::int64_t id, std::int64_t row);
  /// Moves what is left of the graph to the rows that are scanned.
  void take_graph_apart();

  void search_flat(const float* query, std::int64_t n, std::vector<Neighbour>& out) const;
  void search_graph(const float* query, std::int64_t n, std::vector<Neighbour>& out) const;

  std::int32_t dim;
  VectorIndexOptions options;
  std::unique_ptr<faiss::IndexFlatIP> flat;
  std::vector<std::int64_t> flat_ids;
  std::unique_ptr<faiss::IndexHNSW> graph;
  std::vector<std::int64_t> graph_ids;  ///< kDead where deleted
  std::int64_t n_dead = 0;
  Places places;
  bool notes_removals = false;         ///< while the graph is built anew
  std::vector<std::int64_t> removals;  ///< ids that left the graph since then
};

}  // namespace kvlink::retrieval
