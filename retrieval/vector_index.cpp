// SPDX-License-Identifier: Apache-2.0
#include "retrieval/vector_index.h"

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexScalarQuantizer.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>
#include <omp.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <unordered_map>
#include <utility>

#include "kernels/base/result.h"

namespace kvlink::retrieval {
namespace {

constexpr int kGraphNeighbours = 16;  // M: 16 links per node, 32 on the lowest level
constexpr int kBuildBreadth = 80;     // efConstruction
constexpr int kSearchBreadth = 128;   // efSearch; FAISS 1.7.3 takes it from the index only
constexpr std::int64_t kDead = -1;

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

bool better(const Neighbour& a, const Neighbour& b) {
  return a.cosine != b.cosine ? a.cosine > b.cosine : a.id < b.id;
}

float* row_of(faiss::IndexFlatCodes& storage, std::int64_t row) {
  return reinterpret_cast<float*>(storage.codes.data()) + row * storage.d;
}
const float* row_of(const faiss::IndexFlatCodes& storage, std::int64_t row) {
  return reinterpret_cast<const float*>(storage.codes.data()) + row * storage.d;
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

class SpanReader : public faiss::IOReader {
 public:
  explicit SpanReader(std::span<const std::byte>& bytes) : bytes_(bytes) {}
  std::size_t operator()(void* out, std::size_t size, std::size_t n) override {
    if (size == 0) return 0;
    const std::size_t items = std::min(n, bytes_.size() / size);
    if (items > 0) std::memcpy(out, bytes_.data(), items * size);
    bytes_ = bytes_.subspan(items * size);
    return items;
  }

 private:
  std::span<const std::byte>& bytes_;
};

class SinkWriter : public faiss::IOWriter {
 public:
  explicit SinkWriter(const VectorIndex::ByteSink& sink) : sink_(sink) {}
  std::size_t operator()(const void* in, std::size_t size, std::size_t n) override {
    sink_({static_cast<const std::byte*>(in), size * n});
    return n;
  }

 private:
  const VectorIndex::ByteSink& sink_;
};

template <typename T>
void write_values(const VectorIndex::ByteSink& sink, const std::vector<T>& values) {
  const auto n = static_cast<std::uint64_t>(values.size());
  sink(std::as_bytes(std::span(&n, 1)));
  sink(std::as_bytes(std::span(values)));
}

std::vector<std::int64_t> read_ids(std::span<const std::byte>& bytes) {
  std::uint64_t n = 0;
  if (bytes.size() < sizeof(n)) fail(ErrorCode::kCorrupt, "vector index: ids are cut off");
  std::memcpy(&n, bytes.data(), sizeof(n));
  bytes = bytes.subspan(sizeof(n));
  if (n > bytes.size() / sizeof(std::int64_t)) {
    fail(ErrorCode::kCorrupt, "vector index: more ids than bytes");
  }
  std::vector<std::int64_t> ids(n);
  if (n > 0) std::memcpy(ids.data(), bytes.data(), n * sizeof(std::int64_t));
  bytes = bytes.subspan(n * sizeof(std::int64_t));
  return ids;
}

template <typename T>
std::unique_ptr<T> read_as(std::span<const std::byte>& bytes, std::int32_t dim, std::size_t n) {
  SpanReader reader(bytes);
  std::unique_ptr<faiss::Index> index(faiss::read_index(&reader));
  auto* typed = dynamic_cast<T*>(index.get());
  if (typed == nullptr || typed->d != dim || typed->ntotal != static_cast<std::int64_t>(n) ||
      typed->metric_type != faiss::METRIC_INNER_PRODUCT) {
    fail(ErrorCode::kCorrupt, "vector index: not the kind, dimension or count that was written");
  }
  index.release();
  return std::unique_ptr<T>(typed);
}

/// What the rest of this file takes for granted of a graph's vectors.
void check_storage(const faiss::IndexHNSW& graph) {
  const auto dim = static_cast<std::size_t>(graph.d);
  const auto* exact = dynamic_cast<const faiss::IndexHNSWFlat*>(&graph);
  const auto* bytes = dynamic_cast<const faiss::IndexHNSWSQ*>(&graph);
  const auto* storage = dynamic_cast<const faiss::IndexFlatCodes*>(graph.storage);
  const std::size_t row_bytes = bytes != nullptr ? dim : dim * sizeof(float);
  bool sound = (exact != nullptr || bytes != nullptr) && storage != nullptr &&
               storage->ntotal == graph.ntotal && storage->code_size == row_bytes &&
               storage->codes.size() == static_cast<std::size_t>(graph.ntotal) * row_bytes;
  if (sound && bytes != nullptr) {
    const auto* rounded = dynamic_cast<const faiss::IndexScalarQuantizer*>(storage);
    sound = rounded != nullptr && rounded->sq.qtype == faiss::ScalarQuantizer::QT_8bit &&
            rounded->sq.trained.size() == 2 * dim;
  }
  if (!sound) fail(ErrorCode::kCorrupt, "vector index: its graph has other vectors");
}

}  // namespace

struct VectorIndex::Rows {
  struct Place {
    bool in_graph = false;
    std::int64_t row = 0;
  };

