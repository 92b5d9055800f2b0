// SPDX-License-Identifier: Apache-2.0
#include "app/answer_pipeline.h"

#include "app/answer_run.h"

namespace kvlink::app {

Result<Answer> AnswerPipeline::answer(const Question& question, Conversation& conversation,
                                      const AnswerEvents& events, std::stop_token stop) {
  return returning([&] {
    AnswerRun run(session_, settings_, question, conversation, events, std::move(stop));
    try {
      run.perform();
    } catch (const Exception& e) {
      // Somebody pressed Stop: that is an end of an answer, not an error.
      if (e.error().code != ErrorCode::kCancelled) throw;
      run.answer().end = AnswerEnd::kStopped;
    }
    return std::move(run.answer());
  });
}

}  // namespace kvlink::app
