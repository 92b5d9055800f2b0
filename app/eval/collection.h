// SPDX-License-Identifier: Apache-2.0
// Passages and queries with relevance judgements, for measuring retrieval.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace kvlink::app {

struct CorpusPassage {
  std::string id;
  std::string title;
  std::string text;
};

struct CorpusQuery {
  std::string text;
  std::set<std::string> relevant;    ///< ids of passages; may be empty
  std::vector<std::string> answers;  ///< accepted ones; may be empty
};

struct Collection {
  std::vector<CorpusPassage> passages;
  std::vector<CorpusQuery> queries;
};

/// JSON lines, plain or gzip: {id, title, text} and {question, relevant[], answers[]}. Throws
/// kCorrupt with file and line (also for an id that occurs twice), kInvalidInput for an empty file.
Collection read_collection(const std::filesystem::path& corpus,
                           const std::filesystem::path& queries);

/// A Cranfield folder: cran.all.1400, cran.qry and cranqrel. Every judgement but grade 5
/// counts as relevant; queries are numbered by their place in the file. Throws kNotFound, kCorrupt.
Collection read_cranfield(const std::filesystem::path& folder);

/// Gives each query the answers of the question with the same text in a question file. Returns how
/// many got some.
std::int64_t join_answers(Collection& collection, const std::filesystem::path& questions);

}  // namespace kvlink::app
