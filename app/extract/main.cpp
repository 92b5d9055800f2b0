// SPDX-License-Identifier: Apache-2.0
// kvlink-extract: reads one document from descriptor 0 and writes its blocks to descriptor 1.
#include "app/extract/readers.h"
#include "app/extract/serve.h"

int main(int argc, char** argv) {
  return kvlink::extract::serve(argc, argv, kvlink::extract::prepare_readers,
                                kvlink::extract::read_document);
}
