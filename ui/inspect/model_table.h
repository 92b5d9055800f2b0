// SPDX-License-Identifier: Apache-2.0
// The models on this disk, and what is known about each.
#pragma once

#include <QAbstractTableModel>
#include <QHash>
#include <QSet>
#include <vector>

#include "app/desk/settings_messages.h"

namespace kvlink::ui {

/// GUI thread.
class ModelTable : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kName, kRole, kSource, kMemory, kKv, kContext, kAdapter, kState, kColumnCount };

  using QAbstractTableModel::QAbstractTableModel;
  void set_models(std::vector<desk::ModelItem> models);
  /// The model is being loaded and tried.
  void set_checking(const QString& path);
  /// What came out; nothing is known of one that was stopped.
  void set_checked(const desk::ModelChecked& checked);
  const desk::ModelItem& item(int row) const { return models_.at(static_cast<std::size_t>(row)); }

  /// Where it lies and, after a try, what it is or why it does not work. Plain text.
  QString details(int row) const;

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  QString text(const desk::ModelItem& item, int column) const;
  QString state(const desk::ModelItem& item, const QString& path) const;
  void changed(const QString& path);

  std::vector<desk::ModelItem> models_;
  QHash<QString, desk::ModelChecked> checks_;
  QSet<QString> checking_;
};

}  // namespace kvlink::ui