  Rows(std::int32_t d, VectorIndexOptions o)
      : dim(d), options(o), flat(std::make_unique<faiss::IndexFlatIP>(d)) {}

  faiss::IndexFlatCodes& graph_storage() const {
    return *static_cast<faiss::IndexFlatCodes*>(graph->storage);
  }
  bool has_bytes() const { return dynamic_cast<const faiss::IndexHNSWSQ*>(graph.get()) != nullptr; }

  /// `scratch`: for a vector that is bytes.
  const float* graph_vector(std::int64_t row, std::vector<float>& scratch) const {
    if (!has_bytes()) return row_of(graph_storage(), row);
    scratch.resize(static_cast<std::size_t>(dim));
    graph_storage().reconstruct(row, scratch.data());
    return scratch.data();
  }
  const float* vector(const Place& place, std::vector<float>& scratch) const {
    return place.in_graph ? graph_vector(place.row, scratch) : row_of(*flat, place.row);
  }

  bool is_due_for_bytes() const {
    return graph && !is_worn() && graph->ntotal > options.bytes_from_rows && !has_bytes();
  }

  /// Rows that are there, evenly from all of the graph.
  std::vector<float> some_of_graph(std::int64_t max_rows) const {
    const std::int64_t n_live = graph->ntotal - n_dead;
    const std::int64_t n = std::min(max_rows, n_live);
    std::vector<float> out;
    out.reserve(static_cast<std::size_t>(n) * static_cast<std::size_t>(dim));
    std::int64_t live = 0;
    for (std::int64_t row = 0; row < graph->ntotal; ++row) {
      if (graph_ids[static_cast<std::size_t>(row)] == kDead) continue;
      const bool is_taken = live * n / n_live != (live + 1) * n / n_live;
      ++live;
      const float* vector = row_of(graph_storage(), row);
      if (is_taken) out.insert(out.end(), vector, vector + dim);
    }
    return out;
  }

  void append_flat(std::span<const std::int64_t> ids, const float* vectors) {
    flat->add(static_cast<std::int64_t>(ids.size()), vectors);
    for (const std::int64_t id : ids) {
      const bool added =
          places.insert({id, {false, static_cast<std::int64_t>(flat_ids.size())}}).second;
      KVLINK_CHECK(added);
      flat_ids.push_back(id);
    }
  }

  void truncate_flat(std::size_t n) {
    flat_ids.resize(n);
    flat->ntotal = static_cast<std::int64_t>(n);
    flat->codes.resize(n * flat->code_size);
  }

