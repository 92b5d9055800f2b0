// SPDX-License-Identifier: Apache-2.0
#include "app/answer_pipeline.h"
#include "app/cli/answer_lines.h"
#include "app/cli/command.h"
#include "app/cli/json.h"
#include "app/cli/line_reader.h"
#include "app/cli/source_lines.h"
#include "app/words.h"

namespace kvlink::app {
namespace {

ExitCode list_conversations(CommandContext& context) {
  const auto session = context.open_session(Parts::kStores);
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& conversation : value_or_throw(session->library().conversations())) {
    rows.push_back({{"id", conversation.id},
                    {"name", conversation.name},
                    {"updated_unix", conversation.updated_unix}});
    if (!context.output.json()) {
      context.output.print_line(std::to_string(conversation.id) + "\t" +
                                excerpt(conversation.name, 100));
    }
  }
  if (context.output.json()) {
    context.output.print_line(to_text({{"conversations", std::move(rows)}}));
  }
  return ExitCode::kDone;
}

/// Every number is tried; those that are not there make the exit code.
ExitCode remove_conversations(CommandContext& context, const std::vector<std::int64_t>& ids) {
  const auto session = context.open_session(Parts::kStores);
  nlohmann::json removed = nlohmann::json::array();
  nlohmann::json missing = nlohmann::json::array();
  for (const auto id : ids) {
    const auto erased = session->library().remove_conversation(id);
    if (erased) {
      removed.push_back(id);
      if (!context.output.json()) {
        context.output.print_line("removed conversation " + std::to_string(id));
      }
    } else if (erased.error().code == ErrorCode::kNotFound) {
      missing.push_back(id);
      context.output.note("There is no conversation " + std::to_string(id) +
                          "; `kvlink chat --list` shows those there are.");
    } else {
      value_or_throw(erased);
    }
  }
  const bool all_found = missing.empty();
  if (context.output.json()) {
    context.output.print_line(
        to_text({{"removed", std::move(removed)}, {"not_found", std::move(missing)}}));
  }
  return all_found ? ExitCode::kDone : ExitCode::kNothingFound;
}

bool is_blank(const std::string& line) {
  return line.find_first_not_of(" \t\r") == std::string::npos;
}

/// Questions from standard input until its end, each answered in one conversation.
class Chat {
 public:
  Chat(CommandContext& context, const ChatArguments& arguments)
      : context_(context),
        session_(context.open_session(
            Parts::kAnswer,
            [&](Settings& settings) { adjust_recompute(settings, arguments.recompute); })),
        pipeline_(*session_),
        lines_(context.interrupt) {
    question_.max_tokens = arguments.max_tokens;
    if (!arguments.mode.empty()) question_.mode = inference::parse_link_mode(arguments.mode);
    question_.documents = documents_named(*session_, arguments.documents);
    if (!arguments.continue_id) return;
    const auto stored = found_or_throw(session_->library().conversation(*arguments.continue_id));
    conversation_ = Conversation(stored);
    context.output.note("Going on with \"" + stored.name + "\" (" +
                        counted(static_cast<std::int64_t>(stored.turns.size()), "turn") + ").");
  }

  ExitCode run() {
    context_.output.note("One question a line. Ctrl-C stops an answer; Ctrl-D ends the chat.");
    while (const auto line = lines_.next("\n> ")) {
      if (!is_blank(*line)) answer(*line);
      context_.interrupt.rearm();
      if (!context_.output.intact()) break;
    }
    // A conversation without an answer is not worth keeping.
    if (conversation_.stored_id() && conversation_.turns().empty()) {
      value_or_throw(session_->library().remove_conversation(*conversation_.stored_id()));
    }
    if (context_.interrupt.requested()) return ExitCode::kCancelled;
    return any_answered_ ? ExitCode::kDone : last_failure_;
  }

 private:
  void answer(const std::string& line) {
    if (!conversation_.stored_id()) {
      conversation_.keep_as(
          value_or_throw(session_->library().new_conversation(excerpt(line, 80))));
    }
    question_.text = line;
    question_.sent = Timeline::Clock::now();
    const auto answer = pipeline_.answer(
        question_, conversation_, streaming_events(context_.output), context_.interrupt.token());
    if (!answer) {
      // One question that cannot be answered does not end the conversation.
      context_.output.error(answer.error());
      count(exit_code_of(answer.error().code));
      return;
    }
    count(exit_code_of(*answer));
    if (context_.output.json()) {
      context_.output.print_line(to_text(json_of(*answer)));
    } else {
      print_answer_details(context_.output, *answer);
    }
  }

  /// An answer that was stopped was one.
  void count(ExitCode code) {
    if (code == ExitCode::kDone || code == ExitCode::kCancelled) {
      any_answered_ = true;
    } else {
      last_failure_ = code;
    }
  }

  CommandContext& context_;
  std::unique_ptr<Session> session_;
  AnswerPipeline pipeline_;
  LineReader lines_;
  Conversation conversation_;
  Question question_;
  bool any_answered_ = false;
  ExitCode last_failure_ = ExitCode::kDone;  // none was asked
};

}  // namespace

ExitCode run_command(CommandContext& context, const ChatArguments& arguments) {
  if (arguments.list) return list_conversations(context);
  if (!arguments.remove_ids.empty()) return remove_conversations(context, arguments.remove_ids);
  return Chat(context, arguments).run();
}

}  // namespace kvlink::app
