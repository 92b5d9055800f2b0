// SPDX-License-Identifier: Apache-2.0
#include "app/desk/document_page.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "app/file_bytes.h"

namespace kvlink::desk {
namespace {

constexpr int kMinWidth = 200;
constexpr int kMaxWidth = 4000;

void check_wanted(const std::stop_token& stop) {
  if (stop.stop_requested()) fail(ErrorCode::kCancelled, "Drawing the page was stopped.");
}

retrieval::Document document_of(app::Session& session, DocumentId id) {
  for (auto& document : value_or_throw(session.library().documents())) {
    if (document.id == id) return std::move(document);
  }
  fail(ErrorCode::kNotFound, "This document is no longer in the library.");
}

/// The bytes that were indexed.
std::string bytes_of(app::Session& session, const retrieval::Document& document,
                     const std::stop_token& stop) {
  auto read = app::read_file(document.path, session.settings().max_document_bytes);
  check_wanted(stop);
  if (read.too_large || sha256(read.bytes) != document.content) {
    fail(ErrorCode::kUnsupported, "The page cannot be drawn: its file is another one now.");
  }
  return std::move(read.bytes);
}

}  // namespace

PagePicture draw_page_of(app::Session& session, ChunkId id, int pixel_width, std::stop_token stop) {
  check_wanted(stop);
  const auto chunk = value_or_throw(session.library().chunk(id));
  if (!chunk) fail(ErrorCode::kNotFound, "This passage is no longer part of the document.");
  const auto& anchor = chunk->chunk.anchor;
  const bool on_page = anchor.place == retrieval::PlaceKind::kPage && anchor.place_begin > 0 &&
                       anchor.place_begin <= std::numeric_limits<std::int32_t>::max();
  if (!on_page) fail(ErrorCode::kUnsupported, "This document has no pages to draw.");
  retrieval::ReadRequest request;
  request.page = static_cast<std::int32_t>(anchor.place_begin);
  request.pixel_width = std::clamp(pixel_width, kMinWidth, kMaxWidth);
  request.passage = chunk->chunk.text;
  const auto document = document_of(session, chunk->document);
  request.password = session.passwords().of(document.path);
  // Somebody looks at the screen: this one does not stand back.
  const retrieval::Extractor drawer(session.paths().reader);
  const std::string bytes = bytes_of(session, document, stop);
  const auto drawn = value_or_throw(drawer.read(bytes, request, std::move(stop)));
  if (!drawn.report.image) fail(ErrorCode::kUnsupported, drawn.report.reason);
  const retrieval::PageImage& image = *drawn.report.image;
  PagePicture made;
  made.chunk = id;
  made.page = request.page;
  made.width = image.width;
  made.height = image.height;
  made.pixels = QByteArray(image.pixels.data(), qsizetype(image.pixels.size()));
  for (const auto& box : image.passage) {
    made.passage.append(QRectF(box.left, box.top, box.width, box.height));
  }
  return made;
}

}  // namespace kvlink::desk
