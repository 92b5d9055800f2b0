// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "app/extract/record_readers.h"
#include "app/extract/serve.h"

namespace kvlink::extract {
namespace {

using nlohmann::json;
using retrieval::ReadProblem;

constexpr std::size_t kMaxDepth = 200;

/// Writes values as they come: nothing of the tree is kept.
class OutlineWriter final : public nlohmann::json_sax<json> {
 public:
  explicit OutlineWriter(DocumentBuilder& out) : out_(out) {}

  bool null() override { return value("null"); }
  bool boolean(bool v) override { return value(v ? "true" : "false"); }
  bool number_integer(number_integer_t v) override { return value(std::to_string(v)); }
  bool number_unsigned(number_unsigned_t v) override { return value(std::to_string(v)); }
  bool number_float(number_float_t, const string_t& digits) override { return value(digits); }
  bool string(string_t& text) override { return value(text); }
  bool binary(binary_t&) override { return true; }

  bool start_object(std::size_t) override { return open('{'); }
  bool start_array(std::size_t) override { return open('['); }
  bool key(string_t& name) override {
    name_ = name;
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string&, const json::exception&) override {
    throw Unreadable(ReadProblem::kDamaged,
                     "it is not JSON from byte " + std::to_string(position) + " on");
  }

  void flush() {
    out_.code(text_);
    text_.clear();
  }

 private:
  std::string indent() const {
    return std::string(2 * (depth_ > record_depth_ ? depth_ - record_depth_ : 0), ' ');
  }

  bool value(const std::string& said) {
    text_ += indent();
    if (!name_.empty()) text_ += name_ + ": ";
    text_ += said + '\n';
    name_.clear();
    return true;
  }

  bool open(char bracket) {
    if (kinds_.size() >= kMaxDepth) {
      throw Unreadable(ReadProblem::kDamaged, "its JSON is nested more than 200 levels deep");
    }
    // A record of a list begins a block of its own.
    const bool record = bracket == '{' && (kinds_.empty() || kinds_.back() == '[');
    if (record && kinds_.size() <= 3) {
      flush();
      record_depth_ = depth_;
    }
    if (!name_.empty()) {
      text_ += indent() + name_ + ":\n";
      ++depth_;
    }
    named_.push_back(!name_.empty());
    name_.clear();
    kinds_ += bracket;
    return true;
  }

  bool close() {
    kinds_.pop_back();
    if (named_.back()) --depth_;
    named_.pop_back();
    return true;
  }

  DocumentBuilder& out_;
  std::string text_;
  std::string name_;
  std::string kinds_;        // brackets that are open
  std::vector<bool> named_;  // whether each of them stands under a name
  std::size_t depth_ = 0;
  std::size_t record_depth_ = 0;
};

}  // namespace

void read_json(std::string_view text, DocumentBuilder& out) {
  OutlineWriter writer(out);
  json::sax_parse(text.begin(), text.end(), &writer);
  writer.flush();
}

void read_json_lines(std::string_view text, DocumentBuilder& out) {
  std::int64_t n_bad = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    try {
      read_json(line, out);
    } catch (const Unreadable&) {
      out.code(line);
      ++n_bad;
    }
  }
  if (n_bad > 0) out.note(std::to_string(n_bad) + " lines are not JSON and were taken as text");
}

namespace {

/// Text of a notebook's field: a string or a list of strings.
std::string text_of(const json& owner, const char* name) {
  const auto found = owner.find(name);
  if (found == owner.end()) return "";
  if (found->is_string()) return found->get<std::string>();
  std::string text;
  if (found->is_array()) {
    for (const auto& line : *found) {
      if (line.is_string()) text += line.get<std::string>();
    }
  }
  return text;
}

void add_outputs(const json& cell, DocumentBuilder& out) {
  const auto outputs = cell.find("outputs");
  if (outputs == cell.end() || !outputs->is_array()) return;
  for (const auto& output : *outputs) {
    if (!output.is_object()) continue;
    out.code(text_of(output, "text"));
    const auto data = output.find("data");
    if (data != output.end() && data->is_object()) out.code(text_of(*data, "text/plain"));
  }
}

}  // namespace

void read_notebook(std::string_view text, DocumentBuilder& out) {
  // Copies and destructors of nested values recurse: deeper ones are cut while parsing.
  const auto shallow = [](int depth, json::parse_event_t event, json&) {
    return depth < 12 || (event != json::parse_event_t::object_start &&
                          event != json::parse_event_t::array_start);
  };
  const json notebook = json::parse(text.begin(), text.end(), shallow, false);
  if (!notebook.is_object() || !notebook.contains("cells") || !notebook["cells"].is_array()) {
    throw Unreadable(ReadProblem::kDamaged, "it is not a notebook");
  }
  const auto metadata = notebook.find("metadata");
  if (metadata != notebook.end() && metadata->is_object())
    out.set_title(text_of(*metadata, "title"));
  std::int64_t number = 0;
  for (const auto& cell : notebook["cells"]) {
    if (!cell.is_object()) continue;
    out.set_place({PlaceKind::kCell, ++number, {}});
    const std::string source = text_of(cell, "source");
    if (source.find_first_not_of(" \t\r\n") == source.npos) continue;
    if (text_of(cell, "cell_type") == "markdown") {
      auto parsed = returning([&] { return retrieval::parse_document("cell.md", source); });
      if (parsed) out.append(std::move(parsed->blocks));
    } else {
      out.code(source);
      add_outputs(cell, out);
    }
  }
}

}  // namespace kvlink::extract
