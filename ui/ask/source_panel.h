// SPDX-License-Identifier: Apache-2.0
// The Source tab: the document at a passage.
#pragma once

#include <QWidget>
#include <vector>

#include "app/desk/answer_messages.h"

namespace kvlink::desk {
class Desk;
}

namespace kvlink::ui {

class SourcePanel : public QWidget {
  Q_OBJECT

 public:
  explicit SourcePanel(desk::Desk& desk, QWidget* parent = nullptr);
  ~SourcePanel() override;

 public slots:
  /// Opens the passage's document, scrolls to it and marks it; `passages` are for previous/next.
  void show_passage(const kvlink::desk::PassageView& passage,
                    const std::vector<kvlink::desk::PassageView>& passages);
  /// Opens a document at its beginning.
  void show_document(kvlink::desk::DocumentId document);

 signals:
  void ask_about(const QString& selected_text, kvlink::desk::DocumentId document);
  /// For the window's banner.
  void problem(const QString& message);
};

}  // namespace kvlink::ui
