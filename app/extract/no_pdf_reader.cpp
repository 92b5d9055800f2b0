// SPDX-License-Identifier: Apache-2.0
// In place of pdf_reader.cpp where Qt PDF is missing.
#include "app/extract/pdf_reader.h"
#include "app/extract/serve.h"

namespace kvlink::extract {
namespace {

[[noreturn]] void fail_without_pdf() {
  throw Unreadable(retrieval::ReadProblem::kUnsupported,
                   "PDF cannot be read: this KVLink was built without Qt PDF (qt6-pdf-dev)");
}

}  // namespace

bool can_read_pdf() { return false; }
void prepare_pdf() {}
void read_pdf(const std::string&, const std::string&, DocumentBuilder&) { fail_without_pdf(); }
retrieval::PageImage draw_pdf_page(const std::string&, const retrieval::ReadRequest&) {
  fail_without_pdf();
}

}  // namespace kvlink::extract
