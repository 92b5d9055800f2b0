// SPDX-License-Identifier: Apache-2.0
// What a question says beside its words: type:pdf in:folder "an exact phrase" -word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kvlink::retrieval {

struct ParsedQuery {
  std::string text;                   ///< without the filters; phrases stay, without their quotes
  std::vector<std::string> phrases;   ///< must stand in the passage, whatever their case
  std::vector<std::string> excluded;  ///< words that must not
  std::vector<std::string> types;     ///< any of them: suffixes ("pdf") or parts of a media type
  std::vector<std::string> folders;   ///< any of them: names or paths of folders above the file

  bool has_document_filter() const { return !types.empty() || !folders.empty(); }
  bool has_word_filter() const { return !phrases.empty() || !excluded.empty(); }
};

/// Filters stand at the beginning or behind a space; values with spaces are quoted (in:"My notes").
/// A hyphen excludes only in front of a letter: "5 -3" and "well-known" are words. A quote that is
/// not closed is a word like others. Linear.
ParsedQuery parse_query(std::string_view text);

/// The question without its filters, for the models; the whole when nothing else is in it.
std::string plain_question(std::string_view text);
/// The same for the embedder, with a question mark for its end: embedders learned from questions as
/// they are printed, and people type them without.
std::string question_to_embed(std::string_view text);

/// Whether a document at `path` of `media_type` passes the types and folders asked for.
bool passes(const ParsedQuery& query, std::string_view path, std::string_view media_type);

}  // namespace kvlink::retrieval
