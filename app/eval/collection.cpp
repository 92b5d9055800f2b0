// SPDX-License-Identifier: Apache-2.0
#include "app/eval/collection.h"

#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/eval/gzip_lines.h"
#include "app/eval/json_record.h"
#include "app/eval/questions.h"
#include "kernels/base/result.h"

namespace kvlink::app {
namespace {

/// Cleverdon's scale: 1 a complete answer … 4 of minimum interest, 5 none. The file gives one
/// passage of each query the grade -1, which is no part of the scale; those passages are relevant.
constexpr std::int64_t kOfNoInterest = 5;

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

/// Records of ".I id", then fields ".T", ".W" and others; the lines of a field joined by spaces.
struct SmartRecord {
  std::string id;
  std::string title;
  std::string text;
};

std::vector<SmartRecord> read_smart(const std::filesystem::path& file) {
  std::vector<SmartRecord> records;
  GzipLines lines(file);
  std::string* field = nullptr;
  while (const auto line = lines.next()) {
    if (line->starts_with(".I ")) {
      records.push_back({std::string(line->substr(3)), "", ""});
      field = nullptr;
    } else if (records.empty()) {
      if (!is_blank(*line)) fail(ErrorCode::kCorrupt, lines.place() + ": \".I\" is missing.");
    } else if (line->size() == 2 && line->front() == '.') {
      field = *line == ".T"   ? &records.back().title
              : *line == ".W" ? &records.back().text
                              : nullptr;
    } else if (field != nullptr) {
      *field += (field->empty() ? "" : " ") + std::string(*line);
    }
  }
  return records;
}

CorpusPassage passage_of(const SmartRecord& record) {
  // The abstract begins with the title once more.
  const bool repeated = !record.title.empty() && record.text.starts_with(record.title);
  std::string text = repeated ? record.text.substr(record.title.size()) : record.text;
  if (is_blank(text)) text = record.title.empty() ? "(empty)" : record.title;
  return {record.id, record.title, std::move(text)};
}

std::optional<std::int64_t> next_number(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  std::int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  return value;
}

void read_judgements(const std::filesystem::path& file, std::vector<CorpusQuery>& queries) {
  GzipLines lines(file);
  while (auto line = lines.next()) {
    if (is_blank(*line)) continue;
    const auto query = next_number(*line);
    const auto passage = next_number(*line);
    const auto grade = next_number(*line);
    const auto n_queries = static_cast<std::int64_t>(queries.size());
    if (!query || !passage || !grade || *query < 1 || *query > n_queries) {
      fail(ErrorCode::kCorrupt, lines.place() + ": query, passage and grade are needed.");
    }
    if (*grade == kOfNoInterest) continue;
    queries[static_cast<std::size_t>(*query - 1)].relevant.insert(std::to_string(*passage));
  }
}

void require_both(const Collection& collection, const std::string& where) {
  if (!collection.passages.empty() && !collection.queries.empty()) return;
  fail(ErrorCode::kInvalidInput,
       "There is no " + std::string(collection.passages.empty() ? "passage" : "query") + " in " +
           where + ".");
}

void read_corpus(const std::filesystem::path& file, Collection& collection) {
  std::set<std::string> ids;
  GzipLines lines(file);
  while (const auto line = lines.next()) {
    if (is_blank(*line)) continue;
    const std::string place = lines.place();
    const auto record = parse_record(*line, place);
    collection.passages.push_back({text_field(record, "id", place),
                                   optional_text(record, "title", place),
                                   text_field(record, "text", place)});
    const auto& passage = collection.passages.back();
    if (passage.id.empty() || !ids.insert(passage.id).second) {
      fail(ErrorCode::kCorrupt,
           place + ": the id \"" + passage.id + "\" is empty or occurs twice.");
    }
  }
}

}  // namespace

Collection read_collection(const std::filesystem::path& corpus,
                           const std::filesystem::path& queries) {
  Collection collection;
  read_corpus(corpus, collection);
  GzipLines lines(queries);
  while (const auto line = lines.next()) {
    if (is_blank(*line)) continue;
    const std::string place = lines.place();
    const auto record = parse_record(*line, place);
    const auto relevant = texts_field(record, "relevant", place);
    collection.queries.push_back({text_field(record, "question", place),
                                  {relevant.begin(), relevant.end()},
                                  texts_field(record, "answers", place)});
  }
  require_both(collection, corpus.string() + " and " + queries.string());
  return collection;
}

Collection read_cranfield(const std::filesystem::path& folder) {
  Collection collection;
  for (const auto& record : read_smart(folder / "cran.all.1400")) {
    collection.passages.push_back(passage_of(record));
  }
  for (const auto& record : read_smart(folder / "cran.qry")) {
    collection.queries.push_back({record.text, {}, {}});
  }
  require_both(collection, folder.string());
  read_judgements(folder / "cranqrel", collection.queries);
  return collection;
}

std::int64_t join_answers(Collection& collection, const std::filesystem::path& questions) {
  std::map<std::string, std::vector<std::string>> answers;
  for (auto& question : read_questions(questions, 0)) {
    answers[question.question] = std::move(question.answers);
  }
  std::int64_t n_joined = 0;
  for (auto& query : collection.queries) {
    const auto found = answers.find(query.text);
    if (found == answers.end()) continue;
    query.answers = found->second;
    ++n_joined;
  }
  return n_joined;
}

}  // namespace kvlink::app
