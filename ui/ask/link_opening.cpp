// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/link_opening.h"

#include <QClipboard>
#include <QCoreApplication>
#include <QDesktopServices>
#include <QGuiApplication>
#include <QPushButton>

#include "ui/ask/inline_message.h"

namespace kvlink::ui {
namespace {

constexpr qsizetype kMaxAddress = 2'000;

class LinkOpening {
  Q_DECLARE_TR_FUNCTIONS(kvlink::ui::LinkOpening)
};

}  // namespace

bool may_be_opened(const QUrl& address) {
  const bool web =
      address.scheme() == QLatin1String("http") || address.scheme() == QLatin1String("https");
  return address.isValid() && web && !address.host().isEmpty() && address.userInfo().isEmpty() &&
         address.toEncoded().size() <= kMaxAddress;
}

void offer_link(InlineMessage& message, const QUrl& address) {
  message.remove_buttons();
  const QString shown = QString::fromLatin1(address.toEncoded()).left(kMaxAddress);
  if (may_be_opened(address)) {
    message.tell(
        LinkOpening::tr("The answer links to %1 \u2013 outside of this computer.").arg(shown),
        Tone::kWarning);
    auto* open = message.add_button(LinkOpening::tr("Open in browser"));
    QObject::connect(open, &QPushButton::clicked, &message, [&message, address] {
      QDesktopServices::openUrl(address);
      message.hide();
    });
  } else {
    message.tell(
        LinkOpening::tr("This link is not opened: %1. Only plain web addresses are.").arg(shown),
        Tone::kWarning);
  }
  auto* copy = message.add_button(LinkOpening::tr("Copy address"));
  QObject::connect(copy, &QPushButton::clicked, &message,
                   [shown] { QGuiApplication::clipboard()->setText(shown); });
  auto* close = message.add_button(LinkOpening::tr("Close"));
  QObject::connect(close, &QPushButton::clicked, &message, &QWidget::hide);
}

}  // namespace kvlink::ui
