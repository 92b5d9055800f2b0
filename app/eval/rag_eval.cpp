// SPDX-License-Identifier: Apache-2.0
#include "app/eval/rag_eval.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "app/answer_pipeline.h"
#include "app/block_encoder.h"
#include "app/eval/collection_library.h"
#include "app/eval/figures.h"
#include "app/file_bytes.h"
#include "retrieval/query_filter.h"

namespace kvlink::app {
namespace {

constexpr std::int64_t kDiskBytes = std::int64_t{3} << 30;
constexpr std::int64_t kMaxFileBytes = std::int64_t{1} << 30;

using Mode = std::optional<inference::LinkMode>;

std::string mode_name(const Mode& mode) {
  return mode ? std::string(inference::link_mode_name(*mode)) : "default";
}

std::string file_hash(const std::filesystem::path& file) {
  const FileBytes read = read_file(file, kMaxFileBytes);
  if (read.too_large) fail(ErrorCode::kUnsupported, file.string() + " is larger than 1 GiB.");
  return sha256(read.bytes).hex();
}

double milliseconds(std::chrono::nanoseconds t) {
  return std::chrono::duration<double, std::milli>(t).count();
}

class RagEval {
 public:
  RagEval(const EvalSetup& setup, const RagOptions& options)
      : setup_(setup),
        options_(options),
        collection_(options.files.cranfield.empty()
                        ? read_collection(options.files.corpus, options.files.queries)
                        : read_cranfield(options.files.cranfield)) {
    if (!options.answers.empty() && join_answers(collection_, options.answers) == 0) {
      fail(ErrorCode::kInvalidInput,
           "No question of " + options.answers.string() + " is one of the queries.");
    }
    if (options.limit > 0 &&
        static_cast<std::int64_t>(collection_.queries.size()) > options.limit) {
      collection_.queries.resize(static_cast<std::size_t>(options.limit));
    }
    value_or_throw(ensure_data_folder(setup.paths));
    if (options.work.empty()) scratch_.emplace(setup.paths.data, "eval");
    folder_ = options.work.empty() ? scratch_->path() : std::filesystem::absolute(options.work);
    for (const auto mode : options.modes) modes_.emplace_back(mode);
    if (modes_.empty()) modes_.emplace_back();
  }

  EvalReport perform(const EvalProgress& progress, std::stop_token stop) {
    open(options_.chunks.front());
    fill_library(
        session_->library(), collection_,
        [&](const auto& texts) {
          return value_or_throw(session_->embed(texts, inference::Priority::kIngestion));
        },
        progress, stop);
    const ReportRow parameters = describe();
    WorkFile work(options_.out, "rag", parameters);
    std::vector<EvalStep> steps;
    for (const auto n : options_.chunks) {
      for (std::size_t q = 0; q < collection_.queries.size(); ++q) {
        for (const auto& mode : modes_) {
          steps.push_back({key(n, q, mode), [this, n, q, &mode, stop] {
                             return answer(n, collection_.queries[q], mode, stop);
                           }});
        }
      }
    }
    run_steps(steps, work, "answer", progress, stop);
    return report(work, parameters);
  }

 private:
  /// A session whose answers take n passages.
  void open(std::int32_t n_chunks) {
    if (session_ && session_->settings().chunks_per_answer == n_chunks) return;
    session_.reset();  // one process, one session on the folder
    SessionOptions options;
    options.paths = setup_.paths;
    options.paths.data = folder_;
    options.adapter = options_.prompt.adapter;
    options.generator = setup_.generator;
    options.threads = setup_.threads;
    options.adjust = [&](Settings& settings) {
      settings = Settings{};  // a settings.json in the work folder must not change figures
      settings.chunks_per_answer = n_chunks;
      if (options_.prior) settings.passage_prior = *options_.prior;
      settings.disk_budget_bytes = kDiskBytes;
      settings.memory_budget_bytes = 0;  // every block comes from a file
      if (!options_.prompt.system.empty()) settings.system_prompt = options_.prompt.system;
    };
    session_ = value_or_throw(Session::open(std::move(options)));
    check_adapter(*session_, options_.prompt);
  }

  ReportRow describe() const {
    ReportRow row;
    if (options_.files.cranfield.empty()) {
      row.add("corpus_sha256", file_hash(options_.files.corpus));
      row.add("queries_sha256", file_hash(options_.files.queries));
    } else {
      row.add("corpus_sha256", file_hash(options_.files.cranfield / "cran.all.1400"));
      row.add("queries_sha256", file_hash(options_.files.cranfield / "cran.qry"));
    }
    row.add("answers_sha256", options_.answers.empty() ? "" : file_hash(options_.answers));
    std::string chunks;
    for (const auto n : options_.chunks) chunks += (chunks.empty() ? "" : ",") + std::to_string(n);
    row.add("chunks", chunks);
    std::string modes;
    for (const auto& mode : modes_) modes += (modes.empty() ? "" : ",") + mode_name(mode);
    row.add("modes", modes);
    row.add("adapter", options_.prompt.adapter);
    row.add("queries", static_cast<std::int64_t>(collection_.queries.size()));
    row.add("max_tokens", std::int64_t{options_.max_tokens});
    row.add("prior", static_cast<double>(session_->settings().passage_prior));
    row.add("system", session_->settings().system_prompt);
    row.add("model", identity_of(*session_));
    return row;
  }

