// SPDX-License-Identifier: Apache-2.0
#include "app/place_words.h"

#include <cstdio>

namespace kvlink::app {
namespace {

std::string range(const char* noun, std::int64_t begin, std::int64_t end) {
  if (end <= begin) return std::string(noun) + " " + std::to_string(begin);
  return std::string(noun) + "s " + std::to_string(begin) + "-" + std::to_string(end);
}

std::string moment(std::int64_t seconds) {
  char text[40];
  std::snprintf(text, sizeof(text), "at %lld:%02lld:%02lld", static_cast<long long>(seconds / 3600),
                static_cast<long long>(seconds / 60 % 60), static_cast<long long>(seconds % 60));
  return text;
}

}  // namespace

std::string place_in_words(const retrieval::Anchor& anchor) {
  using retrieval::PlaceKind;
  const auto places = [&](const char* noun) {
    return range(noun, anchor.place_begin, anchor.place_end);
  };
  switch (anchor.place) {
    case PlaceKind::kLine:
      return range("line", anchor.line_begin, anchor.line_end);
    case PlaceKind::kParagraph:
      return places("paragraph");
    case PlaceKind::kPage:
      return places("page");
    case PlaceKind::kSlide:
      return places("slide");
    case PlaceKind::kSheet:
      return "sheet " + anchor.place_label + ", " +
             range("row", anchor.line_begin, anchor.line_end);
    case PlaceKind::kChapter:
      return places("chapter");
    case PlaceKind::kMessage:
      return places("message");
    case PlaceKind::kCell:
      return places("cell");
    case PlaceKind::kMoment:
      return moment(anchor.place_begin);
    case PlaceKind::kMember:
      return anchor.place_label;
  }
  return "";
}

}  // namespace kvlink::app
