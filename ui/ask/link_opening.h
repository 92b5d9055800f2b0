// SPDX-License-Identifier: Apache-2.0
// A link of an answer is opened after its whole address was shown and the user agreed.
#pragma once

#include <QUrl>

namespace kvlink::ui {

class InlineMessage;

/// Only addresses of the web; never files, programs or other schemes.
bool may_be_opened(const QUrl& address);

/// Shows the address as it will be used (other alphabets in ASCII) with the buttons "Open in
/// browser", "Copy address" and "Close"; without the first where it may not be opened.
void offer_link(InlineMessage& message, const QUrl& address);

}  // namespace kvlink::ui
