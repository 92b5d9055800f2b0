// SPDX-License-Identifier: Apache-2.0
// The Cache tab: every document's blocks, the budgets, and what is done to them.
#pragma once

#include <QWidget>

#include "app/desk/messages.h"

namespace kvlink::desk {
class Desk;
}

namespace kvlink::ui {

/// Takes snapshots only while it is visible.
class CachePanel : public QWidget {
  Q_OBJECT

 public:
  explicit CachePanel(desk::Desk& desk, QWidget* parent = nullptr);
  ~CachePanel() override;

 public slots:
  /// Selects a document's row and shows its strip.
  void show_document(kvlink::desk::DocumentId document);

 signals:
  /// For the window's banner.
  void problem(const QString& message);
};

}  // namespace kvlink::ui
