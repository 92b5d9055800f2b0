// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/safe_text_view.h"

#include <QAbstractTextDocumentLayout>
#include <QKeyEvent>
#include <QWheelEvent>
#include <cmath>

namespace kvlink::ui {

SafeTextView::SafeTextView(QWidget* parent) : QTextBrowser(parent) {
  setOpenLinks(false);
  setOpenExternalLinks(false);
  setFrameShape(QFrame::NoFrame);
  setWordWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  setTabChangesFocus(true);
  viewport()->setAutoFillBackground(false);
  connect(this, &QTextBrowser::anchorClicked, this, [this](const QUrl& address) {
    bool is_number = false;
    const qint64 number = address.path().toLongLong(&is_number);
    if (address.scheme() == QLatin1String("cite") && is_number) {
      emit citation_activated(number);
    } else {
      emit link_activated(address);
    }
  });
  take_document(new SealedDocument(this));
}

int SafeTextView::n_refused() const { return n_refused_ + sealed_->n_refused(); }

QVariant SafeTextView::loadResource(int, const QUrl&) {
  ++n_refused_;
  return {};
}

void SafeTextView::doSetSource(const QUrl&, QTextDocument::ResourceType) {}

void SafeTextView::take_document(SealedDocument* document) {
  SealedDocument* before = sealed_;
  sealed_ = document;
  document->setParent(this);
  document->setDefaultFont(font());
  document->setDocumentMargin(0);
  setDocument(document);
  connect(document->documentLayout(), &QAbstractTextDocumentLayout::documentSizeChanged, this,
          [this] { fit_height(); });
  if (before != nullptr) {
    n_refused_ += before->n_refused();
    delete before;
  }
  fit_height();
}

void SafeTextView::resizeEvent(QResizeEvent* event) {
  QTextBrowser::resizeEvent(event);
  fit_height();
}

void SafeTextView::wheelEvent(QWheelEvent* event) {
  // The conversation around it scrolls.
  event->ignore();
}

/// It never scrolls itself: keys that scroll go to what it stands in.
void SafeTextView::keyPressEvent(QKeyEvent* event) {
  const bool is_plain = (event->modifiers() & ~Qt::KeypadModifier) == Qt::NoModifier;
  const int key = event->key();
  const bool scrolls = key == Qt::Key_PageUp || key == Qt::Key_PageDown || key == Qt::Key_Up ||
                       key == Qt::Key_Down;
  if (is_plain && scrolls) {
    event->ignore();
    return;
  }
  QTextBrowser::keyPressEvent(event);
}

void SafeTextView::fit_height() {
  const double height = sealed_->documentLayout()->documentSize().height();
  setFixedHeight(static_cast<int>(std::ceil(height)) + 2 * frameWidth() + 2);
}

}  // namespace kvlink::ui
