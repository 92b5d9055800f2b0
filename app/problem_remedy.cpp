// SPDX-License-Identifier: Apache-2.0
#include "app/problem_remedy.h"

#include "retrieval/library.h"

namespace kvlink::app {

Remedy remedy_of(const retrieval::Document& document) {
  switch (document.problem_kind) {
    case retrieval::ReadProblem::kNeedsPassword:
      return Remedy::kPassword;
    case retrieval::ReadProblem::kNeedsOcr:
      return Remedy::kRecognise;
    case retrieval::ReadProblem::kSetAside:  // also of a searchable one: some of its pages were
      return Remedy::kRetry;
    default:
      return document.state == retrieval::DocumentState::kFailed ? Remedy::kRetry : Remedy::kNone;
  }
}

}  // namespace kvlink::app
