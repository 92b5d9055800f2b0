// SPDX-License-Identifier: Apache-2.0
// Where the lines of a PDF page stand, for pages whose text needs more than the order of drawing.
#pragma once

#include <QPdfDocument>
#include <QPdfSelection>
#include <optional>
#include <vector>

#include "app/extract/pdf_layout.h"

namespace kvlink::extract {

/// Asks Qt PDF where words stand. Each question reads the page again (1 to 5 ms), so that there are
/// only so many for a document.
class PdfLines {
 public:
  explicit PdfLines(QPdfDocument& document) : document_(document) {}

  /// Lines of the page with their places, as they were drawn; nothing where that order will do (one
  /// line below the other, no wide gaps), on a turned page, and when the questions are used up.
  /// `whole`: all text of the page.
  std::optional<std::vector<PlacedLine>> read(int page, const QPdfSelection& whole);

 private:
  struct Piece;
  std::optional<Piece> select(int page, const QString& text, qsizetype first, qsizetype length);
  std::optional<PlacedLine> line(int page, const QString& text, qsizetype first, qsizetype length);
  std::optional<PlacedLine> cells(int page, const QString& text, qsizetype first, qsizetype length,
                                  const std::vector<PageRect>& places);
  bool may_ask();

  QPdfDocument& document_;
  int n_asked_ = 0;
  double seconds_ = 0;         // of the processor, spent on questions
  qsizetype n_unwritten_ = 0;  // characters of the page before this one that are not in its text
};

}  // namespace kvlink::extract
