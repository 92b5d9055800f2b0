// SPDX-License-Identifier: Apache-2.0
// An ingestion in words: the progress line, and what came out.
#pragma once

#include <string>

#include "app/block_encoder.h"
#include "app/cli/output.h"
#include "app/ingest_progress.h"
#include "app/ingestion.h"

namespace kvlink::app {

/// "reading 3 of 12 files, 1.2 MB/s, 4 s left: notes.md"
std::string progress_line(const IngestProgress& progress);
/// "12 passages cached (2,310 tokens, 245 tokens/s), 3 were cached already."
std::string caching_line(const EncodeReport& report);
/// The whole report, as text or JSON.
void tell_report(Output& output, const IngestReport& report, bool no_kv);

}  // namespace kvlink::app
