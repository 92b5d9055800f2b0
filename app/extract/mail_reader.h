// SPDX-License-Identifier: Apache-2.0
// Messages and mailboxes: the headers a reader looks at, the text, the names of attachments.
#pragma once

#include <string_view>

#include "app/extract/document_builder.h"

namespace kvlink::extract {

/// Appends one message (RFC 5322, MIME). Plain text is preferred to HTML. Malformed parts are taken
/// as text. Linear, parts nested at most 16 deep.
void read_mail(std::string_view bytes, DocumentBuilder& out);

/// Appends every message of a mailbox (mbox).
void read_mailbox(std::string_view bytes, DocumentBuilder& out);

}  // namespace kvlink::extract
