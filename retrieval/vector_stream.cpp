// SPDX-License-Identifier: Apache-2.0
// A VectorIndex as bytes, and back.
#include <algorithm>
#include <cstring>
#include <utility>

#include "retrieval/vector_rows.h"

namespace kvlink::retrieval {
namespace {

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

/// What the rest of the index takes for granted of a graph's vectors.
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
