// SPDX-License-Identifier: Apache-2.0
#include "ui/library/document_words.h"

#include <QCoreApplication>
#include <algorithm>

#include "ui/ask/visible_text.h"
#include "ui/inspect/quantities.h"

namespace kvlink::ui {
namespace {

using desk::DocumentStage;

struct DocumentWords {
  Q_DECLARE_TR_FUNCTIONS(DocumentWords)
};

}  // namespace

QString stage_words(DocumentStage stage) {
  switch (stage) {
    case DocumentStage::kQueued:
      return DocumentWords::tr("queued");
    case DocumentStage::kReading:
      return DocumentWords::tr("reading");
    case DocumentStage::kEmbedding:
      return DocumentWords::tr("embedding");
    case DocumentStage::kSearchable:
      return DocumentWords::tr("searchable");
    case DocumentStage::kCaching:
      return DocumentWords::tr("caching");
    case DocumentStage::kReady:
      return DocumentWords::tr("ready");
    case DocumentStage::kWarm:
      return DocumentWords::tr("warm");
    case DocumentStage::kStale:
      return DocumentWords::tr("stale");
    case DocumentStage::kFailed:
      return DocumentWords::tr("failed");
    case DocumentStage::kIgnored:
      return DocumentWords::tr("ignored");
  }
  return {};
}

QString stage_words(const desk::DocumentRow& row) {
  const bool partly = row.stage == DocumentStage::kSearchable && row.n_cached > 0;
  if (!partly) return stage_words(row.stage);
  return DocumentWords::tr("cached %1 %")
      .arg(100 * row.n_cached / std::max<std::int64_t>(row.n_chunks, 1));
}

QString stage_explained(DocumentStage stage) {
  switch (stage) {
    case DocumentStage::kQueued:
      return DocumentWords::tr("Waits for its turn.");
    case DocumentStage::kReading:
      return DocumentWords::tr("Its text is being read.");
    case DocumentStage::kEmbedding:
      return DocumentWords::tr("Its passages are cut and indexed.");
    case DocumentStage::kSearchable:
      return DocumentWords::tr(
          "Questions find it; passages without a cache are computed when they are needed.");
    case DocumentStage::kCaching:
      return DocumentWords::tr("The language model reads its passages once.");
    case DocumentStage::kReady:
      return DocumentWords::tr("Every passage is cached on disk.");
    case DocumentStage::kWarm:
      return DocumentWords::tr("Every passage is cached, and in memory.");
    case DocumentStage::kStale:
      return DocumentWords::tr("Its caches belong to another model or prompt.");
    case DocumentStage::kFailed:
      return DocumentWords::tr("Could not be read.");
    case DocumentStage::kIgnored:
      return DocumentWords::tr("Could not be read, and you said to leave it at that.");
  }
  return {};
}

QString extent_words(const desk::DocumentExtent& extent) {
  using retrieval::PlaceKind;
  const int n = static_cast<int>(extent.n);
  if (n <= 0) return {};
  switch (extent.unit) {
    case PlaceKind::kLine:
      return DocumentWords::tr("%n line(s)", nullptr, n);
    case PlaceKind::kParagraph:
      return DocumentWords::tr("%n paragraph(s)", nullptr, n);
    case PlaceKind::kPage:
      return DocumentWords::tr("%n page(s)", nullptr, n);
    case PlaceKind::kSlide:
      return DocumentWords::tr("%n slide(s)", nullptr, n);
    case PlaceKind::kSheet:
      return DocumentWords::tr("%n sheet(s)", nullptr, n);
    case PlaceKind::kChapter:
      return DocumentWords::tr("%n chapter(s)", nullptr, n);
    case PlaceKind::kMessage:
      return DocumentWords::tr("%n message(s)", nullptr, n);
    case PlaceKind::kCell:
      return DocumentWords::tr("%n cell(s)", nullptr, n);
    case PlaceKind::kMoment:
      return seconds_text(static_cast<double>(n));
    case PlaceKind::kMember:
      return DocumentWords::tr("%n file(s)", nullptr, n);
  }
  return {};
}

QString details_of(const desk::DocumentRow& row, const desk::DocumentExtent* extent) {
  const bool failed = row.stage == DocumentStage::kFailed || row.stage == DocumentStage::kIgnored;
  if (failed) return row.reason.simplified();
  const QString file = row.path.section(QLatin1Char('/'), -1);
  const QString dot = QStringLiteral(" · ");
  QString size = bytes_text(row.file_bytes);
  if (file != row.title) size = one_line(file, 80) + dot + size;
  if (row.n_chunks == 0) return size;
  if (extent != nullptr) size += dot + extent_words(*extent);
  return DocumentWords::tr("%1 · %n passage(s)", nullptr, static_cast<int>(row.n_chunks)).arg(size);
}

QString tooltip_of(const desk::DocumentRow& row) {
  QStringList lines = {row.path,
                       stage_words(row) + QStringLiteral(": ") + stage_explained(row.stage)};
  if (!row.media_type.isEmpty()) lines.insert(1, row.media_type);
  if (!row.reason.isEmpty()) lines.append(row.reason);
  if (row.n_chunks > 0) {
    lines.append(
        DocumentWords::tr("%1 of %n passage(s) cached", nullptr, static_cast<int>(row.n_chunks))
            .arg(count_text(row.n_cached)));
  }
  return plain_tooltip(lines.join(QLatin1Char('\n')));
}

}  // namespace kvlink::ui
