// SPDX-License-Identifier: Apache-2.0
#include "app/eval/figures.h"

#include <set>

#include "app/eval/answer_match.h"

namespace kvlink::app {
std::vector<Cluster> RunValues::clusters() const {
  std::vector<Cluster> clusters;
  std::int64_t question = 0;
  for (const auto& [id, value] : values_) {
    if (clusters.empty() || id.question != question) clusters.push_back({});
    question = id.question;
    clusters.back().sum += value;
    ++clusters.back().n;
  }
  return clusters;
}

RunValues RunValues::difference_to(const RunValues& other) const {
  RunValues difference;
  for (const auto& [id, value] : values_) {
    const auto found = other.values_.find(id);
    if (found != other.values_.end()) difference.add(id, found->second - value);
  }
  return difference;
}

RunValues RunValues::of_variant(std::int64_t variant) const {
  RunValues chosen;
  for (const auto& [id, value] : values_) {
    if (id.variant == variant) chosen.add(id, value);
  }
  return chosen;
}

std::vector<std::int64_t> RunValues::variants() const {
  std::set<std::int64_t> variants;
  for (const auto& [id, value] : values_) variants.insert(id.variant);
  return {variants.begin(), variants.end()};
}

std::vector<double> RunValues::values() const {
  std::vector<double> values;
  for (const auto& [id, value] : values_) values.push_back(value);
  return values;
}

void AnswerFigures::add(RunId id, const RunRecord& made, const std::vector<std::string>& accepted) {
  const std::string& text = made.text;
  accuracy.add(id, matches_sub_span(text, accepted) ? 1 : 0);
  exact_match.add(id, matches_exactly(text, accepted) ? 1 : 0);
  f1.add(id, token_f1(text, accepted));
  refusals.add(id, is_refusal(text) ? 1 : 0);
  answer_tokens.add(id, made.number("tokens"));
  answer_words.add(id, static_cast<double>(words_of(text).size()));
  ttft_ms.add(id, made.number("ttft_ms"));
}

void AnswerFigures::add_to(ReportRow& row) const {
  const Interval interval = accuracy.interval();
  row.add("n", accuracy.n());
  row.add("questions", accuracy.n_questions());
  row.add("accuracy", accuracy.mean());
  row.add("accuracy_low", interval.low);
  row.add("accuracy_high", interval.high);
  row.add("exact_match", exact_match.mean());
  row.add("f1", f1.mean());
  row.add("refusals", refusals.mean());
  row.add("answer_tokens", answer_tokens.mean());
  row.add("answer_words", answer_words.mean());
  row.add("ttft_ms_p50", quantile(ttft_ms.values(), 0.5));
}

std::vector<ReportRow> compare_pairs(const std::vector<NamedValues>& arms, const ReportRow& head) {
  std::vector<ReportRow> rows;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    for (std::size_t j = i + 1; j < arms.size(); ++j) {
      const auto difference = arms[i].values->difference_to(*arms[j].values);
      const Interval interval = difference.interval();
      const double a = arms[i].values->mean();
      const double b = arms[j].values->mean();
      ReportRow row = head;
      row.add("a", arms[i].name);
      row.add("b", arms[j].name);
      row.add("n", difference.n());
      row.add("mean_a", a);
      row.add("mean_b", b);
      row.add("difference", difference.mean());
      row.add("difference_low", interval.low);
      row.add("difference_high", interval.high);
      row.add("ratio", a == 0 ? 0.0 : b / a);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace kvlink::app
