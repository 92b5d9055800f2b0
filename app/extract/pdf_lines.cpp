// SPDX-License-Identifier: Apache-2.0
#include "app/extract/pdf_lines.h"

#include <QPolygonF>
#include <algorithm>
#include <cmath>
#include <ctime>
#include <utility>

namespace kvlink::extract {
namespace {

constexpr int kMaxQuestions = 10'000;
constexpr double kMaxSeconds = 8;  // of 20 that the shortest document has
constexpr std::size_t kMaxRects = 2'000;
constexpr std::size_t kMaxLines = 600;
constexpr qsizetype kMaxUnwritten = 16;
constexpr QChar kDivides(0xFFFE);

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Empty where a number is not finite.
std::vector<PageRect> rects_of(const QPdfSelection& selection) {
  std::vector<PageRect> rects;
  for (const QPolygonF& polygon : selection.bounds()) {
    const QRectF box = polygon.boundingRect();
    const PageRect rect{float(box.left()), float(box.top()), float(box.right()),
                        float(box.bottom())};
    if (!std::isfinite(rect.left + rect.top + rect.right + rect.bottom)) return {};
    rects.push_back(rect);
  }
  return rects;
}

bool at_one_height(const PageRect& a, const PageRect& b) {
  return std::min(a.bottom, b.bottom) - std::max(a.top, b.top) >
         0.5F * std::min(a.height(), b.height());
}

/// Whether something was drawn well above what was drawn before it, or several times beside it with
/// a wide gap.
bool needs_places(const std::vector<PageRect>& rects) {
  int n_gaps = 0;
  for (std::size_t i = 1; i < rects.size(); ++i) {
    const PageRect& rect = rects[i];
    const PageRect& last = rects[i - 1];
    n_gaps += at_one_height(last, rect) &&
              rect.left - last.right > wide_gap(std::max(last.height(), rect.height()));
    if (n_gaps > 1) return true;
    for (std::size_t before = 0; before < i; ++before) {
      const PageRect& other = rects[before];
      if (rect.bottom < other.top - 3 * rect.height() && rect.left < other.right &&
          other.left < rect.right) {
        return true;
      }
    }
  }
  return false;
}

/// The rectangles of one line as its cells, from left to right.
std::vector<PageRect> cells_of(std::vector<PageRect> rects) {
  float height = 0;
  for (const auto& rect : rects) height = std::max(height, rect.height());
  std::sort(rects.begin(), rects.end(),
            [](const PageRect& a, const PageRect& b) { return a.left < b.left; });
  std::vector<PageRect> cells;
  for (const auto& rect : rects) {
    if (!cells.empty() && rect.left - cells.back().right <= wide_gap(height)) {
      cells.back().unite(rect);
    } else {
      cells.push_back(rect);
    }
  }
  return cells;
}

/// Lines stand on the page, run from left to right and, on the whole, follow each other downwards:
/// not so on pages that are turned, of which Qt tells places as if they were not.
bool is_upright(const std::vector<PlacedLine>& lines, QSizeF page) {
  int n_flat = 0, n_tall = 0, n_down = 0, n_up = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const PageRect place = lines[i].place();
    if (place.left < -1 || place.top < -1 || double(place.right) > page.width() + 1 ||
        double(place.bottom) > page.height() + 1) {
      return false;
    }
    if (lines[i].cells.front().text.size() >= 6)
      (place.width() > place.height() ? n_flat : n_tall)++;
    if (i > 0) (place.top >= lines[i - 1].place().top ? n_down : n_up)++;
  }
  return n_flat >= n_tall && n_down >= n_up;
}

}  // namespace

struct PdfLines::Piece {
  std::string text;
  std::vector<PageRect> rects;
};

bool PdfLines::may_ask() { return n_asked_ < kMaxQuestions && seconds_ < kMaxSeconds; }

/// The words from `first` on. Characters that the page has and its text has not stand between the
/// one number and the other.
std::optional<PdfLines::Piece> PdfLines::select(int page, const QString& text, qsizetype first,
                                                qsizetype length) {
  const QString wanted = text.mid(first, length);
  for (qsizetype more = 0; more <= kMaxUnwritten && may_ask(); ++more) {
    const double begin = processor_seconds();
    const auto selection =
        document_.getSelectionAtIndex(page, int(first + n_unwritten_ + more), int(length));
    seconds_ += processor_seconds() - begin;
    ++n_asked_;
    if (selection.text() != wanted) continue;
    n_unwritten_ += more;
    auto rects = rects_of(selection);
    if (rects.empty()) return std::nullopt;
    return Piece{wanted.toStdString(), std::move(rects)};
  }
  return std::nullopt;
}

std::optional<PlacedLine> PdfLines::cells(int page, const QString& text, qsizetype first,
                                          qsizetype length, const std::vector<PageRect>& places) {
  PlacedLine made;
  for (const auto& place : places) made.cells.push_back({{}, place});
  const auto add = [&](std::size_t cell, const QString& word) {
    auto& into = made.cells[cell].text;
    into += (into.empty() ? "" : " ") + word.toStdString();
  };
  const auto words = text.mid(first, length).split(' ', Qt::SkipEmptyParts);
  if (static_cast<std::size_t>(words.size()) == places.size()) {
    for (std::size_t i = 0; i < places.size(); ++i) add(i, words[qsizetype(i)]);
    return made;
  }
  qsizetype at = first;
  for (const QString& word : words) {
    at = text.indexOf(word, at);
    const auto piece = select(page, text, at, word.size());
    if (!piece) return std::nullopt;
    PageRect place = piece->rects.front();
    for (const auto& rect : piece->rects) place.unite(rect);
    const float middle = (place.left + place.right) / 2;
    std::size_t cell = 0;
    while (cell + 1 < places.size() && middle > places[cell].right) ++cell;
    add(cell, word);
    at += word.size();
  }
  std::erase_if(made.cells, [](const PlacedText& cell) { return cell.text.empty(); });
  return made;
}

std::optional<PlacedLine> PdfLines::line(int page, const QString& text, qsizetype first,
                                         qsizetype length) {
  const auto piece = select(page, text, first, length);
  if (!piece) return std::nullopt;
  const auto places = cells_of(piece->rects);
  if (places.size() == 1) return PlacedLine{{{piece->text, places.front()}}, false};
  return cells(page, text, first, length, places);
}

std::optional<std::vector<PlacedLine>> PdfLines::read(int page, const QPdfSelection& whole) {
  const auto rects = rects_of(whole);
  if (rects.size() > kMaxRects || !needs_places(rects)) return std::nullopt;
  const QString text = whole.text();
  n_unwritten_ = 0;
  std::vector<PlacedLine> lines;
  for (qsizetype begin = 0; begin < text.size();) {
    qsizetype end = begin;
    while (end < text.size() && text[end] != '\n' && text[end] != kDivides) ++end;
    qsizetype first = begin, last = end;
    while (first < last && text[first].isSpace()) ++first;
    while (last > first && text[last - 1].isSpace()) --last;
    if (last > first) {
      auto placed = line(page, text, first, last - first);
      if (!placed || placed->cells.empty() || lines.size() == kMaxLines) return std::nullopt;
      placed->is_divided = end < text.size() && text[end] == kDivides;
      lines.push_back(std::move(*placed));
    }
    begin = end + 1;
  }
  if (!is_upright(lines, document_.pagePointSize(page))) return std::nullopt;
  return lines;
}

}  // namespace kvlink::extract
