// SPDX-License-Identifier: Apache-2.0
// A question to passages: words and vectors, each on its own, then together.
#include <algorithm>
#include <cctype>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "retrieval/lexical_query.h"
#include "retrieval/library_rows.h"
#include "retrieval/sqlite_library.h"

namespace kvlink::retrieval {
namespace {

constexpr std::int64_t kMaxLimit = 1000;

void check_request(const SearchRequest& request, std::int32_t dim) {
  const auto is_blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0'; };
  if (std::all_of(request.text.begin(), request.text.end(), is_blank)) {
    fail(ErrorCode::kInvalidInput, "the question is empty");
  }
  if (request.limit < 1) {
    fail(ErrorCode::kInvalidInput, "a search must ask for at least one passage");
  }
  if (!request.vector.empty() && request.vector.size() != static_cast<std::size_t>(dim)) {
    fail(ErrorCode::kInvalidInput, "the question's vector has " +
                                       std::to_string(request.vector.size()) +
                                       " dimensions, the library's have " + std::to_string(dim));
  }
}

constexpr const char* kInDocuments =
    " IN (SELECT id FROM chunks WHERE document_id IN (SELECT value FROM json_each(?)))";

/// The words worth scoring: rare ones first, until their rows exceed the budget. bm25 of a common
/// word is near zero, yet its rows are what a query spends its time on. `common` remembers words of
/// more rows than the budget: they are counted once.
std::vector<std::string> telling_words(SQLite::Database& db, const std::vector<std::string>& words,
                                       const SearchOptions& options,
                                       std::set<std::string>& common) {
  constexpr std::size_t kMostRemembered = 10'000;
  SQLite::Statement count(db,
                          "SELECT count(*) FROM (SELECT rowid FROM chunks_fts "
                          "WHERE chunks_fts MATCH ? LIMIT ?)");
  std::vector<std::pair<std::int64_t, std::string>> by_rows;
  for (const std::string& word : words) {
    if (common.contains(word)) {
      by_rows.emplace_back(options.max_scored_rows + 1, word);
      continue;
    }
    count.bind(1, match_any({word}));
    count.bind(2, options.max_scored_rows + 1);
    count.executeStep();
    const std::int64_t n_rows = count.getColumn(0).getInt64();
    count.reset();
    if (n_rows > 0) by_rows.emplace_back(n_rows, word);
    const bool is_common = n_rows > options.max_scored_rows;
    if (is_common && common.size() < kMostRemembered) common.insert(word);
  }
  std::sort(by_rows.begin(), by_rows.end());
  std::vector<std::string> kept;
  std::int64_t n_scored = 0;
  for (const auto& [n_rows, word] : by_rows) {
    if (!kept.empty() && n_scored + n_rows > options.max_scored_rows) break;
    n_scored += n_rows;
    kept.push_back(word);
  }
  return kept;
}

std::string match_of(const std::vector<std::string>& words, const ParsedQuery& asked) {
  std::string match = match_any(words);
  const std::string all = match_phrases(asked.phrases, " AND ");
  const std::string none = match_phrases(asked.excluded, " OR ");
  if (!all.empty()) match = "(" + match + ") AND " + all;
  if (!none.empty()) match = "(" + match + ") NOT (" + none + ")";
  return match;
}

/// Whether a chunk belongs to a document that was not removed.
class LiveChunks {
 public:
  explicit LiveChunks(SQLite::Database& db)
      : find_(db,
              "SELECT 1 FROM chunks c JOIN documents d ON d.id = c.document_id "
              "WHERE c.id = ? AND d.removed = 0") {}
  bool contains(ChunkId id) {
    find_.bind(1, id);
    const bool found = find_.executeStep();
    find_.reset();
    return found;
  }

