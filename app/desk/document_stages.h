// SPDX-License-Identifier: Apache-2.0
// Rows of the library: what every document is ready for. Internal to the desk.
#pragma once

#include <optional>
#include <vector>

#include "app/desk/library_messages.h"
#include "app/session.h"

namespace kvlink::desk {

/// The row of a document as the library has it, its stage not counted: kSearchable or kFailed.
DocumentRow row_of(const retrieval::Document& document);

/// How far the document of its last passage goes.
DocumentExtent extent_of(const retrieval::StoredChunk& last);

/// Every document with its stage, by number: reads the catalogue of both stores once. Throws.
std::vector<DocumentRow> all_rows(app::Session& session);

/// Whether a block serves the session's model. Without a model every sound block does.
bool is_current(const app::Session& session, const cache::BlockRow& row);

/// What the store remembers of encoding: tokens a second; nothing when it is empty.
std::optional<double> encoding_rate(const std::vector<cache::BlockRow>& rows);

}  // namespace kvlink::desk
