// SPDX-License-Identifier: Apache-2.0
// From a document's bytes to its blocks: the right reader for what it is.
#pragma once

#include <string>

#include "retrieval/extract/frames.h"

namespace kvlink::extract {

/// Runs before the sandbox closes: what the readers would otherwise load later.
void prepare_readers();

/// The text, or the picture of a page, that is asked for. Throws Unreadable, Exception.
retrieval::ReadReport read_document(const std::string& bytes,
                                    const retrieval::ReadRequest& request);

}  // namespace kvlink::extract
