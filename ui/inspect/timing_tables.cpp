// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/timing_tables.h"

#include <QDateTime>
#include <QStringList>

#include "ui/inspect/quantities.h"

namespace kvlink::ui {
namespace {

bool is_number(const QVariant& value) {
  return value.typeId() == QMetaType::Double || value.typeId() == QMetaType::LongLong;
}

QVariant alignment(const QVariant& value) {
  return static_cast<int>(Qt::AlignVCenter | (is_number(value) ? Qt::AlignRight : Qt::AlignLeft));
}

QString csv_field(const QVariant& value) {
  if (value.typeId() == QMetaType::Double) return QString::number(value.toDouble(), 'f', 3);
  if (is_number(value)) return QString::number(value.toLongLong());
  auto text = value.toString();
  if (!text.isEmpty() && QStringLiteral("=+-@\t\r").contains(text.front())) {
    text.prepend(QLatin1Char('\''));
  }
  if (text.contains(QLatin1Char('"')) || text.contains(QLatin1Char(',')) ||
      text.contains(QLatin1Char('\n')) || text.contains(QLatin1Char('\r'))) {
    text.replace(QLatin1Char('"'), QLatin1String("\"\""));
    return QLatin1Char('"') + text + QLatin1Char('"');
  }
  return text;
}

}  // namespace

void StageTable::set_bars(std::vector<StageBar> bars) {
  beginResetModel();
  bars_ = std::move(bars);
  endResetModel();
}

int StageTable::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(bars_.size());
}

int StageTable::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : kColumnCount;
}

QVariant StageTable::value(const StageBar& bar, int column) const {
  const double gb_per_s =
      bar.total_ms > 0 ? static_cast<double>(bar.bytes) / bar.total_ms / 1e6 : 0;
  switch (column) {
    case kStage:
      return bar_name(bar.bar);
    case kBegin:
      return bar.pieces.empty() ? QVariant(QString()) : QVariant(bar.pieces.front().begin_ms);
    case kDuration:
      return bar.total_ms;
    case kTokens:
      return QVariant(qint64{bar.tokens});
    case kBlocks:
      return QVariant(qint64{bar.blocks});
    case kBytes:
      return QVariant(qint64{bar.bytes});
    case kRate:
      return gb_per_s > 0 ? QVariant(gb_per_s) : QVariant(QString());
    default:
      return tier_text(bar.tier);
  }
}

QString StageTable::text(const StageBar& bar, int column) const {
  switch (column) {
    case kBegin:
      return bar.pieces.empty() ? QString() : decimal_text(bar.pieces.front().begin_ms, 1);
    case kDuration:
      return decimal_text(bar.total_ms, 2);
    case kTokens:
      return bar.tokens > 0 ? count_text(bar.tokens) : QString();
    case kBlocks:
      return bar.blocks > 0 ? count_text(bar.blocks) : QString();
    case kBytes:
      return bar.bytes > 0 ? bytes_text(bar.bytes) : QString();
    case kRate:
      return byte_rate_text(bar.bytes, bar.total_ms);
    default:
      return value(bar, column).toString();
  }
}

QVariant StageTable::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
  const auto& bar = bars_[static_cast<std::size_t>(index.row())];
  if (role == Qt::DisplayRole) return text(bar, index.column());
  if (role == kValueRole) return value(bar, index.column());
  if (role == Qt::TextAlignmentRole) return alignment(value(bar, index.column()));
  if (role == Qt::ToolTipRole) return bar_details(bar);
  return {};
}

QVariant StageTable::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
  const QStringList names = {tr("Stage"),  tr("Begins (ms)"), tr("Takes (ms)"), tr("Tokens"),
                             tr("Blocks"), tr("Bytes"),       tr("GB/s"),       tr("From")};
  return names.value(section);
}

void HistoryTable::set_history(const TimingHistory& history) {
  beginResetModel();
  rows_.clear();
  const auto& questions = history.questions();
  for (auto timing = questions.rbegin(); timing != questions.rend(); ++timing) {
    rows_.push_back({*timing, history.cold_figure(*timing)});
  }
  endResetModel();
}

int HistoryTable::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(rows_.size());
}

int HistoryTable::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : kColumnCount;
}

QVariant HistoryTable::value(const Row& row, int column) const {
  const auto& timing = row.timing;
  switch (column) {
    case kAsked:
      return QDateTime::fromSecsSinceEpoch(timing.asked_unix).toString(Qt::ISODate);
    case kQuestion:
      return timing.question;
    case kTtft:
      return timing.ttft_ms ? QVariant(*timing.ttft_ms) : QVariant(QString());
    case kKind:
      return timing.without_cache ? tr("without caches") : tr("with caches");
    case kCold:
      return row.cold ? QVariant(row.cold->ms) : QVariant(QString());
    case kColdKind:
      if (!row.cold) return QString();
      return row.cold->measured ? tr("measured") : tr("estimated");
    case kMode:
      return timing.mode;
    case kDocumentTokens:
      return QVariant(qint64{timing.n_document_tokens});
    case kReusedTokens:
      return QVariant(qint64{timing.n_reused_tokens});
    case kPrefilledTokens:
      return QVariant(qint64{timing.n_prefilled_tokens});
    default:
      return QVariant(qint64{timing.bytes_read});
  }
}

QString HistoryTable::text(const Row& row, int column) const {
  switch (column) {
    case kAsked:
      return moment_text(row.timing.asked_unix);
    case kTtft:
      return row.timing.ttft_ms ? decimal_text(*row.timing.ttft_ms, 1) : tr("stopped");
    case kCold:
      return row.cold ? decimal_text(row.cold->ms, 1) : QString();
    case kDocumentTokens:
      return count_text(row.timing.n_document_tokens);
    case kReusedTokens:
      return count_text(row.timing.n_reused_tokens);
    case kPrefilledTokens:
      return count_text(row.timing.n_prefilled_tokens);
    case kBytesRead:
      return bytes_text(row.timing.bytes_read);
    default:
      return value(row, column).toString();
  }
}

QVariant HistoryTable::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
  const auto& row = rows_[static_cast<std::size_t>(index.row())];
  if (role == Qt::DisplayRole) return text(row, index.column());
  if (role == kValueRole) return value(row, index.column());
  if (role == Qt::TextAlignmentRole) return alignment(value(row, index.column()));
  return {};
}

QVariant HistoryTable::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
  const QStringList names = {tr("Asked"),
                             tr("Question"),
                             tr("First token (ms)"),
                             tr("Kind"),
                             tr("Without caches (ms)"),
                             tr("That figure is"),
                             tr("Mode"),
                             tr("Document tokens"),
                             tr("Reused"),
                             tr("Prefilled"),
                             tr("Bytes read")};
  return names.value(section);
}

QString csv_of(const QAbstractItemModel& model) {
  QString csv;
  QStringList fields;
  for (int column = 0; column < model.columnCount(); ++column) {
    fields << csv_field(model.headerData(column, Qt::Horizontal));
  }
  csv += fields.join(QLatin1Char(',')) + QLatin1String("\r\n");
  for (int row = 0; row < model.rowCount(); ++row) {
    fields.clear();
    for (int column = 0; column < model.columnCount(); ++column) {
      fields << csv_field(model.index(row, column).data(kValueRole));
    }
    csv += fields.join(QLatin1Char(',')) + QLatin1String("\r\n");
  }
  return csv;
}

}  // namespace kvlink::ui
