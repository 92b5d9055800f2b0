// SPDX-License-Identifier: Apache-2.0
// Question files: JSON lines {id, question, answers[], docs: [{title, text, gold}]}, plain or gzip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace kvlink::app {

struct EvalDocument {
  std::string title;
  std::string text;
  bool gold = false;
};

struct EvalQuestion {
  std::string id;
  std::string question;
  std::vector<std::string> answers;
  std::vector<EvalDocument> documents;

  /// The first passage that is marked gold, or the only one. kInvalidInput when there is none.
  const EvalDocument& gold() const;
};

/// The first `limit` questions (0: all). A "summary" counts as an answer where "answers" is
/// missing; a missing "question" is "". Throws kCorrupt with file and line, kInvalidInput for an
/// empty file.
std::vector<EvalQuestion> read_questions(const std::filesystem::path& file, std::int64_t limit);

/// The gold passage at place `gold_at` among the first n − 1 others in file order; none for n = 0.
/// kInvalidInput when the question has fewer passages, or the place is beyond n (throws). The
/// question must outlive what is returned.
std::vector<const EvalDocument*> choose_passages(const EvalQuestion& question, std::int64_t n,
                                                 std::int64_t gold_at);

}  // namespace kvlink::app
