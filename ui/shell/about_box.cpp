// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/about_box.h"

#include <QDialogButtonBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QTableWidget>
#include <QVBoxLayout>

#include "ui/theme/icons.h"

namespace kvlink::ui {
namespace {

constexpr int kColumns = 3;

QLabel* line(const QString& text, QWidget* parent) {
  auto* label = new QLabel(text, parent);
  label->setTextFormat(Qt::PlainText);
  label->setWordWrap(true);
  label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  return label;
}

QTableWidget* table_of(const std::vector<ThirdParty>& parties, QWidget* parent) {
  auto* table = new QTableWidget(static_cast<int>(parties.size()), kColumns, parent);
  table->setAccessibleName(AboutBox::tr("Third parties and their licences"));
  table->setHorizontalHeaderLabels(
      {AboutBox::tr("Part"), AboutBox::tr("Licence"), AboutBox::tr("What it does here")});
  table->verticalHeader()->hide();
  table->horizontalHeader()->setHighlightSections(false);
  table->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
  table->horizontalHeader()->setStretchLastSection(true);
  table->setEditTriggers(QAbstractItemView::NoEditTriggers);
  table->setSelectionBehavior(QAbstractItemView::SelectRows);
  table->setShowGrid(false);
  table->setAlternatingRowColors(true);
  table->setTabKeyNavigation(false);
  int row = 0;
  for (const auto& party : parties) {
    table->setItem(row, 0, new QTableWidgetItem(party.name));
    table->setItem(row, 1, new QTableWidgetItem(party.licence));
    table->setItem(row, 2, new QTableWidgetItem(party.purpose));
    ++row;
  }
  table->resizeColumnsToContents();
  return table;
}

}  // namespace

std::vector<ThirdParty> third_parties() {
  const auto qt = QStringLiteral("Qt %1").arg(QLatin1String(qVersion()));
  return {
      {qt, "LGPL-3.0-only", AboutBox::tr("the window, and talking to the desktop")},
      {"SQLite", "blessing (public domain)", AboutBox::tr("both databases, full-text search")},
      {"SQLiteCpp", "MIT", AboutBox::tr("C++ face of SQLite")},
      {"FAISS", "MIT", AboutBox::tr("search by vectors")},
      {"OpenBLAS or another BLAS and LAPACK", "BSD-3-Clause",
       AboutBox::tr("linear algebra that FAISS calls")},
      {"OpenMP (libgomp)", "GPL-3.0-or-later WITH GCC-exception-3.1",
       AboutBox::tr("threads of FAISS")},
      {"sentencepiece", "Apache-2.0", AboutBox::tr("tokenizers of the Llama 2 kind")},
      {"ICU", "Unicode-3.0", AboutBox::tr("Unicode for the tokenizers")},
      {"JSON for Modern C++ (nlohmann)", "MIT", AboutBox::tr("model configurations, exports")},
      {"Expat", "MIT", AboutBox::tr("reads the parts of office documents")},
      {"gumbo", "Apache-2.0", AboutBox::tr("reads HTML")},
      {"Mbed TLS (libmbedcrypto)", "Apache-2.0",
       AboutBox::tr("opens documents that are encrypted with a password")},
      {"Argon2 (libargon2)", "CC0-1.0 OR Apache-2.0",
       AboutBox::tr("keys of OpenDocument files that are encrypted with a password")},
      {"uchardet", "MPL-1.1 OR GPL-2.0-or-later OR LGPL-2.1-or-later",
       AboutBox::tr("recognises the encoding of texts")},
      {"Tesseract", "Apache-2.0", AboutBox::tr("reads text in pictures, where it is installed")},
      {"Leptonica", "BSD-2-Clause", AboutBox::tr("decodes pictures for Tesseract")},
      {"PDFium (in Qt PDF)", "BSD-3-Clause AND Apache-2.0", AboutBox::tr("reads PDF files")},
      {"xxHash", "BSD-2-Clause", AboutBox::tr("checksums of cache files")},
      {"CLI11", "BSD-3-Clause", AboutBox::tr("the command line of kvlink")},
      {"zlib", "Zlib", AboutBox::tr("compressed files of questions for measuring")},
      {"GNU C++ library", "GPL-3.0-or-later WITH GCC-exception-3.1",
       AboutBox::tr("the language's own library")},
      {"SmolLM2-135M-Instruct", "Apache-2.0", AboutBox::tr("the default model that answers")},
      {"all-MiniLM-L6-v2", "Apache-2.0", AboutBox::tr("the default model that finds passages")},
  };
}

AboutBox::AboutBox(QWidget* parent) : QDialog(parent) {
  setObjectName(QStringLiteral("aboutBox"));
  setWindowTitle(tr("About KVLink"));
  auto* picture = new QLabel(this);
  picture->setPixmap(program_icon().pixmap(64, 64));
  picture->setAlignment(Qt::AlignTop);
  auto* name = line(tr("KVLink Desktop %1").arg(QStringLiteral(KVLINK_VERSION)), this);
  QFont large = name->font();
  large.setPointSizeF(large.pointSizeF() * 1.4);
  large.setWeight(QFont::DemiBold);
  name->setFont(large);
  auto* words = new QVBoxLayout;
  words->addWidget(name);
  words->addWidget(
      line(tr("Answers about your own documents, on this computer only: this program opens no "
              "connection to a network."),
           this));
  words->addWidget(line(tr("Licensed under the Apache License 2.0."), this));
  auto* top = new QHBoxLayout;
  top->setSpacing(16);
  top->addWidget(picture);
  top->addLayout(words, 1);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  auto* column = new QVBoxLayout(this);
  column->addLayout(top);
  column->addSpacing(8);
  column->addWidget(line(tr("It is made with the work of others:"), this));
  column->addWidget(table_of(third_parties(), this), 1);
  column->addWidget(buttons);
  resize(960, 600);
}

}  // namespace kvlink::ui
