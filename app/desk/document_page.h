// SPDX-License-Identifier: Apache-2.0
// A page of a document as a picture, with a passage's place on it. Internal to the desk.
#pragma once

#include <stop_token>

#include "app/desk/library_messages.h"
#include "app/session.h"

namespace kvlink::desk {

/// The page of a PDF on which the passage begins. Throws kNotFound (the passage is gone),
/// kUnsupported (its document has no pages to draw, has changed since it was indexed, or needs a
/// password), kCancelled, and what Extractor::read says.
PagePicture draw_page_of(app::Session& session, ChunkId chunk, int pixel_width,
                         std::stop_token stop);

}  // namespace kvlink::desk
