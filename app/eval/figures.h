// SPDX-License-Identifier: Apache-2.0
// From single runs to rows of figures with intervals, and paired comparisons of two arms.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "app/eval/report.h"
#include "app/eval/statistics.h"
#include "app/eval/work_file.h"

namespace kvlink::app {

/// One run of an arm: the same question and variant are asked of every arm.
struct RunId {
  std::int64_t question = 0;
  std::int64_t variant = 0;  ///< place of the gold passage, or 0
  auto operator<=>(const RunId&) const = default;
};

/// One figure of one arm over its runs.
class RunValues {
 public:
  void add(RunId id, double value) { values_[id] = value; }
  std::int64_t n() const { return static_cast<std::int64_t>(values_.size()); }
  std::int64_t n_questions() const { return static_cast<std::int64_t>(clusters().size()); }
  double mean() const { return mean_of(clusters()); }
  /// Clustered by question.
  Interval interval() const { return bootstrap_interval(clusters()); }
  /// The other's values minus these, of the runs that both have.
  RunValues difference_to(const RunValues& other) const;
  /// Those of one variant.
  RunValues of_variant(std::int64_t variant) const;
  std::vector<std::int64_t> variants() const;
  std::vector<double> values() const;

 private:
  std::vector<Cluster> clusters() const;
  std::map<RunId, double> values_;
};

/// The figures of answers to questions with accepted answers.
struct AnswerFigures {
  RunValues accuracy;  ///< sub-span match
  RunValues exact_match;
  RunValues f1;
  RunValues refusals;
  RunValues answer_tokens;
  RunValues answer_words;
  RunValues ttft_ms;

  void add(RunId id, const RunRecord& made, const std::vector<std::string>& accepted);
  /// Appends n, questions, accuracy with interval, and all the others to a row that says whose.
  void add_to(ReportRow& row) const;
};

/// A named arm, for comparisons.
struct NamedValues {
  std::string name;
  const RunValues* values = nullptr;
};

/// Every pair of arms: both means, difference (b − a) with its paired interval, and ratio b / a.
/// `head` opens each row.
std::vector<ReportRow> compare_pairs(const std::vector<NamedValues>& arms, const ReportRow& head);

}  // namespace kvlink::app