  /// The last row takes the place of the removed one.
  void remove_flat(std::int64_t row) {
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

  /// The node stays as a signpost with no vector of its own.
  void remove_from_graph(std::int64_t row) {
    auto& storage = graph_storage();
    const std::vector<float> zeros(static_cast<std::size_t>(dim), 0.0F);
    storage.sa_encode(1, zeros.data(),
                      storage.codes.data() + static_cast<std::size_t>(row) * storage.code_size);
    graph_ids[static_cast<std::size_t>(row)] = kDead;
    ++n_dead;
  }

  bool is_worn() const { return graph && n_dead * 5 > graph->ntotal; }

  void take_graph_apart() {
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

  void collect(const std::vector<std::int64_t>& ids, const std::vector<float>& cosines,
               const std::vector<std::int64_t>& rows, std::vector<Neighbour>& out) const {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] < 0) continue;
      const std::int64_t id = ids[static_cast<std::size_t>(rows[i])];
      if (id != kDead) out.push_back({id, cosines[i]});
    }
  }

  void search_flat(const float* query, std::int64_t n, std::vector<Neighbour>& out) const {
    n = std::min(n, flat->ntotal);
    if (n == 0) return;
    std::vector<float> cosines(static_cast<std::size_t>(n));
    std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
    flat->search(1, query, n, cosines.data(), rows.data());
    collect(flat_ids, cosines, rows, out);
  }

  void search_graph(const float* query, std::int64_t n, std::vector<Neighbour>& out) const {
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

  std::int32_t dim;
  VectorIndexOptions options;
  std::unique_ptr<faiss::IndexFlatIP> flat;
  std::vector<std::int64_t> flat_ids;
  std::unique_ptr<faiss::IndexHNSW> graph;
  std::vector<std::int64_t> graph_ids;  // kDead where deleted
  std::int64_t n_dead = 0;
  std::unordered_map<std::int64_t, Place> places;
};

struct VectorIndex::Rounding::State {
  const faiss::IndexHNSW* of = nullptr;  // compared only: it may be gone
  std::vector<float> sample;
  std::int64_t n_rows = 0;
  std::unique_ptr<faiss::IndexHNSW> graph;  // of bytes; in the end the one it replaced

