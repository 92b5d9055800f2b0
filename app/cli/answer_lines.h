// SPDX-License-Identifier: Apache-2.0
// An answer on a terminal: text as it comes, then sources, counters and the clock.
#pragma once

#include "app/answer_pipeline.h"
#include "app/cli/exit_code.h"
#include "app/cli/output.h"

namespace kvlink::app {

/// Events that stream the answer's text to standard output (none with --json).
AnswerEvents streaming_events(Output& output);
/// Everything that stands below the answer's text.
void print_answer_details(Output& output, const Answer& answer);
ExitCode exit_code_of(const Answer& answer);

}  // namespace kvlink::app
