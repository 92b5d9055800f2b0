// SPDX-License-Identifier: Apache-2.0
#include "app/cli/json.h"

#include "app/place_words.h"

namespace kvlink::app {

using nlohmann::json;

std::string to_text(const json& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace);
}

json json_of(const retrieval::Document& document) {
  const bool failed = document.state == retrieval::DocumentState::kFailed;
  return {{"id", document.id},
          {"path", document.path},
          {"title", document.title},
          {"media_type", document.media_type},
          {"state", failed ? "failed" : "searchable"},
          {"problem", document.problem},
          {"offline", document.offline},
          {"bytes", document.file_bytes},
          {"chunks", document.n_chunks},
          {"tokens", document.n_tokens}};
}

json json_of(const retrieval::StoredChunk& chunk, const std::string& path, double score) {
  return {{"chunk", chunk.id},
          {"document", chunk.document},
          {"path", path},
          {"title", chunk.title},
          {"heading", chunk.chunk.heading},
          {"line_begin", chunk.chunk.anchor.line_begin},
          {"line_end", chunk.chunk.anchor.line_end},
          {"place", place_in_words(chunk.chunk.anchor)},
          {"tokens", chunk.chunk.n_tokens},
          {"score", score},
          {"text", chunk.chunk.text}};
}

json json_of(const FileProblem& problem) {
  return {
      {"path", problem.path}, {"code", error_code_name(problem.code)}, {"reason", problem.reason}};
}

json json_of(const EncodeReport& report) {
  return {{"blocks_encoded", report.n_encoded}, {"blocks_found", report.n_found},
          {"blocks_left", report.n_left},       {"tokens_encoded", report.n_tokens_encoded},
          {"seconds", report.seconds},          {"stopped_because", report.stopped_because}};
}

namespace {

json rows_of(const std::vector<Source>& sources) {
  json rows = json::array();
  for (const auto& source : sources) {
    json row = json_of(source.chunk, source.path, source.score);
    row["number"] = source.number;
    row["in_context"] = source.in_context;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

json json_of(const Answer& answer) {
  json misses = json::array();
  for (const auto& miss : answer.reading.misses) {
    misses.push_back({{"chunk", miss.chunk},
                      {"reason", cache::miss_reason_name(miss.reason)},
                      {"detail", miss.detail}});
  }
  const ReadReport& reading = answer.reading;
  return {{"answer", answer.text},
          {"end", answer_end_name(answer.end)},
          {"mode", inference::link_mode_name(answer.mode)},
          {"sources", rows_of(answer.sources)},
          {"nearest", rows_of(answer.nearest)},
          {"document_tokens", reading.n_document_tokens},
          {"document_tokens_reused", reading.n_document_tokens_reused},
          {"document_tokens_encoded", reading.n_document_tokens_encoded},
          {"document_tokens_prefilled", reading.n_document_tokens_prefilled},
          {"tokens_prefilled", reading.n_prefilled_tokens},
          {"link_tokens", reading.n_link_tokens},
          {"selection_tokens", reading.n_selection_tokens},
          {"history_tokens", answer.n_history_tokens},
          {"answer_tokens", answer.n_tokens},
          {"blocks_from_memory", reading.n_blocks_from_memory},
          {"blocks_from_disk", reading.n_blocks_from_disk},
          {"misses", std::move(misses)},
          {"timeline", json::parse(answer.timeline.to_json())},
          {"notices", answer.notices}};
}

}  // namespace kvlink::app
