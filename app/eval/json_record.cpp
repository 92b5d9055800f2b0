// SPDX-License-Identifier: Apache-2.0
#include "app/eval/json_record.h"

#include <nlohmann/json.hpp>

#include "kernels/base/result.h"

namespace kvlink::app {
namespace {

using nlohmann::json;
constexpr int kMaxDepth = 16;

}  // namespace

json parse_record(std::string_view line, const std::string& place) {
  const auto limit_depth = [&](int depth, json::parse_event_t, json&) {
    if (depth > kMaxDepth) fail(ErrorCode::kCorrupt, place + ": nested too deeply.");
    return true;
  };
  try {
    json record = json::parse(line, limit_depth);
    if (record.is_object()) return record;
  } catch (const json::exception& e) {
    fail(ErrorCode::kCorrupt, place + ": not JSON (" + e.what() + ").");
  }
  fail(ErrorCode::kCorrupt, place + ": a JSON object is needed on every line.");
}

std::string text_field(const json& record, const char* name, const std::string& place) {
  const auto it = record.find(name);
  if (it == record.end() || !it->is_string()) {
    fail(ErrorCode::kCorrupt, place + ": the field \"" + name + "\" with a text is missing.");
  }
  return it->get<std::string>();
}

std::string optional_text(const json& record, const char* name, const std::string& place) {
  return record.contains(name) ? text_field(record, name, place) : std::string();
}

std::vector<std::string> texts_field(const json& record, const char* name,
                                     const std::string& place) {
  const auto it = record.find(name);
  if (it == record.end()) return {};
  if (it->is_string()) return {it->get<std::string>()};
  std::vector<std::string> texts;
  for (const auto& item : *it) {
    if (!it->is_array() || !item.is_string()) {
      fail(ErrorCode::kCorrupt, place + ": \"" + name + "\" must be a list of texts.");
    }
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

}  // namespace kvlink::app
