// SPDX-License-Identifier: Apache-2.0
// What is read, in the settings window: archives and pictures.
#include <QCheckBox>
#include <QComboBox>
#include <QLineEdit>
#include <QSignalSpy>
#include <QTest>

#include "ui/inspect/settings_form.h"

namespace kvlink::ui::tests {

class ReadingSettingsTest : public QObject {
  Q_OBJECT

 private slots:
  void shows_and_takes_what_is_read() {
    SettingsForm form(SettingsForm::Page::kComputing);
    app::Settings settings;
    settings.read_archives = true;
    settings.ocr = app::Ocr::kPictures;
    settings.ocr_languages = "deu+eng";
    form.show_settings(settings);
    auto* archives = form.findChild<QCheckBox*>();
    auto* languages = form.findChild<QLineEdit*>(QString(), Qt::FindDirectChildrenOnly);
    QComboBox* pictures = nullptr;
    for (auto* combo : form.findChildren<QComboBox*>()) {
      if (combo->accessibleName() == QLatin1String("Pictures of text")) pictures = combo;
    }
    QVERIFY(archives != nullptr && languages != nullptr && pictures != nullptr);
    QVERIFY(archives->isChecked());
    QCOMPARE(languages->text(), QStringLiteral("deu+eng"));
    QCOMPARE(pictures->currentData().toInt(), static_cast<int>(app::Ocr::kPictures));
    QSignalSpy edited(&form, &SettingsForm::edited);
    archives->click();
    pictures->setCurrentIndex(pictures->findData(static_cast<int>(app::Ocr::kOff)));
    languages->setText(QStringLiteral("  "));
    QCOMPARE(edited.count(), 3);
    form.take_into(settings);
    QVERIFY(!settings.read_archives);
    QCOMPARE(settings.ocr, app::Ocr::kOff);
    QCOMPARE(settings.ocr_languages, std::string("auto"));
  }

  void cuts_languages_at_the_bytes_of_the_setting() {
    SettingsForm form(SettingsForm::Page::kComputing);
    app::Settings settings;
    form.show_settings(settings);
    auto* languages = form.findChild<QLineEdit*>(QString(), Qt::FindDirectChildrenOnly);
    QVERIFY(languages != nullptr);
    languages->setText(QString(100, QChar(0x00FC)));
    form.take_into(settings);
    QCOMPARE(QString::fromStdString(settings.ocr_languages), QString(50, QChar(0x00FC)));
    languages->setText(QLatin1Char('a') + QString::fromUcs4(U"\U0001F4D6").repeated(40));
    form.take_into(settings);
    QCOMPARE(QString::fromStdString(settings.ocr_languages),
             QLatin1Char('a') + QString::fromUcs4(U"\U0001F4D6").repeated(24));
  }
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::ReadingSettingsTest)
#include "reading_settings_test.moc"
