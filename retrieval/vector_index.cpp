// SPDX-License-Identifier: Apache-2.0
#include "retrieval/vector_index.h"

#include <algorithm>
#include <utility>

#include "retrieval/vector_rows.h"

namespace kvlink::retrieval {
namespace {

constexpr std::int64_t kCopyStep = 1024;  // rows

bool better(const Neighbour& a, const Neighbour& b) {
  return a.cosine != b.cosine ? a.cosine > b.cosine : a.id < b.id;
}

}  // namespace

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
      rows_->remove_from_graph(id, place.row);
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

bool VectorIndex::has_bytes() const { return rows_->graph && graph_has_bytes(*rows_->graph); }

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

void VectorIndex::absorb(std::int64_t max_rows) {
  if (rows_->is_worn_away()) calling_faiss([&] { rows_->take_graph_apart(); });
  if (const auto rebuilding = begin_rebuilding()) {
    while (copy_some(*rebuilding, kCopyStep)) rebuilding->link();
    return finish_rebuilding(*rebuilding);
  }
  if (const auto rounding = begin_rounding()) {
    rounding->learn();
    encode_some(*rounding, rows_->graph->ntotal);
    return finish_rounding(*rounding);
  }
  const std::int64_t n = std::min(max_rows, n_backlog());
  if (n == 0) return;
  calling_faiss([&] {
    Rows& r = *rows_;
    if (!r.graph) r.graph = make_graph(r.dim);
    const std::size_t kept = r.flat_ids.size() - static_cast<std::size_t>(n);
    r.graph->add(n, row_of(*r.flat, static_cast<std::int64_t>(kept)));
    for (std::size_t i = kept; i < r.flat_ids.size(); ++i) {
      r.places[r.flat_ids[i]] = {true, static_cast<std::int64_t>(r.graph_ids.size())};
      r.graph_ids.push_back(r.flat_ids[i]);
    }
    r.truncate_flat(kept);
  });
}

}  // namespace kvlink::retrieval
