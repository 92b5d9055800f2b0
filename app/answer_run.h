// SPDX-License-Identifier: Apache-2.0
// One question on its way through the pipeline.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "app/answer_pipeline.h"

namespace kvlink::app {

/// Used once, by AnswerPipeline::answer, on one thread; its members are the steps in order. Inside
/// the folder: throws.
class AnswerRun {
 public:
  AnswerRun(Session& session, const Settings& settings, const Question& question,
            Conversation& conversation, const AnswerEvents& events, std::stop_token stop);
  AnswerRun(const AnswerRun&) = delete;
  AnswerRun& operator=(const AnswerRun&) = delete;

  void perform();
  Answer& answer() { return answer_; }

 private:
  void check_question();
  void retrieve();
  enum class Reach : std::uint8_t { kEvidence, kNearest };
  struct Query {
    std::string text;
    std::vector<float> vector;
  };
  Query embed_query();
  std::vector<Source> search(const Query& query, Reach reach);
  void take_nearest(const Query& query);
  void take_whole_document();
  void warn_of_mode();
  void arrange();
  bool arrange_as_follow_up();
  void arrange_from_start();
  void read_and_generate();
  void tell_device();
  void check_quotes();
  void keep_turn();

  Passage passage_of(const Source& source) const;
  std::int64_t room_for_passages(std::int64_t n_used) const;
  void stop_here_if_asked() const;

  Session& session_;
  const Settings& settings_;
  const Question& question_;
  Conversation& conversation_;
  const AnswerEvents& events_;
  std::stop_token stop_;

  GenerationOptions generation_;
  std::vector<std::int32_t> question_tokens_;
  Conversation::Lead lead_;
  std::vector<Passage> passages_;  ///< in context order
  Answer answer_;
};

}  // namespace kvlink::app
