// SPDX-License-Identifier: Apache-2.0
// The charts' numbers as tables, for reading, screen readers and copying.
#pragma once

#include <QAbstractTableModel>
#include <deque>
#include <vector>

#include "ui/inspect/question_timing.h"

namespace kvlink::ui {

/// Role of the bare value (a number, not its text); what csv_of() writes.
inline constexpr int kValueRole = Qt::UserRole + 1;

/// The stages of one question. GUI thread.
class StageTable : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kStage, kBegin, kDuration, kTokens, kBlocks, kBytes, kRate, kTier, kColumnCount };

  using QAbstractTableModel::QAbstractTableModel;
  void set_bars(std::vector<StageBar> bars);

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  QVariant value(const StageBar& bar, int column) const;
  QString text(const StageBar& bar, int column) const;

  std::vector<StageBar> bars_;
};

/// The last questions, newest first. GUI thread.
class HistoryTable : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column {
    kAsked,
    kQuestion,
    kTtft,
    kKind,
    kCold,
    kColdKind,
    kMode,
    kDocumentTokens,
    kReusedTokens,
    kPrefilledTokens,
    kBytesRead,
    kColumnCount
  };

  using QAbstractTableModel::QAbstractTableModel;
  void set_history(const TimingHistory& history);

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  struct Row {
    QuestionTiming timing;
    std::optional<ColdFigure> cold;
  };
  QVariant value(const Row& row, int column) const;
  QString text(const Row& row, int column) const;

  std::vector<Row> rows_;
};

/// The whole model as RFC 4180: a header line, kValueRole values, numbers with a point, CRLF ends.
/// A text that a spreadsheet would take for a formula is written behind an apostrophe.
QString csv_of(const QAbstractItemModel& model);

}  // namespace kvlink::ui
