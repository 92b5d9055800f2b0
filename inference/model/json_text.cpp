// SPDX-License-Identifier: Apache-2.0
#include "inference/model/json_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

constexpr int kMaxDepth = 64;

/// Deepest nesting of brackets outside strings; meaningful for valid JSON, an upper bound for the
/// rest up to where a parser would stop.
int nesting_depth(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

[[noreturn]] void wrong(const std::string& source, const char* key, const std::string& wanted) {
  fail(ErrorCode::kCorrupt, source + ": \"" + key + "\" is not " + wanted);
}

bool is_absent(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null();
}

}  // namespace

nlohmann::json parse_json_object(std::string_view text, const std::string& source) {
  if (nesting_depth(text) > kMaxDepth) {
    fail(ErrorCode::kCorrupt, source + ": nested too deeply");
  }
  nlohmann::json tree = nlohmann::json::parse(text, nullptr, false);
  if (!tree.is_object()) fail(ErrorCode::kCorrupt, source + " is not a JSON object");
  return tree;
}

std::int32_t json_count(const nlohmann::json& object, const char* key, std::uint64_t max,
                        const std::string& source, std::optional<std::int32_t> fallback) {
  if (is_absent(object, key)) {
    if (!fallback) fail(ErrorCode::kCorrupt, source + ": \"" + key + "\" is missing");
    return *fallback;
  }
  const nlohmann::json& value = object[key];
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() == 0 ||
      value.get<std::uint64_t>() > max) {
    wrong(source, key, "a whole number from 1 to " + std::to_string(max));
  }
  return static_cast<std::int32_t>(value.get<std::uint64_t>());
}

double json_real(const nlohmann::json& object, const char* key, double fallback, double min,
                 double max, const std::string& source) {
  if (is_absent(object, key)) return fallback;
  const nlohmann::json& value = object[key];
  if (!value.is_number()) wrong(source, key, "a number");
  const double number = value.get<double>();
  if (!(number >= min && number <= max)) wrong(source, key, "in its range");
  return number;
}

std::string json_text(const nlohmann::json& object, const char* key, std::string fallback) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : fallback;
}

bool json_flag(const nlohmann::json& object, const char* key, bool fallback) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() ? found->get<bool>() : fallback;
}

}  // namespace kvlink::inference
