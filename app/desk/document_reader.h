// SPDX-License-Identifier: Apache-2.0
// A document's text with the places of its passages, for the Source panel. Internal to the desk.
#pragma once

#include "app/desk/library_messages.h"
#include "app/session.h"

namespace kvlink::desk {

/// The file as it is when it is still what was indexed, else the passages one after the other, with
/// a notice. Line ends are \n. Throws kNotFound for a document that is gone.
DocumentText read_document_text(app::Session& session, DocumentId document);

}  // namespace kvlink::desk
