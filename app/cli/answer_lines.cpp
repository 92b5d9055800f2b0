// SPDX-License-Identifier: Apache-2.0
#include "app/cli/answer_lines.h"

#include "app/cli/source_lines.h"
#include "app/words.h"

namespace kvlink::app {
namespace {

std::string reuse_line(const ReadReport& reading) {
  std::string line = counted(reading.n_document_tokens, "document token") + ": " +
                     count_in_words(reading.n_document_tokens_reused) + " reused, " +
                     count_in_words(reading.n_document_tokens_prefilled) + " prefilled";
  if (reading.n_link_tokens > 0) {
    line += ", " + counted(reading.n_link_tokens, "link token") + " computed";
  }
  if (reading.n_document_tokens_encoded > 0) {
    line += ", " + count_in_words(reading.n_document_tokens_encoded) +
            " encoded on the spot (no cache)";
  }
  return line;
}

const char* end_words(AnswerEnd end) {
  switch (end) {
    case AnswerEnd::kMaxTokens:
      return "[the limit of tokens was reached]";
    case AnswerEnd::kContextFull:
      return "[the model's context is full]";
    case AnswerEnd::kStopped:
      return "[stopped]";
    default:
      return "";
  }
}

}  // namespace

AnswerEvents streaming_events(Output& output) {
  AnswerEvents events;
  if (!output.json()) {
    events.on_text = [&output](std::string_view piece) { output.print(printable(piece)); };
  }
  return events;
}

void print_answer_details(Output& output, const Answer& answer) {
  if (answer.end == AnswerEnd::kNothingFound) {
    output.print_line(answer.text);
    if (!answer.nearest.empty()) {
      output.print_line("\nWhat comes nearest, not read (`kvlink ask --nearest` answers from it)");
    }
    for (const auto& source : answer.nearest) {
      output.print_line("  " + source_line(source.number, source.chunk, source.path, source.score));
    }
    return;
  }
  output.print_line("");
  const std::string end = end_words(answer.end);
  if (!end.empty()) output.print_line(end);
  if (!answer.sources.empty()) output.print_line("\nSources");
  for (const auto& source : answer.sources) {
    output.print_line("  " + source_line(source.number, source.chunk, source.path, source.score));
  }
  output.print_line("\nTime to first token, mode " +
                    std::string(inference::link_mode_name(answer.mode)));
  output.print(answer.timeline.to_table());
  output.print_line("  " + reuse_line(answer.reading));
  for (const auto& miss : answer.reading.misses) {
    output.note("no cache for passage " + std::to_string(miss.chunk) + ": " +
                std::string(cache::miss_reason_name(miss.reason)) +
                (miss.detail.empty() ? "" : " (" + miss.detail + ")"));
  }
  for (const auto& notice : answer.notices) output.note(notice);
}

ExitCode exit_code_of(const Answer& answer) {
  switch (answer.end) {
    case AnswerEnd::kNothingFound:
      return ExitCode::kNothingFound;
    case AnswerEnd::kStopped:
      return ExitCode::kCancelled;
    default:
      return ExitCode::kDone;
  }
}

}  // namespace kvlink::app
