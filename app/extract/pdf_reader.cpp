// SPDX-License-Identifier: Apache-2.0
#include "app/extract/pdf_reader.h"

#include <QBuffer>
#include <QImage>
#include <QPdfBookmarkModel>
#include <QPdfDocument>
#include <QPdfSelection>
#include <QPolygonF>
#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "app/extract/pdf_layout.h"
#include "app/extract/pdf_lines.h"
#include "app/extract/pdf_text.h"
#include "app/extract/serve.h"

namespace kvlink::extract {
namespace {

using retrieval::ReadProblem;

constexpr int kMaxImageSide = 4096;

/// An open document over bytes that outlive it.
class PdfFile {
 public:
  PdfFile(const std::string& bytes, const std::string& password)
      : bytes_(QByteArray::fromRawData(bytes.data(), static_cast<qsizetype>(bytes.size()))),
        buffer_(&bytes_) {
    buffer_.open(QIODevice::ReadOnly);
    // PDFium copies longer passwords into a buffer of fixed size in some revisions.
    document_.setPassword(QString::fromUtf8(password.c_str()).left(127));
    document_.load(&buffer_);
    switch (document_.error()) {
      case QPdfDocument::Error::None:
        break;
      case QPdfDocument::Error::IncorrectPassword:
        throw Unreadable(ReadProblem::kNeedsPassword,
                         password.empty() ? "needs a password" : "needs another password");
      case QPdfDocument::Error::UnsupportedSecurityScheme:
        throw Unreadable(ReadProblem::kNeedsPassword, "is encrypted in a way that is not read");
      default:
        throw Unreadable(ReadProblem::kDamaged, "it is not a PDF that can be opened");
    }
    if (document_.status() != QPdfDocument::Status::Ready || document_.pageCount() < 1) {
      throw Unreadable(ReadProblem::kDamaged, "it has no pages that can be opened");
    }
  }

  QPdfDocument& operator*() { return document_; }
  QPdfDocument* operator->() { return &document_; }

