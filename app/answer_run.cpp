// SPDX-License-Identifier: Apache-2.0
#include "app/answer_run.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "app/passage_prior.h"
#include "app/quote_check.h"
#include "app/words.h"
#include "retrieval/query_filter.h"

namespace kvlink::app {
namespace {

constexpr const char* kNothingFound =
    "Nothing in the library is about this question, so there is no answer.";
constexpr const char* kOnlyNearest =
    "No passage is about this question. The answer was made from those that come nearest, as you "
    "asked; do not rely on it.";

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

/// Rows that a passage takes in the context.
std::int64_t n_rows(const Passage& passage, const ChunkEncoding& encoding) {
  return static_cast<std::int64_t>(passage.token_ids.size()) + encoding.extra_rows();
}

inference::LinkMode chosen_mode(const Question& question, const Session& session) {
  if (question.cache_use == CacheUse::kIgnore) return inference::LinkMode::kFull;
  return question.mode.value_or(session.default_mode());
}

}  // namespace

AnswerRun::AnswerRun(Session& session, const Settings& settings, const Question& question,
                     Conversation& conversation, const AnswerEvents& events, std::stop_token stop)
    : session_(session),
      settings_(settings),
      question_(question),
      conversation_(conversation),
      events_(events),
      stop_(std::move(stop)) {
  generation_.max_tokens = question.max_tokens.value_or(settings_.max_answer_tokens);
  generation_.sampler = question.sampler.value_or(settings_.sampler);
  generation_.next_question =
      settings_.end_at_next_question ? NextQuestion::kEnd : NextQuestion::kKeep;
  answer_.mode = chosen_mode(question, session_);
  answer_.timeline = Timeline(question.sent);
}

void AnswerRun::perform() {
  if (question_.cache_state == CacheState::kCold) {
    session_.store().drop_memory();
    session_.store().drop_page_cache();
    answer_.timeline = Timeline();  // dropping is not part of answering
  }
  const auto hold = session_.engine().hold_for_question();
  check_question();
  retrieve();
  if (events_.on_stage) events_.on_stage(answer_.timeline);
  if (answer_.sources.empty()) {
    answer_.end = AnswerEnd::kNothingFound;
    answer_.text = kNothingFound;
    return;
  }
  arrange();
  warn_of_mode();
  if (events_.on_sources) events_.on_sources(answer_.sources);
  read_and_generate();
  tell_device();
  keep_turn();
}

/// A GPU that fails is no reason to stop: the processor goes on, and whoever waits hears of it.
void AnswerRun::tell_device() {
  for (auto& notice : session_.take_device_notices()) {
    if (events_.on_device) events_.on_device(notice);
    answer_.notices.push_back(std::move(notice));
  }
}

/// Once in a conversation, and only for who did not choose the mode.
void AnswerRun::warn_of_mode() {
  if (question_.mode || question_.cache_use == CacheUse::kIgnore) return;
  if (session_.mode_warning().empty() || !conversation_.turns().empty()) return;
  answer_.notices.push_back(session_.mode_warning());
}

void AnswerRun::check_question() {
  if (is_blank(question_.text)) {
    fail(ErrorCode::kInvalidInput, "The question is empty. Ask something about your documents.");
  }
  auto& engine = session_.engine();
  question_tokens_ = engine.chat_format().question(retrieval::plain_question(question_.text));
  const auto n_prefix = static_cast<std::int64_t>(session_.encoding().prefix.size());
  const auto n_question = static_cast<std::int64_t>(question_tokens_.size());
  const std::int64_t room = engine.max_context() - n_prefix - 1;  // and one token of answer
  if (n_question > room) {
    fail(ErrorCode::kInvalidInput,
         "The question is too long: " + counted(n_question, "token") + ", and at most " +
             count_in_words(std::max<std::int64_t>(room, 0)) +
             " fit into this model's context of " + count_in_words(engine.max_context()) +
             ". Shorten it, or add the text as a document.");
  }
}

void AnswerRun::retrieve() {
  const auto stage = answer_.timeline.begin(Stage::kRetrieve);
  if (question_.whole) {
    take_whole_document();
  } else {
    const auto held = session_.hold_embedder();
    const Query query = embed_query();
    answer_.sources = search(query, Reach::kEvidence);
    if (answer_.sources.empty()) take_nearest(query);
  }
  answer_.timeline.end(stage);
}

/// Nothing counts as evidence: what comes nearest is shown, and read only for who asked for that.
void AnswerRun::take_nearest(const Query& query) {
  answer_.nearest = search(query, Reach::kNearest);
  if (!question_.nearest || answer_.nearest.empty()) return;
  answer_.sources = std::exchange(answer_.nearest, {});
  answer_.notices.emplace_back(kOnlyNearest);
}

/// A follow-up ("and in winter?") often names its subject only in the question before it.
AnswerRun::Query AnswerRun::embed_query() {
  const std::string previous = conversation_.previous_question();
  Query query{previous.empty() ? question_.text : question_.text + "\n" + previous, {}};
  const auto embedding = answer_.timeline.begin(Stage::kEmbed);
  const std::string plain = retrieval::question_to_embed(query.text);
  query.vector =
      value_or_throw(session_.embed(std::span(&plain, 1), inference::Priority::kQuestion));
  answer_.timeline.end(embedding);
  stop_here_if_asked();
  return query;
}

std::vector<Source> AnswerRun::search(const Query& query, Reach reach) {
  retrieval::SearchRequest request;
  request.text = query.text;
  request.vector = query.vector;
  request.limit = settings_.chunks_per_answer;
  request.documents = question_.documents;
  request.nearest = reach == Reach::kNearest;
  auto& timeline = answer_.timeline;
  const auto searching = timeline.begin(Stage::kSearch);
  auto hits = value_or_throw(session_.library().search(request));
  timeline.end(searching);
  stop_here_if_asked();
  std::vector<double> cosines;
  for (const auto& hit : hits) cosines.push_back(hit.cosine);
  const auto priors = passage_priors(cosines, settings_.passage_prior);
  std::vector<Source> sources;
  for (auto& hit : hits) {
    Source source;
    source.number = static_cast<std::int64_t>(sources.size()) + 1;
    source.chunk = std::move(hit.chunk);
    source.path = std::move(hit.path);
    // The fused score compares passages with each other; how near they are the cosine says.
    source.score = reach == Reach::kNearest ? hit.cosine : hit.score;
    source.log_prior = priors[sources.size()];
    sources.push_back(std::move(source));
  }
  return sources;
}

void AnswerRun::take_whole_document() {
  const auto documents = value_or_throw(session_.library().documents());
  const auto document = std::find_if(documents.begin(), documents.end(),
                                     [&](const auto& d) { return d.id == *question_.whole; });
  if (document == documents.end()) {
    fail(ErrorCode::kNotFound, "There is no document with the number " +
                                   std::to_string(*question_.whole) +
                                   ". `kvlink status --documents` lists them.");
  }
  for (auto& chunk : value_or_throw(session_.library().chunks(*question_.whole))) {
    Source source;
    source.number = chunk.ordinal + 1;
    source.chunk = std::move(chunk);
    source.path = document->path;
    answer_.sources.push_back(std::move(source));
  }
}

Passage AnswerRun::passage_of(const Source& source) const {
  return {source.chunk.id, source.chunk.content,
          session_.engine().tokenizer().encode(source.chunk.prompt()), source.log_prior};
}

/// Tokens left for passages behind what is there, the lead and the question, with room to answer.
std::int64_t AnswerRun::room_for_passages(std::int64_t n_used) const {
  const std::int64_t capacity = session_.engine().max_context();
  const std::int64_t reserve =
      std::clamp<std::int64_t>(generation_.max_tokens, 1, std::max<std::int64_t>(capacity / 4, 1));
  return capacity - n_used - static_cast<std::int64_t>(lead_.token_ids.size()) -
         static_cast<std::int64_t>(question_tokens_.size()) - reserve;
}

void AnswerRun::arrange() {
  const auto stage = answer_.timeline.begin(Stage::kPlan);
  if (!arrange_as_follow_up()) arrange_from_start();
  // The best passage stands next to the question; a whole document keeps its order.
  if (!question_.whole) std::reverse(passages_.begin(), passages_.end());
  answer_.timeline.end(stage);
}

/// Passages the context does not have yet, after what it has. False: they do not fit, or there is
/// no context to follow.
bool AnswerRun::arrange_as_follow_up() {
  auto& engine = session_.engine();
  const std::int64_t n_held = conversation_.context(engine).n_rows();
  lead_ = conversation_.lead(engine, session_.encoding());
  if (n_held == 0) return false;
  std::int64_t n_new = 0;
  for (auto& source : answer_.sources) {
    source.in_context = conversation_.holds(source.chunk.content);
    if (source.in_context) continue;
    passages_.push_back(passage_of(source));
    n_new += n_rows(passages_.back(), session_.encoding());
  }
  if (n_new <= room_for_passages(n_held)) return true;
  conversation_.start_over();
  passages_.clear();
  for (auto& source : answer_.sources) source.in_context = false;
  lead_ = conversation_.lead(engine, session_.encoding());
  answer_.notices.push_back(
      "The conversation has outgrown the model's context; this answer is based on its own passages "
      "only, not on earlier turns.");
  return false;
}

void AnswerRun::arrange_from_start() {
  std::int64_t room = room_for_passages(0);
  std::vector<Source> taken;
  for (auto& source : answer_.sources) {
    Passage passage = passage_of(source);
    if (n_rows(passage, session_.encoding()) > room) {
      if (question_.whole) break;  // a document is read from its beginning, without gaps
      continue;
    }
    room -= n_rows(passage, session_.encoding());
    passages_.push_back(std::move(passage));
    taken.push_back(std::move(source));
  }
  if (taken.empty()) {
    fail(ErrorCode::kInvalidInput,
         "The question leaves no room for a passage in this model's context of " +
             count_in_words(session_.engine().max_context()) + " tokens. Shorten it.");
  }
  if (question_.whole || taken.size() < answer_.sources.size()) {
    answer_.notices.push_back(
        count_in_words(static_cast<std::int64_t>(taken.size())) + " of " +
        counted(static_cast<std::int64_t>(answer_.sources.size()), "passage") +
        (question_.whole ? " of the document" : "") + " fit into the context.");
  }
  answer_.sources = std::move(taken);
}

void AnswerRun::read_and_generate() {
  auto& engine = session_.engine();
  inference::Context& context = conversation_.context(engine);
  ContextReader reader(engine, session_.store(), session_.encoding(), &session_.writer());
  ReadRequest request{.mode = answer_.mode,
                      .passages = passages_,
                      .lead = lead_.token_ids,
                      .question = question_tokens_,
                      .recompute = settings_.recompute,
                      .recompute_share = settings_.recompute_share,
                      .on_block = events_.on_block,
                      .on_stage = events_.on_stage};
  ReadResult read = reader.read(context, request, answer_.timeline, stop_);
  tell_device();
  answer_.reading = std::move(read.report);
  answer_.n_history_tokens = lead_.n_history_tokens;
  conversation_.add_passages(passages_);
  Generated made;
  try {
    const auto on_text = [&](std::string_view piece) {
      if (events_.on_text) events_.on_text(piece);
      tell_device();
    };
    made = generate(engine, context, std::move(read.logits), generation_, on_text, answer_.timeline,
                    stop_);
  } catch (const Exception&) {
    // The context holds a question whose answer broke off: nothing can follow it.
    conversation_.start_over();
    throw;
  }
  answer_.text = std::move(made.text);
  answer_.end = made.end;
  answer_.n_tokens = made.n_tokens;
  check_quotes();
  conversation_.add_turn({question_.text, answer_.text}, std::move(made.unfed));
}

/// A small model may alter what it quotes, and quotation marks promise that it did not. In a
/// conversation a quote may come from passages of earlier turns, which are not at hand.
void AnswerRun::check_quotes() {
  if (lead_.n_history_tokens > 0) return;
  std::vector<std::string> texts;
  for (const auto& source : answer_.sources) texts.push_back(source.chunk.prompt());
  for (const auto& quote : unfounded_quotes(answer_.text, texts)) {
    answer_.notices.push_back("In quotation marks, but not in the passages word for word: \"" +
                              quote + "\"");
  }
}

void AnswerRun::keep_turn() {
  if (!conversation_.stored_id()) return;
  retrieval::Turn turn{.question = question_.text,
                       .answer = answer_.text,
                       .mode = std::string(inference::link_mode_name(answer_.mode)),
                       .timeline_json = answer_.timeline.to_json(),
                       .sources = {},
                       .created_unix = static_cast<std::int64_t>(std::time(nullptr))};
  for (const auto& source : answer_.sources) turn.sources.push_back(source.chunk.id);
  const auto kept = session_.library().append_turn(*conversation_.stored_id(), turn);
  if (!kept) {
    answer_.notices.push_back("This turn could not be kept: " + kept.error().message);
  }
}

void AnswerRun::stop_here_if_asked() const {
  if (stop_.stop_requested()) fail(ErrorCode::kCancelled, "stopped");
}

}  // namespace kvlink::app
