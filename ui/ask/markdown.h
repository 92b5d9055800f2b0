// SPDX-License-Identifier: Apache-2.0
// Markdown of a model, drawn so that nothing is hidden, loaded or opened.
#pragma once

#include <QString>
#include <QTextDocument>

namespace kvlink::ui {

/// A document that loads nothing: not images, not style sheets, from nowhere.
class SealedDocument : public QTextDocument {
  Q_OBJECT

 public:
  using QTextDocument::QTextDocument;
  /// How often something asked for a resource; it got nothing.
  int n_refused() const { return n_refused_; }

 protected:
  QVariant loadResource(int type, const QUrl& name) override;

 private:
  int n_refused_ = 0;
};

/// kLiteral: drawn as Markdown some of the text would not be seen (reference definitions, cells
/// beyond a table's width, …), so it is shown as it was written.
enum class Rendering : std::uint8_t { kMarkdown, kLiteral };

/// Replaces what is in `document`. HTML is shown as text; images become words; every link's address
/// is shown beside it; hidden characters are written out. Time is linear in the text.
Rendering render_markdown(const QString& markdown, QTextDocument& document);

/// Whether all letters and digits of the source are in `shown`, in their order; markers of lists
/// and the languages of fences are no text.
bool shows_everything(const QString& source, const QString& shown);

/// Appends the blocks of `source` (filled by render_markdown), each with its formats and lists.
void append_document(const QTextDocument& source, QTextDocument& target);

/// Makes "[3]" a link "cite:3" wherever 1 <= 3 <= n_sources, between `from` and the end.
void link_citations(QTextDocument& document, int from, std::int64_t n_sources);

}  // namespace kvlink::ui