  static std::string key(std::int32_t n, std::size_t query, const Mode& mode) {
    return "n" + std::to_string(n) + "/q" + std::to_string(query) + "/" + mode_name(mode);
  }

  /// Computes the blocks that this question's answer will load.
  void encode_blocks(const CorpusQuery& query, std::stop_token stop) {
    const std::string question = retrieval::question_to_embed(query.text);
    const auto vector =
        value_or_throw(session_->embed(std::span(&question, 1), inference::Priority::kQuestion));
    retrieval::SearchRequest request;
    request.text = query.text;
    request.vector = vector;
    request.limit = session_->settings().chunks_per_answer;
    std::vector<retrieval::DocumentId> documents;
    for (const auto& hit : value_or_throw(session_->library().search(request))) {
      documents.push_back(hit.chunk.document);
    }
    if (session_->store().totals().disk_bytes > kDiskBytes / 2) {
      value_or_throw(session_->store().evict({}, cache::KvStore::Pinned::kKeep));
    }
    IngestMeter meter({});
    const auto encoded = BlockEncoder(*session_).encode(documents, meter, std::move(stop));
    if (!encoded.stopped_because.empty()) fail(ErrorCode::kIo, encoded.stopped_because);
  }

  RunRecord answer(std::int32_t n, const CorpusQuery& query, const Mode& mode,
                   std::stop_token stop) {
    open(n);
    encode_blocks(query, stop);
    Question question;
    question.text = query.text;
    question.mode = mode;
    question.max_tokens = options_.max_tokens;
    question.sent = Timeline::Clock::now();
    Conversation conversation;
    const Answer made =
        value_or_throw(AnswerPipeline(*session_).answer(question, conversation, {}, stop));
    if (made.end == AnswerEnd::kStopped) fail(ErrorCode::kCancelled, "stopped");
    RunRecord record;
    record.text = made.end == AnswerEnd::kNothingFound ? "" : made.text;
    record.numbers["tokens"] = static_cast<double>(made.n_tokens);
    record.numbers["retrieved"] =
        std::any_of(made.sources.begin(), made.sources.end(),
                    [&](const Source& source) { return query.relevant.contains(source.path); });
    record.numbers["misses"] = static_cast<double>(made.reading.misses.size());
    if (const auto ttft = made.timeline.ttft()) record.numbers["ttft_ms"] = milliseconds(*ttft);
    return record;
  }

  EvalReport report(const WorkFile& work, const ReportRow& parameters) const {
    EvalReport report{"rag", parameters, {}, {}};
    for (const auto n : options_.chunks) {
      std::vector<AnswerFigures> figures(modes_.size());
      for (std::size_t m = 0; m < modes_.size(); ++m) {
        report.results.push_back(row_of(work, n, modes_[m], figures[m]));
      }
      std::vector<NamedValues> named;
      for (std::size_t m = 0; m < modes_.size(); ++m) {
        named.push_back({mode_name(modes_[m]), &figures[m].accuracy});
      }
      ReportRow head;
      head.add("chunks", std::int64_t{n});
      for (auto& row : compare_pairs(named, head)) report.comparisons.push_back(std::move(row));
    }
    return report;
  }

  ReportRow row_of(const WorkFile& work, std::int32_t n, const Mode& mode,
                   AnswerFigures& figures) const {
    RunValues retrieved;
    std::vector<double> ttft;
    for (std::size_t q = 0; q < collection_.queries.size(); ++q) {
      const auto& query = collection_.queries[q];
      const RunRecord& made = *work.find(key(n, q, mode));
      const RunId id{static_cast<std::int64_t>(q), 0};
      if (!query.answers.empty()) figures.add(id, made, query.answers);
      if (!query.relevant.empty()) retrieved.add(id, made.number("retrieved"));
      if (made.numbers.contains("ttft_ms")) ttft.push_back(made.number("ttft_ms"));
    }
    ReportRow row;
    row.add("mode", mode_name(mode));
    row.add("adapter", options_.prompt.adapter);
    row.add("passages", std::int64_t{n});
    figures.add_to(row);
    row.add("retrieved", retrieved.mean());
    row.add("ttft_ms_p90", quantile(ttft, 0.9));
    row.add("ttft_ms_p99", quantile(ttft, 0.99));
    return row;
  }

  const EvalSetup& setup_;
  const RagOptions& options_;
  Collection collection_;
  std::optional<ScratchFolder> scratch_;
  std::filesystem::path folder_;
  std::vector<Mode> modes_;
  std::unique_ptr<Session> session_;
};

}  // namespace

Result<EvalReport> run_rag_eval(const EvalSetup& setup, const RagOptions& options,
                                const EvalProgress& progress, std::stop_token stop) {
  return returning([&] { return RagEval(setup, options).perform(progress, std::move(stop)); });
}

}  // namespace kvlink::app
