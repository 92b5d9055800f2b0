// SPDX-License-Identifier: Apache-2.0
// A view for text from outside: it loads nothing and follows no link by itself.
#pragma once

#include <QTextBrowser>

#include "ui/ask/markdown.h"

namespace kvlink::ui {

/// Grows with its text instead of scrolling. Links come out as signals, nothing else happens.
class SafeTextView : public QTextBrowser {
  Q_OBJECT

 public:
  explicit SafeTextView(QWidget* parent = nullptr);

  /// Requests for resources that this view or its documents refused.
  int n_refused() const;

 signals:
  /// "[n]" was activated, by mouse or key.
  void citation_activated(qint64 number);
  /// Any other link; whoever shows the view asks before anything is opened.
  void link_activated(const QUrl& address);

 protected:
  QVariant loadResource(int type, const QUrl& name) override;
  void doSetSource(const QUrl& name, QTextDocument::ResourceType type) override;
  void resizeEvent(QResizeEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  /// Shows `document` (becomes this view's) in place of the one before.
  void take_document(SealedDocument* document);
  SealedDocument& sealed() { return *sealed_; }
  const SealedDocument& sealed() const { return *sealed_; }

 private:
  void fit_height();

  SealedDocument* sealed_ = nullptr;
  int n_refused_ = 0;
};

}  // namespace kvlink::ui