  faiss::IndexFlatCodes& storage() const {
    return *static_cast<faiss::IndexFlatCodes*>(graph->storage);
  }
};

VectorIndex::Rounding::Rounding() : state_(std::make_unique<State>()) {}
VectorIndex::Rounding::~Rounding() = default;

void VectorIndex::Rounding::learn() {
  calling_faiss([&] {
    State& s = *state_;
    s.graph->train(std::ssize(s.sample) / s.graph->d, s.sample.data());
    s.storage().codes.reserve(static_cast<std::size_t>(s.n_rows) * s.storage().code_size);
    s.sample = {};
  });
}

VectorIndex::VectorIndex(std::int32_t dim, VectorIndexOptions options)
    : rows_(std::make_unique<Rows>(dim, options)) {}
VectorIndex::~VectorIndex() = default;
VectorIndex::VectorIndex(VectorIndex&&) noexcept = default;
VectorIndex& VectorIndex::operator=(VectorIndex&&) noexcept = default;

void VectorIndex::add(std::span<const std::int64_t> ids, std::span<const float> vectors) {
  KVLINK_CHECK(vectors.size() == ids.size() * static_cast<std::size_t>(rows_->dim));
  if (ids.empty()) return;
  calling_faiss([&] { rows_->append_flat(ids, vectors.data()); });
}

void VectorIndex::remove(std::span<const std::int64_t> ids) {
  for (const std::int64_t id : ids) {
    const auto found = rows_->places.find(id);
    if (found == rows_->places.end()) continue;
    const Rows::Place place = found->second;
    rows_->places.erase(found);
    if (place.in_graph) {
      rows_->remove_from_graph(place.row);
    } else {
      rows_->remove_flat(place.row);
    }
  }
}

std::vector<Neighbour> VectorIndex::search(std::span<const float> query, std::int64_t n) const {
  KVLINK_CHECK(query.size() == static_cast<std::size_t>(rows_->dim));
  std::vector<Neighbour> out;
  calling_faiss([&] {
    rows_->search_flat(query.data(), n, out);
    rows_->search_graph(query.data(), n, out);
  });
  std::sort(out.begin(), out.end(), better);
  if (out.size() > static_cast<std::size_t>(n)) out.resize(static_cast<std::size_t>(n));
  return out;
}

std::vector<Neighbour> VectorIndex::search_among(std::span<const float> query, std::int64_t n,
                                                 std::span<const std::int64_t> allowed) const {
  KVLINK_CHECK(query.size() == static_cast<std::size_t>(rows_->dim));
  std::vector<Neighbour> out;
  std::vector<float> scratch;
  for (const std::int64_t id : allowed) {
    const auto found = rows_->places.find(id);
    if (found == rows_->places.end()) continue;
    out.push_back({id, dot(query.data(), rows_->vector(found->second, scratch), rows_->dim)});
  }
  const auto kept = std::min(static_cast<std::ptrdiff_t>(n), std::ssize(out));
  std::partial_sort(out.begin(), out.begin() + kept, out.end(), better);
  out.resize(static_cast<std::size_t>(kept));
  return out;
}

bool VectorIndex::contains(std::int64_t id) const { return rows_->places.contains(id); }

float VectorIndex::cosine(std::int64_t id, std::span<const float> query) const {
  const auto found = rows_->places.find(id);
  if (found == rows_->places.end()) return 0;
  std::vector<float> scratch;
  return dot(query.data(), rows_->vector(found->second, scratch), rows_->dim);
}

bool VectorIndex::has_bytes() const { return rows_->has_bytes(); }

std::int64_t VectorIndex::size() const { return std::ssize(rows_->places); }
std::int32_t VectorIndex::dim() const { return rows_->dim; }

std::vector<std::int64_t> VectorIndex::ids() const {
  std::vector<std::int64_t> out;
  out.reserve(rows_->places.size());
  for (const auto& [id, place] : rows_->places) out.push_back(id);
  std::sort(out.begin(), out.end());
  return out;
}

std::int64_t VectorIndex::n_backlog() const {
  if (rows_->is_worn()) return std::max<std::int64_t>(1, size());
  if (rows_->is_due_for_bytes()) return 1;
  if (size() <= rows_->options.graph_from_rows) return 0;
  const std::int64_t waiting = std::ssize(rows_->flat_ids) - rows_->options.max_waiting_rows;
  return std::max<std::int64_t>(0, waiting);
}

bool VectorIndex::is_due_for_bytes() const { return rows_->is_due_for_bytes(); }

std::unique_ptr<VectorIndex::Rounding> VectorIndex::begin_rounding() const {
  const Rows& r = *rows_;
  if (!r.is_due_for_bytes()) return nullptr;
  auto rounding = std::make_unique<Rounding>();
  calling_faiss([&] {
    Rounding::State& s = *rounding->state_;
    s.of = r.graph.get();
    s.n_rows = r.graph->ntotal;
    s.sample = r.some_of_graph(r.options.rows_to_learn_from);
    s.graph = std::make_unique<faiss::IndexHNSWSQ>(r.dim, faiss::ScalarQuantizer::QT_8bit,
                                                   kGraphNeighbours, faiss::METRIC_INNER_PRODUCT);
  });
  return rounding;
}

bool VectorIndex::encode_some(Rounding& rounding, std::int64_t max_rows) const {
  Rounding::State& s = *rounding.state_;
  if (rows_->graph.get() != s.of) return false;
  const std::int64_t begin = s.storage().ntotal;
  const std::int64_t n = std::min(max_rows, s.n_rows - begin);
  if (n > 0) {
    const faiss::IndexFlatCodes& exact = rows_->graph_storage();
    calling_faiss([&] { s.storage().add(n, row_of(exact, begin)); });
  }
  return s.storage().ntotal < s.n_rows;
}

/// The links between the rows stay as they are: rounding moves no vector past another by much.
void VectorIndex::finish_rounding(Rounding& rounding) {
  Rows& r = *rows_;
  Rounding::State& s = *rounding.state_;
  if (r.graph.get() != s.of || s.storage().ntotal != r.graph->ntotal) return;
  const std::int64_t n_dead = std::exchange(r.n_dead, 0);
  s.graph->hnsw = std::move(r.graph->hnsw);
  s.graph->ntotal = r.graph->ntotal;
  std::swap(r.graph, s.graph);
  // Rows that were removed after they had become bytes.
  calling_faiss([&] {
    for (std::size_t row = 0; n_dead > 0 && row < r.graph_ids.size(); ++row) {
      if (r.graph_ids[row] == kDead) r.remove_from_graph(static_cast<std::int64_t>(row));
    }
  });
}

void VectorIndex::absorb(std::int64_t max_rows) {
  if (rows_->is_worn()) calling_faiss([&] { rows_->take_graph_apart(); });
  if (const auto rounding = begin_rounding()) {
    rounding->learn();
    encode_some(*rounding, rows_->graph->ntotal);
    return finish_rounding(*rounding);
  }
  const std::int64_t n = std::min(max_rows, n_backlog());
  if (n == 0) return;
  calling_faiss([&] {
    Rows& r = *rows_;
    if (!r.graph) {
      r.graph = std::make_unique<faiss::IndexHNSWFlat>(r.dim, kGraphNeighbours,
                                                       faiss::METRIC_INNER_PRODUCT);
      r.graph->hnsw.efConstruction = kBuildBreadth;
      r.graph->hnsw.efSearch = kSearchBreadth;
    }
    const std::size_t kept = r.flat_ids.size() - static_cast<std::size_t>(n);
    r.graph->add(n, row_of(*r.flat, static_cast<std::int64_t>(kept)));
    for (std::size_t i = kept; i < r.flat_ids.size(); ++i) {
      r.places[r.flat_ids[i]] = {true, static_cast<std::int64_t>(r.graph_ids.size())};
      r.graph_ids.push_back(r.flat_ids[i]);
    }
    r.truncate_flat(kept);
  });
}

void VectorIndex::write(const ByteSink& sink) const {
  write_values(sink, rows_->flat_ids);
  write_values(sink, rows_->graph_ids);
  calling_faiss([&] {
    SinkWriter writer(sink);
    faiss::write_index(rows_->flat.get(), &writer);
    if (rows_->graph) faiss::write_index(rows_->graph.get(), &writer);
  });
}

VectorIndex VectorIndex::read(std::span<const std::byte> bytes, std::int32_t dim,
                              VectorIndexOptions options) {
  VectorIndex index(dim, options);
  Rows& r = *index.rows_;
  r.flat_ids = read_ids(bytes);
  r.graph_ids = read_ids(bytes);
  calling_faiss([&] {
    r.flat = read_as<faiss::IndexFlatIP>(bytes, dim, r.flat_ids.size());
    if (!r.graph_ids.empty()) {
      r.graph = read_as<faiss::IndexHNSW>(bytes, dim, r.graph_ids.size());
      check_storage(*r.graph);
    }
  });
  for (std::size_t i = 0; i < r.flat_ids.size(); ++i) {
    r.places[r.flat_ids[i]] = {false, static_cast<std::int64_t>(i)};
  }
  for (std::size_t i = 0; i < r.graph_ids.size(); ++i) {
    if (r.graph_ids[i] == kDead) {
      ++r.n_dead;
    } else {
      r.places[r.graph_ids[i]] = {true, static_cast<std::int64_t>(i)};
    }
  }
  if (r.places.size() + static_cast<std::size_t>(r.n_dead) !=
      r.flat_ids.size() + r.graph_ids.size()) {
    fail(ErrorCode::kCorrupt, "vector index: an id occurs twice");
  }
  return index;
}

}  // namespace kvlink::retrieval
