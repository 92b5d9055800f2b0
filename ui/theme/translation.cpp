// SPDX-License-Identifier: Apache-2.0
#include "ui/theme/translation.h"

#include <QLibraryInfo>

namespace kvlink::ui {

void install_translations(QCoreApplication& application, const QLocale& locale) {
  auto* of_qt = new QTranslator(&application);
  if (of_qt->load(locale, QStringLiteral("qtbase"), QStringLiteral("_"),
                  QLibraryInfo::path(QLibraryInfo::TranslationsPath))) {
    QCoreApplication::installTranslator(of_qt);
  }
  auto* own = new QTranslator(&application);
  const auto folder = QStringLiteral(":/i18n");
  // A language that is not there still needs the plural forms of English.
  if (own->load(locale, QStringLiteral("kvlink"), QStringLiteral("_"), folder) ||
      own->load(QStringLiteral("kvlink_en"), folder)) {
    QCoreApplication::installTranslator(own);
  }
}

QString PseudoTranslator::translate(const char*, const char* source, const char*, int) const {
  const auto text = QString::fromUtf8(source);
  if (text.isEmpty()) return text;
  const auto more = std::max<qsizetype>(1, text.size() * 2 / 5 - 2);
  // In words, where the text has some: no language makes one word of a sentence.
  constexpr qsizetype kWord = 8;
  QString padding(more, QLatin1Char('~'));
  if (text.contains(QLatin1Char(' '))) {
    for (qsizetype at = kWord; at + 1 < more; at += kWord) padding[at] = QLatin1Char(' ');
  }
  return QLatin1Char('[') + text + padding + QLatin1Char(']');
}

}  // namespace kvlink::ui
