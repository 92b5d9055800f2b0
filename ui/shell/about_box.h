// SPDX-License-Identifier: Apache-2.0
// What this program is and what it is made of.
#pragma once

#include <QDialog>
#include <QString>
#include <vector>

namespace kvlink::ui {

/// A library or model that comes with the program or that it is linked with.
struct ThirdParty {
  QString name;
  QString licence;  ///< SPDX identifier, or its name where there is none
  QString purpose;
};

/// Everything the programs link directly, and the models they are delivered with.
std::vector<ThirdParty> third_parties();

/// Version, licence, and the table of third parties. Not modal to the window's work: nothing waits.
class AboutBox : public QDialog {
  Q_OBJECT

 public:
  explicit AboutBox(QWidget* parent);
};

}  // namespace kvlink::ui
