// SPDX-License-Identifier: Apache-2.0
#include "app/eval/eval_model.h"

#include <chrono>
#include <numeric>
#include <utility>

#include "app/passage_prior.h"
#include "retrieval/chunker.h"
#include "retrieval/query_filter.h"

namespace kvlink::app {
namespace {

constexpr std::int64_t kDiskBytes = std::int64_t{3} << 30;
constexpr std::int64_t kMemoryBytes = std::int64_t{1} << 30;

double milliseconds(std::chrono::nanoseconds t) {
  return std::chrono::duration<double, std::milli>(t).count();
}

const Paths& with_folder(const Paths& paths) {
  value_or_throw(ensure_data_folder(paths));
  return paths;
}

}  // namespace

ReadingMode mode_named(const std::string& name) {
  const auto mode = parse_reading_mode(name);
  if (!mode) fail(ErrorCode::kInvalidInput, "There is no mode \"" + name + "\".");
  return *mode;
}

void check_adapter(Session& session, const EvalPrompt& prompt) {
  const bool is_file = prompt.adapter != "none" && prompt.adapter != "default";
  if (!is_file || session.engine().adapter() != nullptr) return;
  fail(ErrorCode::kUnsupported,
       "The adapter " + prompt.adapter + " cannot be used. " + session.mode_warning());
}

std::string identity_of(Session& session) {
  const auto* adapter = session.engine().adapter();
  return session.encoding().model.hex().substr(0, 16) + "-" +
         session.encoding().recipe.hex().substr(0, 16) + "-" +
         (adapter == nullptr ? "none" : adapter->digest.hex().substr(0, 16));
}

EvalModel::EvalModel(const EvalSetup& setup, const EvalPrompt& prompt)
    : folder_(with_folder(setup.paths).data, "eval") {
  SessionOptions options;
  options.paths = setup.paths;
  options.paths.data = folder_.path();
  options.adapter = prompt.adapter;
  options.generator = setup.generator;
  options.threads = setup.threads;
  options.adjust = [&](Settings& settings) {
    settings.disk_budget_bytes = kDiskBytes;
    settings.memory_budget_bytes = kMemoryBytes;
    // Passages of one question are used together and then never again.
    settings.eviction = cache::Eviction::kLru;
    if (!prompt.system.empty()) settings.system_prompt = prompt.system;
  };
  session_ = value_or_throw(Session::open(std::move(options)));
  check_adapter(*session_, prompt);
}

Passage EvalModel::passage(const EvalDocument& document) const {
  const std::string text = retrieval::prompt_text(document.title, "", document.text);
  Passage passage;
  passage.token_ids = session_->engine().tokenizer().encode(text);
  passage.content = sha256(text);
  if (passage.token_ids.empty()) fail(ErrorCode::kInvalidInput, "A passage holds no text.");
  return passage;
}

std::vector<Passage> EvalModel::passages(std::span<const EvalDocument* const> documents) const {
  std::vector<Passage> passages;
  for (const auto* document : documents) passages.push_back(passage(*document));
  return passages;
}

const std::vector<float>& EvalModel::vector_of(const std::string& text,
                                               inference::Priority priority) {
  auto& vector = vectors_[text];
  if (!vector.empty()) return vector;
  const bool is_question = priority == inference::Priority::kQuestion;
  const std::string words = is_question ? retrieval::question_to_embed(text) : text;
  return vector = value_or_throw(session_->embed(std::span(&words, 1), priority));
}

std::vector<Passage> EvalModel::weighed_passages(std::span<const EvalDocument* const> documents,
                                                 const std::string& question) {
  auto weighed = passages(documents);
  const auto asked = vector_of(question, inference::Priority::kQuestion);
  std::vector<double> cosines;
  for (const auto* document : documents) {
    const auto& vector = vector_of(retrieval::prompt_text(document->title, "", document->text),
                                   inference::Priority::kIngestion);
    cosines.push_back(std::inner_product(asked.begin(), asked.end(), vector.begin(), 0.0));
  }
  const auto priors = passage_priors(cosines, session_->settings().passage_prior);
  for (std::size_t i = 0; i < weighed.size(); ++i) weighed[i].log_prior = priors[i];
  return weighed;
}

EvalModel::Dialogue EvalModel::start() {
  return {value_or_throw(session_->engine().new_context()), session_->encoding().prefix};
}

void EvalModel::ensure_blocks(std::span<const Passage> passages, std::stop_token stop) {
  auto& engine = session_->engine();
  for (const auto& passage : passages) {
    const auto key = session_->encoding().key(passage.token_ids);
    if (session_->store().contains(key)) continue;
    const auto begin = std::chrono::steady_clock::now();
    const auto block = value_or_throw(engine.encode_chunk(
        session_->encoding().prefix, passage.token_ids, inference::Priority::kQuestion, stop));
    const auto took = std::chrono::steady_clock::now() - begin;
    value_or_throw(session_->store().put(key, block, passage.content, took));
  }
}

ReadResult EvalModel::read_into(Dialogue& dialogue, const Ask& ask, Timeline& timeline,
                                std::stop_token stop) {
  auto& engine = session_->engine();
  if (ask.mode.mode != inference::LinkMode::kFull) ensure_blocks(ask.passages, stop);
  const auto question = engine.chat_format().question(ask.question);
  ContextReader reader(engine, session_->store(), session_->encoding(), nullptr);
  ReadRequest request;
  request.mode = ask.mode;
  request.passages = ask.passages;
  request.lead = dialogue.lead;
  request.question = question;
  request.recompute = session_->settings().recompute;
  request.recompute_share = session_->settings().recompute_share;
  timeline = Timeline();  // encoding is ingestion's work, not the answer's
  return reader.read(*dialogue.context, request, timeline, std::move(stop));
}

std::vector<float> EvalModel::read(Dialogue& dialogue, const Ask& ask, std::stop_token stop) {
  Timeline timeline;
  return read_into(dialogue, ask, timeline, std::move(stop)).logits;
}

RunRecord EvalModel::answer(Dialogue& dialogue, const Ask& ask, std::stop_token stop) {
  auto& engine = session_->engine();
  Timeline timeline;
  ReadResult read = read_into(dialogue, ask, timeline, stop);
  const auto n_prompt = dialogue.context->n_rows();
  GenerationOptions options;
  options.max_tokens = ask.max_tokens;
  if (session_->settings().end_at_next_question) options.next_question = NextQuestion::kEnd;
  Generated made = generate(engine, *dialogue.context, std::move(read.logits), options, {},
                            timeline, std::move(stop));
  if (made.end == AnswerEnd::kStopped) fail(ErrorCode::kCancelled, "stopped");
  dialogue.lead = std::move(made.unfed);
  for (const auto token : engine.chat_format().next_turn()) dialogue.lead.push_back(token);
  RunRecord record;
  record.text = std::move(made.text);
  record.numbers["tokens"] = static_cast<double>(made.n_tokens);
  record.numbers["prompt_tokens"] = static_cast<double>(n_prompt);
  record.numbers["ttft_ms"] = milliseconds(*timeline.ttft());
  return record;
}

}  // namespace kvlink::app
