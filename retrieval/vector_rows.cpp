// SPDX-License-Identifier: Apache-2.0
#include "retrieval/vector_rows.h"

#include <algorithm>
#include <cstring>

namespace kvlink::retrieval {
namespace {

constexpr int kBuildBreadth = 80;    // efConstruction
constexpr int kSearchBreadth = 128;  // efSearch; FAISS 1.7.3 takes it from the index only

void set_breadths(faiss::IndexHNSW& graph) {
  graph.hnsw.efConstruction = kBuildBreadth;
  graph.hnsw.efSearch = kSearchBreadth;
}

void collect(const std::vector<std::int64_t>& ids, const std::vector<float>& cosines,
             const std::vector<std::int64_t>& rows, std::vector<Neighbour>& out) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] < 0) continue;
    const std::int64_t id = ids[static_cast<std::size_t>(rows[i])];
    if (id != kDead) out.push_back({id, cosines[i]});
  }
}

}  // namespace

std::unique_ptr<faiss::IndexHNSW> make_graph(std::int32_t dim) {
  auto made =
      std::make_unique<faiss::IndexHNSWFlat>(dim, kGraphNeighbours, faiss::METRIC_INNER_PRODUCT);
  set_breadths(*made);
  return made;
}

std::unique_ptr<faiss::IndexHNSW> make_graph_like(const faiss::IndexHNSW& like) {
  const auto* rounded = dynamic_cast<const faiss::IndexScalarQuantizer*>(like.storage);
  if (rounded == nullptr) return make_graph(like.d);
  auto made = std::make_unique<faiss::IndexHNSWSQ>(like.d, faiss::ScalarQuantizer::QT_8bit,
                                                   kGraphNeighbours, faiss::METRIC_INNER_PRODUCT);
  auto& storage = static_cast<faiss::IndexScalarQuantizer&>(*made->storage);
  storage.sq = rounded->sq;
  storage.is_trained = true;
  made->is_trained = true;
  set_breadths(*made);
  return made;
}

void clear_row(faiss::IndexHNSW& graph, std::int64_t row) {
  auto& storage = storage_of(graph);
  const std::vector<float> zeros(static_cast<std::size_t>(graph.d), 0.0F);
  storage.sa_encode(1, zeros.data(),
                    storage.codes.data() + static_cast<std::size_t>(row) * storage.code_size);
}

float dot(const float* a, const float* b, std::int32_t n) {
  float sum[8] = {};
  std::int32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int lane = 0; lane < 8; ++lane) sum[lane] += a[i + lane] * b[i + lane];
  }
  float total = 0;
  for (const float s : sum) total += s;
  for (; i < n; ++i) total += a[i] * b[i];
  return total;
}

const float* VectorIndex::Rows::graph_vector(std::int64_t row, std::vector<float>& scratch) const {
  if (!graph_has_bytes(*graph)) return row_of(storage_of(*graph), row);
  scratch.resize(static_cast<std::size_t>(dim));
  storage_of(*graph).reconstruct(row, scratch.data());
  return scratch.data();
}

std::vector<float> VectorIndex::Rows::some_of_graph(std::int64_t max_rows) const {
  const std::int64_t n_live = graph->ntotal - n_dead;
  const std::int64_t n = std::min(max_rows, n_live);
  std::vector<float> out;
  out.reserve(static_cast<std::size_t>(n) * static_cast<std::size_t>(dim));
  std::int64_t live = 0;
  for (std::int64_t row = 0; row < graph->ntotal; ++row) {
    if (graph_ids[static_cast<std::size_t>(row)] == kDead) continue;
    const bool is_taken = live * n / n_live != (live + 1) * n / n_live;
    ++live;
    const float* vector = row_of(storage_of(*graph), row);
    if (is_taken) out.insert(out.end(), vector, vector + dim);
  }
  return out;
}

void VectorIndex::Rows::append_flat(std::span<const std::int64_t> ids, const float* vectors) {
  flat->add(static_cast<std::int64_t>(ids.size()), vectors);
  for (const std::int64_t id : ids) {
    const bool added =
        places.insert({id, {false, static_cast<std::int64_t>(flat_ids.size())}}).second;
    KVLINK_CHECK(added);
    flat_ids.push_back(id);
  }
}

void VectorIndex::Rows::truncate_flat(std::size_t n) {
  flat_ids.resize(n);
  flat->ntotal = static_cast<std::int64_t>(n);
  flat->codes.resize(n * flat->code_size);
}

void VectorIndex::Rows::remove_flat(std::int64_t row) {
  const std::size_t last = flat_ids.size() - 1;
  const auto index = static_cast<std::size_t>(row);
  float* target = row_of(*flat, row);
  if (index != last) {
    std::memcpy(target, row_of(*flat, static_cast<std::int64_t>(last)), flat->code_size);
    flat_ids[index] = flat_ids[last];
    places[flat_ids[index]].row = row;
  }
  std::memset(row_of(*flat, static_cast<std::int64_t>(last)), 0, flat->code_size);
  truncate_flat(last);
}

void VectorIndex::Rows::remove_from_graph(std::int64_t id, std::int64_t row) {
  clear_row(*graph, row);
  graph_ids[static_cast<std::size_t>(row)] = kDead;
  ++n_dead;
  if (notes_removals) removals.push_back(id);
}

void VectorIndex::Rows::take_graph_apart() {
  std::vector<float> scratch;
  for (std::size_t row = 0; row < graph_ids.size(); ++row) {
    const std::int64_t id = graph_ids[row];
    if (id == kDead) continue;
    places.erase(id);
    append_flat({&id, 1}, graph_vector(static_cast<std::int64_t>(row), scratch));
  }
  graph.reset();
  graph_ids.clear();
  n_dead = 0;
}

void VectorIndex::Rows::search_flat(const float* query, std::int64_t n,
                                    std::vector<Neighbour>& out) const {
  n = std::min(n, flat->ntotal);
  if (n == 0) return;
  std::vector<float> cosines(static_cast<std::size_t>(n));
  std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
  flat->search(1, query, n, cosines.data(), rows.data());
  collect(flat_ids, cosines, rows, out);
}

void VectorIndex::Rows::search_graph(const float* query, std::int64_t n,
                                     std::vector<Neighbour>& out) const {
  if (!graph) return;
  // Dead rows, at most a fifth, take up results too.
  n = std::min(n + std::min(n_dead, n / 2 + 8), graph->ntotal);
  std::vector<float> cosines(static_cast<std::size_t>(n));
  std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
  graph->search(1, query, n, cosines.data(), rows.data());
  std::vector<float> scratch;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] >= 0) cosines[i] = dot(query, graph_vector(rows[i], scratch), dim);
  }
  collect(graph_ids, cosines, rows, out);
}

}  // namespace kvlink::retrieval
