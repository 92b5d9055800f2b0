// SPDX-License-Identifier: Apache-2.0
#include "app/eval/questions.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/eval/gzip_lines.h"
#include "app/eval/json_record.h"
#include "app/words.h"
#include "kernels/base/result.h"

namespace kvlink::app {
namespace {

using nlohmann::json;

EvalDocument document_of(const json& record, const std::string& place) {
  if (!record.is_object()) fail(ErrorCode::kCorrupt, place + ": \"docs\" must hold objects.");
  EvalDocument document;
  document.title = optional_text(record, "title", place);
  document.text = text_field(record, "text", place);
  document.gold = record.contains("gold") && record.at("gold") == true;
  return document;
}

EvalQuestion question_of(const json& record, const std::string& place) {
  EvalQuestion question;
  question.id = optional_text(record, "id", place);
  question.question = optional_text(record, "question", place);
  question.answers = texts_field(record, "answers", place);
  if (question.answers.empty()) question.answers = texts_field(record, "summary", place);
  const auto documents = record.find("docs");
  if (documents == record.end()) return question;
  if (!documents->is_array()) fail(ErrorCode::kCorrupt, place + ": \"docs\" must be a list.");
  for (const auto& item : *documents) question.documents.push_back(document_of(item, place));
  return question;
}

}  // namespace

const EvalDocument& EvalQuestion::gold() const {
  if (documents.size() == 1) return documents.front();
  const auto found =
      std::find_if(documents.begin(), documents.end(), [](const auto& d) { return d.gold; });
  if (found == documents.end()) {
    fail(ErrorCode::kInvalidInput, "Question " + id + " has no passage that is marked gold.");
  }
  return *found;
}

std::vector<EvalQuestion> read_questions(const std::filesystem::path& file, std::int64_t limit) {
  std::vector<EvalQuestion> questions;
  GzipLines lines(file);
  while (limit == 0 || static_cast<std::int64_t>(questions.size()) < limit) {
    const auto line = lines.next();
    if (!line) break;
    if (line->find_first_not_of(" \t") == std::string_view::npos) continue;
    const std::string place = lines.place();
    questions.push_back(question_of(parse_record(*line, place), place));
    if (questions.back().id.empty())
      questions.back().id = "of line " + std::to_string(lines.number());
  }
  if (questions.empty()) {
    fail(ErrorCode::kInvalidInput, file.string() + " holds no question; JSON lines are needed.");
  }
  return questions;
}

std::vector<const EvalDocument*> choose_passages(const EvalQuestion& question, std::int64_t n,
                                                 std::int64_t gold_at) {
  if (n <= 0) return {};
  if (n > static_cast<std::int64_t>(question.documents.size()) || gold_at < 0 || gold_at >= n) {
    fail(ErrorCode::kInvalidInput,
         "Question " + question.id + " has " +
             counted(static_cast<std::int64_t>(question.documents.size()), "passage") +
             "; it cannot be asked with " + std::to_string(n) + " and the gold one at place " +
             std::to_string(gold_at) + " (counted from 0).");
  }
  const EvalDocument* gold = &question.gold();
  std::vector<const EvalDocument*> chosen;
  for (const auto& document : question.documents) {
    if (static_cast<std::int64_t>(chosen.size()) + 1 == n) break;
    if (&document != gold) chosen.push_back(&document);
  }
  chosen.insert(chosen.begin() + gold_at, gold);
  return chosen;
}

}  // namespace kvlink::app