 private:
  QByteArray bytes_;
  QBuffer buffer_;
  QPdfDocument document_;
};

using Outline = std::map<int, std::vector<OutlineEntry>>;

void collect_outline(const QPdfBookmarkModel& model, const QModelIndex& parent, int level,
                     Outline& out) {
  constexpr int kMaxLevel = 6, kMaxEntries = 10'000;
  const int n = std::min(model.rowCount(parent), kMaxEntries);
  for (int row = 0; row < n; ++row) {
    const QModelIndex index = model.index(row, 0, parent);
    const auto title = index.data(int(QPdfBookmarkModel::Role::Title)).toString();
    const int page = index.data(int(QPdfBookmarkModel::Role::Page)).toInt();
    out[page].push_back({level, title.toStdString()});
    if (level < kMaxLevel) collect_outline(model, index, level + 1, out);
  }
}

std::string title_of(QPdfDocument& document) {
  const auto title =
      document.metaData(QPdfDocument::MetaDataField::Title).toString().simplified().toStdString();
  // What programs leave there when nobody wrote a title.
  const bool left_over = title.size() < 4 || title.find("Microsoft Word") != title.npos ||
                         title.find("untitled") != title.npos || title.find(".doc") != title.npos ||
                         title.find(' ') == title.npos;
  return left_over ? std::string() : title;
}

/// Whether two characters say the same thing: case and kind of white space do not matter.
QString searchable(const QString& text) {
  QString out;
  for (const QChar c : text) {
    if (c.isLetterOrNumber()) out += c.toCaseFolded();
  }
  return out;
}

/// First index and length, in the page's text, of what matches the passage; {-1, 0} when nothing.
std::pair<int, int> find_passage(const QString& page, const QString& passage) {
  std::vector<int> places;  // of each character of `words` in `page`
  QString words;
  for (int i = 0; i < page.size(); ++i) {
    if (!page[i].isLetterOrNumber()) continue;
    words += page[i].toCaseFolded();
    places.push_back(i);
  }
  QString wanted = searchable(passage);
  // A passage may begin on an earlier page or end on a later one: its longest part counts.
  for (qsizetype n = wanted.size(); n >= 12; n = n * 3 / 4) {
    for (const QString& part : {wanted.left(n), wanted.right(n)}) {
      const qsizetype at = words.indexOf(part);
      if (at < 0) continue;
      const int first = places[static_cast<std::size_t>(at)];
      return {first, places[static_cast<std::size_t>(at + n - 1)] - first + 1};
    }
  }
  return {-1, 0};
}

/// Qt tells places on a page as if it were not turned: by so many quarters clockwise (/Rotate), the
/// place on the page as it is drawn. `size`: of the page as it is drawn.
QRectF turned_box(const QRectF& box, QSizeF size, int quarters) {
  // Qt measures from the lower border of the page as it is drawn.
  const qreal bottom = size.height() - box.bottom();
  const qreal top = size.height() - box.top();
  switch (quarters) {
    case 1:
      return {QPointF(bottom, box.left()), QPointF(top, box.right())};
    case 2:
      return {QPointF(size.width() - box.right(), bottom), QPointF(size.width() - box.left(), top)};
    case 3:
      return {QPointF(size.width() - top, size.height() - box.right()),
              QPointF(size.width() - bottom, size.height() - box.left())};
    default:
      return box;
  }
}

/// Share of dark pixels in the boxes; 0 where one of them lies outside.
double ink_in(const QImage& drawn, const std::vector<QRectF>& boxes, QSizeF size) {
  std::int64_t n = 0, n_dark = 0;
  const QRectF whole(QPointF(-1, -1), size + QSizeF(2, 2));
  for (const QRectF& box : boxes) {
    if (!whole.contains(box)) return 0;
    const QRect pixels = QRect(QPoint(int(box.left() / size.width() * drawn.width()),
                                      int(box.top() / size.height() * drawn.height())),
                               QPoint(int(box.right() / size.width() * drawn.width()),
                                      int(box.bottom() / size.height() * drawn.height()))) &
                         drawn.rect();
    for (int y = pixels.top(); y <= pixels.bottom(); ++y) {
      const auto* line = reinterpret_cast<const QRgb*>(drawn.constScanLine(y));
      for (int x = pixels.left(); x <= pixels.right(); ++x, ++n) n_dark += qGray(line[x]) < 128;
    }
  }
  return n > 0 ? double(n_dark) / double(n) : 0;
}

/// `drawn`: the page, on white. Nothing tells how the page is turned, but where its ink is.
std::vector<retrieval::PageBox> boxes_of(QPdfDocument& document, int page, const QString& passage,
                                         const QImage& drawn) {
  const auto [first, length] = find_passage(document.getAllText(page).text(), passage);
  if (first < 0) return {};
  const QSizeF size = document.pagePointSize(page);
  const auto polygons = document.getSelectionAtIndex(page, first, length).bounds();
  std::vector<QRectF> best;
  double best_ink = -1;
  for (int quarters = 0; quarters < 4; ++quarters) {
    std::vector<QRectF> boxes;
    for (const QPolygonF& polygon : polygons) {
      boxes.push_back(turned_box(polygon.boundingRect(), size, quarters));
    }
    // Not turned, as nearly every page, unless that is clearly wrong.
    const double ink = ink_in(drawn, boxes, size) / (quarters == 0 ? 0.5 : 1);
    if (ink <= best_ink) continue;
    best_ink = ink;
    best = std::move(boxes);
  }
  std::vector<retrieval::PageBox> made;
  for (const QRectF& place : best) {
    const QRectF box = place & QRectF(QPointF(0, 0), size);
    if (box.isEmpty()) continue;
    made.push_back({float(box.left() / size.width()), float(box.top() / size.height()),
                    float(box.width() / size.width()), float(box.height() / size.height())});
  }
  return made;
}

}  // namespace

bool can_read_pdf() { return true; }

#if defined(__SANITIZE_ADDRESS__)
/// Qt PDF 6.4 does not give back all of a file that it began to open and could not.
extern "C" const char* __lsan_default_suppressions() { return "leak:libQt6Pdf.so\n"; }
#endif

void prepare_pdf() { const QPdfDocument loads_the_library; }

void read_pdf(const std::string& bytes, const std::string& password, DocumentBuilder& out) {
  PdfFile file(bytes, password);
  const int n_pages = file->pageCount();
  if (n_pages > retrieval::kMaxPages) {
    throw Unreadable(ReadProblem::kTooLarge,
                     "it has " + std::to_string(n_pages) + " pages; at most " +
                         std::to_string(retrieval::kMaxPages) + " are read, split it");
  }
  out.set_title(title_of(*file));
  QPdfBookmarkModel bookmarks;
  bookmarks.setDocument(&*file);
  Outline outline;
  collect_outline(bookmarks, {}, 1, outline);
  PdfLines places(*file);
  for (int page = 0; page < n_pages; ++page) {
    out.set_place({PlaceKind::kPage, page + 1, {}});
    const QPdfSelection whole = file->getAllText(page);
    if (whole.text().trimmed().isEmpty()) out.note_page_without_text(page + 1);
    if (auto lines = places.read(page, whole)) {
      add_page_lines(std::move(*lines), outline[page], out);
    } else {
      add_page_text(whole.text().toStdString(), outline[page], out);
    }
  }
}

retrieval::PageImage draw_pdf_page(const std::string& bytes,
                                   const retrieval::ReadRequest& request) {
  PdfFile file(bytes, request.password);
  const int page = request.page - 1;
  if (page < 0 || page >= file->pageCount()) {
    throw Unreadable(ReadProblem::kDamaged, "it has no page " + std::to_string(request.page));
  }
  const QSizeF points = file->pagePointSize(page);
  if (!(points.width() > 0 && points.height() > 0)) {
    throw Unreadable(ReadProblem::kDamaged, "this page has no size");
  }
  const int width = std::clamp(request.pixel_width, 16, kMaxImageSide);
  const int height = std::clamp(int(width * points.height() / points.width()), 16, kMaxImageSide);
  QImage drawn = file->render(page, QSize(width, height));
  if (drawn.isNull()) throw Unreadable(ReadProblem::kDamaged, "this page cannot be drawn");
  // What a page leaves blank is white paper.
  QImage paper(drawn.size(), QImage::Format_RGB32);
  paper.fill(Qt::white);
  drawn = drawn.convertToFormat(QImage::Format_ARGB32);
  retrieval::PageImage made;
  made.width = paper.width();
  made.height = paper.height();
  for (int y = 0; y < paper.height(); ++y) {
    const auto* from = reinterpret_cast<const QRgb*>(drawn.constScanLine(y));
    auto* to = reinterpret_cast<QRgb*>(paper.scanLine(y));
    for (int x = 0; x < paper.width(); ++x) {
      const int a = qAlpha(from[x]);
      const auto mixed = [a](int c) { return (c * a + 255 * (255 - a)) / 255; };
      to[x] = qRgb(mixed(qRed(from[x])), mixed(qGreen(from[x])), mixed(qBlue(from[x])));
    }
    made.pixels.append(reinterpret_cast<const char*>(to), static_cast<std::size_t>(width) * 4);
  }
  made.passage = boxes_of(*file, page, QString::fromStdString(request.passage), paper);
  return made;
}

}  // namespace kvlink::extract