 private:
  SQLite::Statement find_;
};

/// Hashes of all runs of three words, sorted: what two texts have in common they share.
using Shingles = std::vector<std::uint64_t>;

Shingles shingles_of(std::string_view text) {
  constexpr std::uint64_t kPrime = 0x100000001B3;
  std::vector<std::uint64_t> words;
  for (std::size_t pos = 0; pos < text.size();) {
    std::uint64_t hash = 0xCBF29CE484222325;
    const std::size_t begin = pos;
    for (; pos < text.size(); ++pos) {
      const auto c = static_cast<unsigned char>(text[pos]);
      const bool letter = c >= 0x80 || std::isalnum(c) != 0;
      if (!letter) break;
      hash = (hash ^ static_cast<std::uint64_t>(std::tolower(c))) * kPrime;
    }
    if (pos > begin) words.push_back(hash);
    if (pos < text.size()) ++pos;
  }
  Shingles out;
  for (std::size_t i = 0; i + 2 < words.size(); ++i) {
    out.push_back((words[i] * 31 + words[i + 1]) * 31 + words[i + 2]);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

/// Whether a text is no near copy of what was said: versions of one document share most of theirs.
/// Short texts always say more.
bool says_more(std::string_view text, std::vector<Shingles>& said) {
  constexpr std::size_t kFewest = 12;
  constexpr std::size_t kCopyPercent = 80;
  Shingles own = shingles_of(text);
  for (const Shingles& other : said) {
    const std::size_t smaller = std::min(own.size(), other.size());
    if (smaller < kFewest) continue;
    Shingles both;
    std::set_intersection(own.begin(), own.end(), other.begin(), other.end(),
                          std::back_inserter(both));
    if (both.size() * 100 >= smaller * kCopyPercent) return false;
  }
  said.push_back(std::move(own));
  return true;
}

}  // namespace

Result<std::vector<SearchHit>> SqliteLibrary::search(const SearchRequest& request) {
  return returning([&] {
    check_request(request, serving_space().dim);
    const ParsedQuery asked = parse_query(request.text);
    return calling_sqlite(path_, [&]() -> std::vector<SearchHit> {
      SearchRequest among = request;
      if (asked.has_document_filter()) {
        among.documents = passing_documents(asked, request.documents);
        if (among.documents.empty()) return {};
      }
      return search_parsed(among, asked);
    });
  });
}

std::vector<DocumentId> SqliteLibrary::passing_documents(const ParsedQuery& asked,
                                                         const std::vector<DocumentId>& documents) {
  const std::set<DocumentId> wanted(documents.begin(), documents.end());
  std::vector<DocumentId> passing;
  const std::lock_guard lock(reader_->mutex);
  SQLite::Statement rows(reader_->db,
                         "SELECT id, path, media_type FROM documents WHERE removed = 0");
  while (rows.executeStep()) {
    const DocumentId id = rows.getColumn(0).getInt64();
    const bool among = wanted.empty() || wanted.contains(id);
    if (among && passes(asked, text_of(rows.getColumn(1)), text_of(rows.getColumn(2)))) {
      passing.push_back(id);
    }
  }
  return passing;
}

std::vector<SearchHit> SqliteLibrary::search_parsed(const SearchRequest& request,
                                                    const ParsedQuery& asked) {
  std::vector<Candidate> candidates;
  const LexicalQuery query = lexical_query(asked.text);
  rank_by_words(request, query.words, asked, candidates);
  if (!request.vector.empty()) rank_by_vector(request, candidates);
  std::erase_if(candidates, [&](const Candidate& c) {
    if (request.nearest) return false;
    const bool by_words = c.lexical_rank > 0 && query.content_words;
    const bool contradicted = c.has_vector && c.cosine < options_.search.min_lexical_cosine;
    return (!by_words || contradicted) && c.cosine < options_.search.min_cosine;
  });
  if (asked.has_word_filter()) keep_passing(asked, candidates);
  fuse(candidates, request.vector.empty() ? 0 : options_.search.dense_weight);
  return load_hits(candidates, std::min(request.limit, kMaxLimit));
}

void SqliteLibrary::keep_passing(const ParsedQuery& asked, std::vector<Candidate>& candidates) {
  const std::lock_guard lock(reader_->mutex);
  SQLite::Statement holds(reader_->db,
                          "SELECT 1 FROM chunks_fts WHERE rowid = ? AND chunks_fts MATCH ?");
  const auto has = [&](const Candidate& candidate, const std::string& match) {
    holds.bind(1, candidate.id);
    holds.bind(2, match);
    const bool found = holds.executeStep();
    holds.reset();
    return found;
  };
  const auto all = match_phrases(asked.phrases, " AND ");
  const auto none = match_phrases(asked.excluded, " OR ");
  std::erase_if(candidates, [&](const Candidate& candidate) {
    return (!all.empty() && !has(candidate, all)) || (!none.empty() && has(candidate, none));
  });
}

void SqliteLibrary::rank_by_words(const SearchRequest& request,
                                  const std::vector<std::string>& words, const ParsedQuery& asked,
                                  std::vector<Candidate>& out) {
  const std::lock_guard lock(reader_->mutex);
  const auto telling = telling_words(reader_->db, words, options_.search, common_words_);
  if (telling.empty()) return;
  std::string sql =
      "SELECT id, badness FROM (SELECT rowid AS id, bm25(chunks_fts, ?, ?, 1.0) AS badness "
      "FROM chunks_fts WHERE chunks_fts MATCH ?";
  if (!request.documents.empty()) sql += std::string(" AND rowid") + kInDocuments;
  sql += " LIMIT ?) ORDER BY badness, id LIMIT ?";
  SQLite::Statement rows(reader_->db, sql);
  int next = 0;
  rows.bind(++next, options_.search.title_weight);
  rows.bind(++next, options_.search.heading_weight);
  rows.bind(++next, match_of(telling, asked));
  if (!request.documents.empty()) rows.bind(++next, json_array(request.documents));
  rows.bind(++next, options_.search.max_scored_rows);  // a question of common words only
  // Words of removed documents leave the full text later: until then some rows do not count.
  const bool some_removed = n_removed_ > 0;
  const std::int64_t n = std::max(options_.search.n_candidates, request.limit);
  LiveChunks live(reader_->db);
  std::int64_t limit = some_removed ? 4 * n : n;
  for (bool more = true; more; limit = -1) {
    rows.bind(next + 1, limit);
    out.clear();
    std::int64_t n_rows = 0;
    for (; std::ssize(out) < n && rows.executeStep(); ++n_rows) {
      const ChunkId id = rows.getColumn(0).getInt64();
      if (some_removed && !live.contains(id)) continue;
      Candidate candidate;
      candidate.id = id;
      candidate.bm25 = -rows.getColumn(1).getDouble();  // SQLite's is the smaller the better
      candidate.lexical_rank = static_cast<std::int32_t>(out.size()) + 1;
      out.push_back(candidate);
    }
    rows.reset();
    more = some_removed && n_rows == limit && std::ssize(out) < n;
  }
}

void SqliteLibrary::rank_by_vector(const SearchRequest& request, std::vector<Candidate>& out) {
  std::vector<std::int64_t> allowed;
  if (!request.documents.empty()) {
    const std::lock_guard lock(reader_->mutex);
    SQLite::Statement rows(reader_->db,
                           std::string("SELECT id FROM chunks WHERE id") + kInDocuments);
    rows.bind(1, json_array(request.documents));
    while (rows.executeStep()) allowed.push_back(rows.getColumn(0).getInt64());
  }
  const std::int64_t n = std::max(options_.search.n_candidates, request.limit);
  const std::shared_lock lock(index_mutex_);
  for (Candidate& candidate : out) {
    candidate.has_vector = index_.contains(candidate.id);
    candidate.cosine = static_cast<double>(index_.cosine(candidate.id, request.vector));
  }
  const auto nearest = request.documents.empty() ? index_.search(request.vector, n)
                                                 : index_.search_among(request.vector, n, allowed);
  const std::size_t n_lexical = out.size();
  std::int32_t rank = 0;
  for (const Neighbour& neighbour : nearest) {
    ++rank;
    const auto end = out.begin() + static_cast<std::ptrdiff_t>(n_lexical);
    auto found =
        std::find_if(out.begin(), end, [&](const Candidate& c) { return c.id == neighbour.id; });
    if (found == end) {
      Candidate candidate;
      candidate.id = neighbour.id;
      candidate.cosine = static_cast<double>(neighbour.cosine);
      candidate.has_vector = true;
      candidate.dense_rank = rank;
      out.push_back(candidate);
    } else {
      found->dense_rank = rank;
    }
  }
}

std::vector<SearchHit> SqliteLibrary::load_hits(const std::vector<Candidate>& ranked,
                                                std::int64_t limit) {
  std::vector<SearchHit> hits;
  std::set<Digest> seen;
  std::vector<Shingles> said;
  const std::lock_guard lock(reader_->mutex);
  SQLite::Statement row(reader_->db, std::string(kSelectChunk) + "WHERE c.id = ?");
  for (const Candidate& candidate : ranked) {
    if (std::ssize(hits) == limit) break;
    row.bind(1, candidate.id);
    if (row.executeStep()) {  // not when it was erased since it was found
      SearchHit hit;
      hit.chunk = chunk_of(row);
      hit.path = text_of(row.getColumn(12));
      hit.score = candidate.score;
      hit.cosine = candidate.cosine;
      hit.lexical_rank = candidate.lexical_rank;
      hit.dense_rank = candidate.dense_rank;
      if (seen.insert(hit.chunk.content).second && says_more(hit.chunk.chunk.text, said)) {
        hits.push_back(std::move(hit));
      }
    }
    row.reset();
  }
  return hits;
}

}  // namespace kvlink::retrieval
