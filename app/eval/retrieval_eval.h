// SPDX-License-Identifier: Apache-2.0
// Ranking quality on judged collections: words, vectors, and both.
#pragma once

#include <filesystem>
#include <stop_token>

#include "app/eval/eval_run.h"
#include "app/eval/report.h"

namespace kvlink::app {

/// A collection: a corpus with its queries, or a Cranfield folder.
struct CollectionFiles {
  std::filesystem::path corpus;
  std::filesystem::path queries;
  std::filesystem::path cranfield;  ///< instead of both
};

struct RetrievalOptions {
  CollectionFiles files;
  std::string embedder;        ///< "": the default
  std::filesystem::path work;  ///< keeps the library for the next run; "": a temporary folder
};

/// nDCG@10, recall@10, MRR@10 and milliseconds for each query, for lexical, dense and hybrid (the
/// app's setting); queries without a relevant passage are left out. Errors as read_collection and
/// Library::open.
Result<EvalReport> run_retrieval_eval(const EvalSetup& setup, const RetrievalOptions& options,
                                      const EvalProgress& progress, std::stop_token stop);

}  // namespace kvlink::app
