// SPDX-License-Identifier: Apache-2.0
// The languages of the window, and one that only tests speak.
#pragma once

#include <QCoreApplication>
#include <QLocale>
#include <QTranslator>

namespace kvlink::ui {

/// Installs the program's and Qt's own texts for a language, as children of the application.
/// English is the language of the source; its file holds the plural forms.
void install_translations(QCoreApplication& application, const QLocale& locale = QLocale());

/// Makes every text about 40 % longer and marks its ends, to show what is clipped or not
/// translatable: "Open" becomes "[Open~~]".
class PseudoTranslator : public QTranslator {
 public:
  using QTranslator::QTranslator;
  QString translate(const char* context, const char* source, const char* disambiguation,
                    int n) const override;
  bool isEmpty() const override { return false; }
};

}  // namespace kvlink::ui
