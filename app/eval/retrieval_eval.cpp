// SPDX-License-Identifier: Apache-2.0
#include "app/eval/retrieval_eval.h"

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "app/eval/collection.h"
#include "app/eval/collection_library.h"
#include "app/eval/figures.h"
#include "app/instance_lock.h"
#include "app/model_files.h"
#include "app/scratch_folder.h"
#include "inference/embedder.h"
#include "retrieval/query_filter.h"

namespace kvlink::app {
namespace {

constexpr std::int64_t kDepth = 10;

/// A way to rank.
struct Ranking {
  const char* name;
  bool with_vectors;
  retrieval::SearchOptions options;
};

std::vector<Ranking> rankings() {
  retrieval::SearchOptions dense;
  dense.dense_weight = 1;
  dense.min_cosine = -1;
  dense.min_lexical_cosine = -1;
  return {{"lexical", false, {}}, {"dense", true, dense}, {"hybrid", true, {}}};
}

struct Figures {
  RunValues ndcg;
  RunValues recall;
  RunValues rank;
  RunValues milliseconds;  ///< embedding included where vectors are used
  std::int64_t n_empty = 0;
};

class RetrievalEval {
 public:
  RetrievalEval(const EvalSetup& setup, const RetrievalOptions& options)
      : options_(options),
        collection_(options.files.cranfield.empty()
                        ? read_collection(options.files.corpus, options.files.queries)
                        : read_cranfield(options.files.cranfield)),
        backend_(kernels::CpuOptions{.n_threads = setup.threads}) {
    value_or_throw(ensure_data_folder(setup.paths));
    if (options.work.empty()) scratch_.emplace(setup.paths.data, "eval");
    const Paths paths{
        .data = options.work.empty() ? scratch_->path() : std::filesystem::absolute(options.work),
        .models = setup.paths.models};
    value_or_throw(ensure_data_folder(paths));
    folder_ = paths.data;
    lock_.emplace(value_or_throw(InstanceLock::acquire(paths.lock_file())));
    embedder_ = value_or_throw(inference::Embedder::load(
        value_or_throw(resolve_model(paths.models, ModelRole::kEmbedder, options.embedder))));
  }

  EvalReport perform(const EvalProgress& progress, std::stop_token stop) {
    {
      const auto library = open({});
      fill_library(
          *library, collection_, [&](const auto& texts) { return embed(texts); }, progress, stop);
    }
    EvalReport report{"retrieval", {}, {}, {}};
    report.parameters.add("passages", static_cast<std::int64_t>(collection_.passages.size()));
    report.parameters.add("queries", static_cast<std::int64_t>(collection_.queries.size()));
    report.parameters.add("embedder", embedder_->describe());
    std::vector<Figures> figures;
    for (const auto& ranking : rankings()) {
      if (progress) progress(std::string("ranking: ") + ranking.name);
      figures.push_back(measure(ranking, stop));
      report.results.push_back(row_of(ranking, figures.back()));
    }
    std::vector<NamedValues> named;
    for (std::size_t i = 0; i < figures.size(); ++i) {
      named.push_back({rankings()[i].name, &figures[i].ndcg});
    }
    ReportRow head;
    head.add("figure", std::string("ndcg_at_10"));
    report.comparisons = compare_pairs(named, head);
    return report;
  }

 private:
  std::unique_ptr<retrieval::Library> open(const retrieval::SearchOptions& options) const {
    return value_or_throw(retrieval::Library::open(
        folder_, {embedder_->fingerprint(), embedder_->dim()}, FileSystem::posix(), {options}));
  }

  std::vector<float> embed(const std::vector<std::string>& texts) {
    return value_or_throw(embedder_->embed(backend_, texts));
  }

  /// As the app does.
  std::vector<float> embed_question(const std::string& text) {
    const std::string question = retrieval::question_to_embed(text);
    return value_or_throw(
        embedder_->embed(backend_, std::span(&question, 1), inference::TextRole::kQuery));
  }

  std::vector<std::string> search(retrieval::Library& library, const Ranking& ranking,
                                  const std::string& text) {
    std::vector<float> vector;
    if (ranking.with_vectors) vector = embed_question(text);
    retrieval::SearchRequest request;
    request.text = text;
    request.vector = vector;
    request.limit = kDepth;
    std::vector<std::string> ranked;
    for (const auto& hit : value_or_throw(library.search(request))) ranked.push_back(hit.path);
    return ranked;
  }

  Figures measure(const Ranking& ranking, std::stop_token stop) {
    const auto library = open(ranking.options);
    Figures figures;
    for (std::size_t q = 0; q < collection_.queries.size(); ++q) {
      if (stop.stop_requested()) fail(ErrorCode::kCancelled, "stopped");
      const auto& query = collection_.queries[q];
      if (query.relevant.empty()) continue;
      const auto begin = std::chrono::steady_clock::now();
      const auto ranked = search(*library, ranking, query.text);
      const std::chrono::duration<double, std::milli> took =
          std::chrono::steady_clock::now() - begin;
      const RunId id{static_cast<std::int64_t>(q), 0};
      figures.ndcg.add(id, ndcg_at(kDepth, ranked, query.relevant));
      figures.recall.add(id, recall_at(kDepth, ranked, query.relevant));
      figures.rank.add(id, reciprocal_rank(ranked, query.relevant));
      figures.milliseconds.add(id, took.count());
      figures.n_empty += ranked.empty() ? 1 : 0;
    }
    if (figures.ndcg.n() == 0) {
      fail(ErrorCode::kInvalidInput, "No query names a relevant passage.");
    }
    return figures;
  }

  static ReportRow row_of(const Ranking& ranking, const Figures& figures) {
    const Interval interval = figures.ndcg.interval();
    const auto times = figures.milliseconds.values();
    ReportRow row;
    row.add("mode", std::string(ranking.name));
    row.add("n", figures.ndcg.n());
    row.add("ndcg_at_10", figures.ndcg.mean());
    row.add("ndcg_low", interval.low);
    row.add("ndcg_high", interval.high);
    row.add("recall_at_10", figures.recall.mean());
    row.add("mrr_at_10", figures.rank.mean());
    row.add("empty", figures.n_empty);
    row.add("ms_p50", quantile(times, 0.5));
    row.add("ms_p95", quantile(times, 0.95));
    return row;
  }

  const RetrievalOptions& options_;
  Collection collection_;
  kernels::CpuBackend backend_;
  std::optional<ScratchFolder> scratch_;
  std::filesystem::path folder_;
  std::optional<InstanceLock> lock_;
  std::unique_ptr<inference::Embedder> embedder_;
};

}  // namespace

Result<EvalReport> run_retrieval_eval(const EvalSetup& setup, const RetrievalOptions& options,
                                      const EvalProgress& progress, std::stop_token stop) {
  return returning(
      [&] { return RetrievalEval(setup, options).perform(progress, std::move(stop)); });
}

}  // namespace kvlink::app
