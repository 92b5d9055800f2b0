// SPDX-License-Identifier: Apache-2.0
// A graph made anew beside searches and changes: with its vectors as bytes, or without
// the rows that are gone.
#include <algorithm>
#include <utility>

#include "retrieval/vector_rows.h"

namespace kvlink::retrieval {

struct VectorIndex::Rounding::State {
  const faiss::IndexHNSW* of = nullptr;  // compared only: it may be gone
  std::vector<float> sample;
  std::int64_t n_rows = 0;
  std::unique_ptr<faiss::IndexHNSW> graph;  // of bytes; in the end the one it replaced

  faiss::IndexFlatCodes& storage() const { return storage_of(*graph); }
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
    const faiss::IndexFlatCodes& exact = storage_of(*rows_->graph);
    calling_faiss([&] { s.storage().add(n, row_of(exact, begin)); });
  }
  return s.storage().ntotal < s.n_rows;
}

/// The links between the rows stay as they are: rounding moves no vector past another by much.
void VectorIndex::finish_rounding(Rounding& rounding) {
  Rows& r = *rows_;
  Rounding::State& s = *rounding.state_;
  if (r.graph.get() != s.of || s.storage().ntotal != r.graph->ntotal) return;
  s.graph->hnsw = std::move(r.graph->hnsw);
  s.graph->ntotal = r.graph->ntotal;
  std::swap(r.graph, s.graph);
  // Rows that were removed after they had become bytes.
  calling_faiss([&] {
    for (std::size_t row = 0; r.n_dead > 0 && row < r.graph_ids.size(); ++row) {
      if (r.graph_ids[row] == kDead) clear_row(*r.graph, static_cast<std::int64_t>(row));
    }
  });
}

struct VectorIndex::Rebuilding::State {
  const faiss::IndexHNSW* of = nullptr;  // compared only: it may be gone
  std::int64_t next = 0;                 // row of the worn graph
  std::vector<std::int64_t> copied_ids;
  std::vector<float> copied;
  // In the end those that were replaced.
  std::unique_ptr<faiss::IndexHNSW> graph;
  std::vector<std::int64_t> graph_ids;
  Rows::Places places;
};

VectorIndex::Rebuilding::Rebuilding() : state_(std::make_unique<State>()) {}
VectorIndex::Rebuilding::~Rebuilding() = default;

bool VectorIndex::is_due_for_rebuilding() const {
  return rows_->is_worn() && !rows_->is_worn_away();
}

std::unique_ptr<VectorIndex::Rebuilding> VectorIndex::begin_rebuilding() {
  if (!is_due_for_rebuilding()) return nullptr;
  auto rebuilding = std::make_unique<Rebuilding>();
  Rebuilding::State& s = *rebuilding->state_;
  s.of = rows_->graph.get();
  calling_faiss([&] { s.graph = make_graph_like(*rows_->graph); });
  rows_->notes_removals = true;
  rows_->removals.clear();
  return rebuilding;
}

bool VectorIndex::copy_some(Rebuilding& rebuilding, std::int64_t max_rows) const {
  const Rows& r = *rows_;
  Rebuilding::State& s = *rebuilding.state_;
  if (r.graph.get() != s.of) return false;
  std::vector<float> scratch;
  calling_faiss([&] {
    for (; s.next < r.graph->ntotal && std::ssize(s.copied_ids) < max_rows; ++s.next) {
      const std::int64_t id = r.graph_ids[static_cast<std::size_t>(s.next)];
      if (id == kDead) continue;
      const float* vector = r.graph_vector(s.next, scratch);
      s.copied_ids.push_back(id);
      s.copied.insert(s.copied.end(), vector, vector + r.dim);
    }
  });
  return !s.copied_ids.empty();
}

void VectorIndex::Rebuilding::link() {
  State& s = *state_;
  calling_faiss([&] { s.graph->add(std::ssize(s.copied_ids), s.copied.data()); });
  for (const std::int64_t id : s.copied_ids) {
    s.places[id] = {true, static_cast<std::int64_t>(s.graph_ids.size())};
    s.graph_ids.push_back(id);
  }
  s.copied_ids.clear();
  s.copied.clear();
}

void VectorIndex::finish_rebuilding(Rebuilding& rebuilding) {
  Rows& r = *rows_;
  Rebuilding::State& s = *rebuilding.state_;
  if (r.graph.get() != s.of || s.next < r.graph->ntotal) {
    r.notes_removals = false;
    r.removals = {};
    return;
  }
  r.n_dead = 0;
  calling_faiss([&] {
    for (const std::int64_t id : r.removals) {
      const auto found = s.places.find(id);
      if (found == s.places.end()) continue;
      clear_row(*s.graph, found->second.row);
      s.graph_ids[static_cast<std::size_t>(found->second.row)] = kDead;
      s.places.erase(found);
      ++r.n_dead;
    }
  });
  for (std::size_t i = 0; i < r.flat_ids.size(); ++i) {
    s.places[r.flat_ids[i]] = {false, static_cast<std::int64_t>(i)};
  }
  std::swap(r.graph, s.graph);
  std::swap(r.graph_ids, s.graph_ids);
  std::swap(r.places, s.places);
  r.notes_removals = false;
  r.removals = {};
}

}  // namespace kvlink::retrieval
