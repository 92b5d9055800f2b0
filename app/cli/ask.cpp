// SPDX-License-Identifier: Apache-2.0
#include "app/answer_pipeline.h"
#include "app/cli/answer_lines.h"
#include "app/cli/command.h"
#include "app/cli/json.h"

namespace kvlink::app {
namespace {

Question question_of(Session& session, const AskArguments& arguments) {
  Question question;
  question.text = arguments.question;
  question.max_tokens = arguments.max_tokens;
  if (!arguments.mode.empty()) question.mode = inference::parse_link_mode(arguments.mode);
  question.documents = documents_named(session, arguments.documents);
  if (!arguments.whole.empty()) {
    const auto found = documents_named(session, std::span(&arguments.whole, 1));
    if (found.size() > 1) {
      fail(ErrorCode::kInvalidInput, arguments.whole + " is a folder; --whole takes one document.");
    }
    question.whole = found.front();
  }
  question.nearest = arguments.nearest;
  question.cache_use = arguments.no_cache ? CacheUse::kIgnore : CacheUse::kUse;
  question.cache_state = arguments.cold ? CacheState::kCold : CacheState::kAsIs;
  return question;
}

}  // namespace

ExitCode run_command(CommandContext& context, const AskArguments& arguments) {
  const auto session = context.open_session(
      Parts::kAnswer, [&](Settings& settings) { adjust_recompute(settings, arguments.recompute); });
  AnswerPipeline pipeline(*session);
  Conversation conversation;
  Question question = question_of(*session, arguments);
  question.sent = Timeline::Clock::now();
  const auto answer = value_or_throw(pipeline.answer(
      question, conversation, streaming_events(context.output), context.interrupt.token()));
  if (context.output.json()) {
    context.output.print_line(to_text(json_of(answer)));
  } else {
    print_answer_details(context.output, answer);
  }
  return exit_code_of(answer);
}

}  // namespace kvlink::app
