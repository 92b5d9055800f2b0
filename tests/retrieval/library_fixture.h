// SPDX-License-Identifier: Apache-2.0
// Small libraries for tests: documents from sentences, vectors from words.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "retrieval/library.h"
#include "tests/support/temporary_folder.h"

namespace kvlink::retrieval {

inline constexpr std::int32_t kDim = 48;

inline EmbeddingSpace test_space() { return {sha256("test embedder"), kDim}; }

/// Sum of a pseudo-random direction per word: texts with common words are near.
inline std::vector<float> embed(std::string_view text) {
  std::vector<float> sum(kDim, 0.0f);
  std::size_t pos = 0;
  while (pos < text.size()) {
    const std::size_t end = std::min(text.find_first_of(" .\n?", pos), text.size());
    std::uint64_t state = 1469598103934665603ull;
    for (const char c : text.substr(pos, end - pos)) {
      state = (state ^ static_cast<std::uint64_t>(c | 0x20)) * 1099511628211ull;  // case aside
    }
    for (float& x : sum) {
      state = state * 6364136223846793005ull + 1442695040888963407ull;
      if (end > pos) x += static_cast<float>(state >> 40) / static_cast<float>(1 << 23) - 1.0f;
    }
    pos = end + 1;
  }
  double length = 0;
  for (const float x : sum) length += static_cast<double>(x) * static_cast<double>(x);
  if (length == 0) return embed("nothing");
  for (float& x : sum) x /= static_cast<float>(std::sqrt(length));
  return sum;
}

/// One chunk per text.
inline NewDocument make_document(const std::string& path, const std::vector<std::string>& texts,
                                 const std::string& title = "") {
  NewDocument added;
  added.document.path = path;
  added.document.title = title.empty() ? path : title;
  added.document.media_type = "text/plain";
  added.document.content = sha256(path);
  std::int64_t line = 1;
  for (const auto& text : texts) {
    Chunk chunk;
    chunk.text = text;
    chunk.anchor = {.byte_begin = line * 100,
                    .byte_end = line * 100 + static_cast<std::int64_t>(text.size()),
                    .line_begin = line,
                    .line_end = line,
                    .place_label = {}};
    chunk.n_tokens = static_cast<std::int64_t>(text.size() / 4) + 1;
    ++line;
    added.chunks.push_back(std::move(chunk));
    const auto vector = embed(text);
    added.vectors.insert(added.vectors.end(), vector.begin(), vector.end());
  }
  return added;
}

template <typename T>
T must(Result<T> result) {
  if (!result) throw Exception(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

/// Erases what was removed to the end; the contents that were orphaned.
inline std::vector<Digest> erase_all_removed(Library& library) {
  std::vector<Digest> orphaned;
  for (bool done = false; !done;) {
    const auto step = must(library.erase_removed());
    orphaned.insert(orphaned.end(), step.orphaned.begin(), step.orphaned.end());
    done = step.done;
  }
  return orphaned;
}

inline std::vector<Digest> remove_and_erase(Library& library, DocumentId id) {
  must(library.remove(std::span(&id, 1)));
  return erase_all_removed(library);
}

class LibraryTest : public ::testing::Test {
 protected:
  std::unique_ptr<Library> open(FileSystem& files = FileSystem::posix(),
                                LibraryOptions options = {}) {
    return must(Library::open(folder_.path(), test_space(), files, options));
  }

  static std::vector<SearchHit> search(Library& library, const std::string& text,
                                       std::int64_t limit = 5) {
    const auto vector = embed(text);
    SearchRequest request;
    request.text = text;
    request.vector = vector;
    request.limit = limit;
    return must(library.search(request));
  }

  std::filesystem::path database() const { return folder_.path() / "library.db"; }
  std::filesystem::path vector_file() const { return folder_.path() / "vectors.faiss"; }

  tests::TemporaryFolder folder_;
};

}  // namespace kvlink::retrieval
