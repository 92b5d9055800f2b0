// SPDX-License-Identifier: Apache-2.0
// Text of documents and models made fully visible: what hides or reorders characters is written
// out.
#pragma once

#include <QString>

class QTextDocument;

namespace kvlink::ui {

/// Hidden characters (zero width, direction overrides, tags, controls) as "⟨U+202E⟩". Joiners and
/// variation selectors stay where scripts and emoji need them.
QString visible_text(const QString& text);

/// The same with one U+FFFD for each UTF-16 unit of a hidden character, so that positions stay.
QString visible_in_place(const QString& text);

/// Writes out hidden characters, also those that came from entities, and replaces every embedded
/// object (an image) by the words that describe it.
void make_visible(QTextDocument& document);

/// The text on one line and no longer than `limit`, for lists and tooltips.
QString one_line(const QString& text, qsizetype limit);

/// A tooltip that shows exactly this text: tooltips take what looks like HTML for HTML.
QString plain_tooltip(const QString& text);

/// For buttons and menus, where "&" would mark a key.
QString without_mnemonic(const QString& text);

}  // namespace kvlink::ui
