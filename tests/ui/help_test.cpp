// SPDX-License-Identifier: Apache-2.0
// The guide in the window, the third parties in About, the sheet of shortcuts.
#include <QDir>
#include <QLineEdit>
#include <QListWidget>
#include <QTableWidget>
#include <QTest>

#include "ui/ask/answer_view.h"
#include "ui/shell/about_box.h"
#include "ui/shell/guide_page.h"

namespace kvlink::ui::tests {

class HelpTest : public QObject {
  Q_OBJECT

 private slots:
  void shows_every_page_of_the_guide() {
    const QDir source(qEnvironmentVariable("KVLINK_SOURCE_DIR") + "/resources/guide");
    const auto files = source.entryList({"*.md"}, QDir::Files, QDir::Name);
    QVERIFY(files.size() > 10);
    QCOMPARE(QDir(":/guide").entryList({"*.md"}, QDir::Files, QDir::Name), files);
    GuidePage page;
    page.show();
    auto* titles = page.findChild<QListWidget*>();
    QCOMPARE(titles->count(), int(files.size()));
    auto* text = page.findChild<AnswerView*>();
    for (int row = 0; row < titles->count(); ++row) {
      titles->setCurrentRow(row);
      QVERIFY(!page.shown_title().isEmpty());
      QVERIFY2(text->text().startsWith("# " + page.shown_title()), qPrintable(page.shown_title()));
    }
    QCOMPARE(text->n_refused(), 0);  // no page asks for a picture or a style
  }

  void finds_pages_by_their_words() {
    GuidePage page;
    page.show();
    auto* search = page.findChild<QLineEdit*>();
    auto* titles = page.findChild<QListWidget*>();
    const int n_all = titles->count();
    search->setText("privacy");
    QVERIFY(titles->count() >= 1 && titles->count() < n_all);
    QVERIFY(page.findChild<AnswerView*>()->text().contains("privacy", Qt::CaseInsensitive));
    search->setText("no such word anywhere");
    QCOMPARE(titles->count(), 0);
    search->clear();
    QCOMPARE(titles->count(), n_all);
  }

  /// Every library that a build file asks for is named in About; a new one fails here.
  void names_every_library_the_build_asks_for() {
    const QHash<QString, QString> names = {{"nlohmann_json", "nlohmann"},
                                           {"ICU", "ICU"},
                                           {"SQLiteCpp", "SQLiteCpp"},
                                           {"sentencepiece", "sentence"},
                                           {"faiss", "FAISS"},
                                           {"OpenMP", "OpenMP"},
                                           {"CLI11", "CLI11"},
                                           {"ZLIB", "zlib"},
                                           {"Qt6", "Qt"},
                                           {"EXPAT", "Expat"},
                                           {"gumbo", "gumbo"},
                                           {"mbedcrypto", "Mbed TLS"},
                                           {"argon2", "Argon2"},
                                           {"tesseract", "Tesseract"},
                                           {"lept", "Leptonica"},
                                           {"uchardet", "uchardet"}};
    QString about;
    for (const auto& party : third_parties()) {
      QVERIFY(!party.licence.isEmpty() && !party.purpose.isEmpty());
      about += party.name + '\n';
    }
    const QString root = qEnvironmentVariable("KVLINK_SOURCE_DIR");
    static const QRegularExpression asked(R"(find_(?:package\(|library\(\w+\s+)(\w+))");
    for (const char* file : {"CMakeLists.txt", "app/CMakeLists.txt", "app/extract/CMakeLists.txt",
                             "cache/CMakeLists.txt", "inference/CMakeLists.txt",
                             "retrieval/CMakeLists.txt", "ui/CMakeLists.txt"}) {
      QFile build(root + '/' + file);
      if (!build.open(QIODevice::ReadOnly)) continue;
      auto matches = asked.globalMatch(QString::fromUtf8(build.readAll()));
      while (matches.hasNext()) {
        const QString name = matches.next().captured(1);
        if (name == "Threads") continue;  // of the system
        QVERIFY2(names.contains(name), qPrintable(file + QString(": ") + name));
        QVERIFY2(about.contains(names[name]), qPrintable(name + " is not in About"));
      }
    }
  }

  void lists_them_in_a_table_a_reader_can_name() {
    AboutBox box(nullptr);
    const auto* table = box.findChild<QTableWidget*>();
    QCOMPARE(table->rowCount(), int(third_parties().size()));
    QVERIFY(!table->accessibleName().isEmpty());
    QVERIFY(table->item(0, 1)->text().contains("LGPL"));
  }
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::HelpTest)
#include "help_test.moc"
