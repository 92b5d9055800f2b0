// SPDX-License-Identifier: Apache-2.0
// Judged collections for measuring retrieval.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace kvlink::bench {

struct Passage {
  std::string id;
  std::string title;
  std::string text;
};

struct Query {
  std::string text;
  std::set<std::string> relevant;
};

struct Collection {
  std::string name;
  std::vector<Passage> passages;
  std::vector<Query> queries;
};

/// nq20_pool.{corpus,queries.dev}.jsonl.gz of a folder.
Collection read_nq20_pool(const std::filesystem::path& folder);
/// cran.all.1400, cran.qry, cranqrel of a folder; judgements from 1 to 3 count as relevant.
Collection read_cranfield(const std::filesystem::path& folder);

}  // namespace kvlink::bench
