// SPDX-License-Identifier: Apache-2.0
#include "app/desk/document_reader.h"

#include <QCoreApplication>
#include <QStringDecoder>
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/file_bytes.h"

namespace kvlink::desk {
namespace {

struct DocumentReader {
  Q_DECLARE_TR_FUNCTIONS(DocumentReader)
};

/// The bytes as UTF-8: anchors of a UTF-16 file count in its text as UTF-8.
std::string as_utf8(std::string bytes) {
  const std::string_view view = bytes;
  if (!view.starts_with("\xFF\xFE") && !view.starts_with("\xFE\xFF")) return bytes;
  QStringDecoder decoder(QStringDecoder::Utf16);
  const QString text = decoder.decode(QByteArrayView(bytes.data(), qsizetype(bytes.size())));
  return text.toStdString();
}

/// Places in `utf8`, as places in the text that is made from it.
class TextWithPlaces {
 public:
  TextWithPlaces(std::string_view utf8, const std::vector<retrieval::StoredChunk>& chunks) {
    std::set<std::int64_t> borders;
    for (const auto& chunk : chunks) {
      borders.insert(chunk.chunk.anchor.byte_begin);
      borders.insert(chunk.chunk.anchor.byte_end);
    }
    const auto size = static_cast<std::int64_t>(utf8.size());
    std::int64_t at = 0;
    for (const auto border : borders) {
      const std::int64_t end = std::clamp<std::int64_t>(border, at, size);
      append(utf8, at, end);
      at = end;
      places_[border] = text_.size();
    }
    append(utf8, at, size);
  }

  QString take_text() { return std::move(text_); }
  qsizetype place(std::int64_t byte) const { return places_.at(byte); }

 private:
  void append(std::string_view utf8, std::int64_t begin, std::int64_t end) {
    QString part = text_of(
        utf8.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
    part.remove(QLatin1Char('\r'));
    text_ += part;
  }

  QString text_;
  std::map<std::int64_t, qsizetype> places_;
};

DocumentText::Passage passage_of(const retrieval::StoredChunk& chunk, qsizetype begin,
                                 qsizetype end) {
  return {chunk.id, text_of(chunk.chunk.heading),  begin,
          end,      chunk.chunk.anchor.line_begin, chunk.chunk.anchor.line_end};
}

void fill_from_file(DocumentText& made, std::string bytes,
                    const std::vector<retrieval::StoredChunk>& chunks) {
  const std::string utf8 = as_utf8(std::move(bytes));
  TextWithPlaces text(utf8, chunks);
  for (const auto& chunk : chunks) {
    made.passages.push_back(passage_of(chunk, text.place(chunk.chunk.anchor.byte_begin),
                                       text.place(chunk.chunk.anchor.byte_end)));
  }
  made.text = text.take_text();
}

void fill_from_passages(DocumentText& made, const std::vector<retrieval::StoredChunk>& chunks) {
  for (const auto& chunk : chunks) {
    if (!made.text.isEmpty()) made.text += QStringLiteral("\n\n");
    const qsizetype begin = made.text.size();
    made.text += text_of(chunk.chunk.text);
    made.passages.push_back(passage_of(chunk, begin, made.text.size()));
    made.passages.back().has_page = made.media_type == QLatin1String("application/pdf") &&
                                    chunk.chunk.anchor.place == retrieval::PlaceKind::kPage;
  }
}

/// The bytes of the file, when they are those that were indexed.
std::optional<std::string> indexed_bytes(app::Session& session, const retrieval::Document& document,
                                         QString& notice) {
  const auto read = returning(
      [&] { return app::read_file(document.path, session.settings().max_document_bytes); });
  if (!read) {
    notice =
        DocumentReader::tr("The file cannot be read now (%1). This is its text as it was indexed.")
            .arg(text_of(read.error().message));
    return std::nullopt;
  }
  if (read->too_large || sha256(read->bytes) != document.content) {
    notice = DocumentReader::tr(
        "The file has changed since it was indexed. This is its text as it was then.");
    return std::nullopt;
  }
  return read->bytes;
}

/// Whether passages say where they stand in the bytes of the file: other formats, and text in other
/// encodings, are shown as they were read.
bool has_lines_of_the_file(const retrieval::Document& document,
                           const std::vector<retrieval::StoredChunk>& chunks) {
  return document.media_type.find("charset=") == std::string::npos &&
         std::all_of(chunks.begin(), chunks.end(), [](const auto& chunk) {
           return chunk.chunk.anchor.place == retrieval::PlaceKind::kLine;
         });
}

}  // namespace

DocumentText read_document_text(app::Session& session, DocumentId id) {
  const auto documents = value_or_throw(session.library().documents());
  const auto document = std::find_if(documents.begin(), documents.end(),
                                     [&](const auto& one) { return one.id == id; });
  if (document == documents.end()) {
    fail(ErrorCode::kNotFound,
         DocumentReader::tr("This document is no longer in the library.").toStdString());
  }
  const auto chunks = value_or_throw(session.library().chunks(id));
  DocumentText made;
  made.document = id;
  made.path = text_of(document->path);
  made.title = text_of(document->title);
  made.media_type = text_of(document->media_type);
  auto bytes = indexed_bytes(session, *document, made.notice);
  if (bytes && has_lines_of_the_file(*document, chunks)) {
    fill_from_file(made, std::move(*bytes), chunks);
  } else {
    fill_from_passages(made, chunks);
  }
  return made;
}

}  // namespace kvlink::desk
