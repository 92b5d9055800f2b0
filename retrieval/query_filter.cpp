// SPDX-License-Identifier: Apache-2.0
#include "retrieval/query_filter.h"

#include <algorithm>
#include <cctype>

#include "retrieval/text_blocks.h"

namespace kvlink::retrieval {
namespace {

constexpr std::size_t kMaxFilters = 32;  // of each kind

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

class QueryReader {
 public:
  explicit QueryReader(std::string_view text) : text_(text) {}

  ParsedQuery run() {
    while (pos_ < text_.size()) {
      if (is_space(text_[pos_])) {
        query_.text += text_[pos_++];
      } else if (!read_filter()) {
        copy_word();
      }
    }
    const std::size_t first = query_.text.find_first_not_of(" \t\n\r");
    query_.text.erase(0, std::min(first, query_.text.size()));
    query_.text.erase(query_.text.find_last_not_of(" \t\n\r") + 1);
    return std::move(query_);
  }

 private:
  std::string_view rest() const { return text_.substr(pos_); }

  bool read_filter() {
    const std::string head = lower_ascii(rest().substr(0, 5));
    if (head.starts_with("type:")) return read_value(5, query_.types);
    if (head.starts_with("in:")) return read_value(3, query_.folders);
    if (rest().starts_with('"')) return read_phrase();
    const bool letter =
        rest().size() > 1 &&
        (std::isalpha(static_cast<unsigned char>(rest()[1])) != 0 || (rest()[1] & 0x80) != 0);
    if (rest().starts_with('-') && letter) return read_value(1, query_.excluded);
    return false;
  }

  /// The value behind `skip` bytes: quoted, or up to the next space.
  bool read_value(std::size_t skip, std::vector<std::string>& values) {
    std::size_t begin = pos_ + skip;
    std::size_t end = begin;
    std::size_t next = 0;
    if (begin < text_.size() && text_[begin] == '"') {
      end = text_.find('"', ++begin);
      if (end == text_.npos) return false;
      next = end + 1;
    } else {
      while (end < text_.size() && !is_space(text_[end])) ++end;
      next = end;
    }
    if (end == begin || values.size() == kMaxFilters) return false;
    values.push_back(lower_ascii(text_.substr(begin, end - begin)));
    pos_ = next;
    return true;
  }

  bool read_phrase() {
    const std::size_t end = text_.find('"', pos_ + 1);
    if (end == text_.npos || end == pos_ + 1 || query_.phrases.size() == kMaxFilters) return false;
    query_.phrases.emplace_back(text_.substr(pos_ + 1, end - pos_ - 1));
    query_.text += query_.phrases.back();
    pos_ = end + 1;
    return true;
  }

  void copy_word() {
    while (pos_ < text_.size() && !is_space(text_[pos_])) query_.text += text_[pos_++];
  }

  std::string_view text_;
  std::size_t pos_ = 0;
  ParsedQuery query_;
};

bool has_type(std::string_view path, std::string_view media_type, std::string_view type) {
  const std::string suffix = lower_suffix(path);
  const std::string_view wanted = type.starts_with('.') ? type.substr(1) : type;
  return (!suffix.empty() && std::string_view(suffix).substr(1) == wanted) ||
         lower_ascii(media_type).find(type) != std::string::npos;
}

/// A folder's name anywhere above the file, or a path that the file lies under.
bool lies_in(std::string_view path, std::string_view folder) {
  const std::string lower = lower_ascii(path);
  while (folder.ends_with('/')) folder.remove_suffix(1);
  if (folder.starts_with('/')) return lower.starts_with(std::string(folder) + "/");
  return lower.find("/" + std::string(folder) + "/") != std::string::npos;
}

}  // namespace

ParsedQuery parse_query(std::string_view text) { return QueryReader(text).run(); }

std::string plain_question(std::string_view text) {
  std::string plain = parse_query(text).text;
  return plain.empty() ? std::string(text) : plain;
}

std::string question_to_embed(std::string_view text) {
  constexpr std::string_view kFullWidth = "\xEF\xBC\x9F";  // of Chinese and Japanese
  std::string question = plain_question(text);
  const std::size_t last = question.find_last_not_of(" \t\r\n.?!");
  if (last == question.npos) return question;
  question.resize(last + 1);
  return question.ends_with(kFullWidth) ? question : question + "?";
}

bool passes(const ParsedQuery& query, std::string_view path, std::string_view media_type) {
  const auto any = [](const auto& values, auto&& is) {
    return values.empty() || std::any_of(values.begin(), values.end(), is);
  };
  return any(query.types, [&](const auto& type) { return has_type(path, media_type, type); }) &&
         any(query.folders, [&](const auto& folder) { return lies_in(path, folder); });
}

}  // namespace kvlink::retrieval
