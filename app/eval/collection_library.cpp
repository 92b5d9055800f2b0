// SPDX-License-Identifier: Apache-2.0
#include "app/eval/collection_library.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "app/words.h"

namespace kvlink::app {
namespace {

constexpr std::size_t kBatch = 32;

Digest content_of(const CorpusPassage& passage) {
  return sha256(retrieval::prompt_text(passage.title, "", passage.text));
}

/// Passages that the library does not have yet.
std::vector<const CorpusPassage*> missing(retrieval::Library& library,
                                          const Collection& collection) {
  std::map<std::string, Digest> held;
  for (const auto& document : value_or_throw(library.documents())) {
    held[document.path] = document.content;
  }
  std::vector<const CorpusPassage*> missing;
  std::size_t n_known = 0;
  for (const auto& passage : collection.passages) {
    const auto found = held.find(passage.id);
    const bool known = found != held.end() && found->second == content_of(passage);
    n_known += known ? 1 : 0;
    if (!known) missing.push_back(&passage);
  }
  if (n_known != held.size()) {
    fail(ErrorCode::kInvalidInput,
         "The work folder holds another collection. Name another folder, or an empty one.");
  }
  return missing;
}

retrieval::NewDocument document_of(const CorpusPassage& passage, std::span<const float> vector) {
  retrieval::NewDocument added;
  added.document.path = passage.id;
  added.document.title = passage.title;
  added.document.content = content_of(passage);
  added.chunks.push_back({passage.text, "", {}, 1});
  added.vectors.assign(vector.begin(), vector.end());
  return added;
}

}  // namespace

void fill_library(retrieval::Library& library, const Collection& collection,
                  const EmbedTexts& embed, const EvalProgress& progress, std::stop_token stop) {
  const auto wanted = missing(library, collection);
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < wanted.size(); i += kBatch) {
    if (stop.stop_requested()) fail(ErrorCode::kCancelled, "stopped");
    const std::size_t n = std::min(kBatch, wanted.size() - i);
    std::vector<std::string> texts;
    for (std::size_t j = i; j < i + n; ++j) {
      texts.push_back(retrieval::prompt_text(wanted[j]->title, "", wanted[j]->text));
    }
    const auto vectors = embed(texts);
    const std::size_t dim = vectors.size() / n;
    for (std::size_t j = 0; j < n; ++j) {
      value_or_throw(
          library.commit(document_of(*wanted[i + j], std::span(vectors).subspan(j * dim, dim))));
    }
    if (!progress) continue;
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
    const auto left = static_cast<double>(wanted.size() - i - n);
    progress(count_in_words(static_cast<std::int64_t>(i + n)) + " of " +
             counted(static_cast<std::int64_t>(wanted.size()), "passage") + " indexed, " +
             seconds_in_words(spent.count() / static_cast<double>(i + n) * left) + " left");
  }
}

}  // namespace kvlink::app
