// SPDX-License-Identifier: Apache-2.0
// A tokenizer.json, or after the byte 'M' a tokenizer.model, to a tokenizer that is then used.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "inference/tokenizer/tokenizer.h"
#include "inference/tokenizer/wordpiece.h"
#include "kernels/base/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t n_bytes) {
  using namespace kvlink::inference;
  const std::string_view input(reinterpret_cast<const char*>(bytes), n_bytes);
  TokenizerSource source;
  if (input.starts_with('M')) {
    source.kind = "tokenizer.model";
    source.model_bytes = input.substr(1);
  } else {
    source.kind = "tokenizer.json";
    source.json = input;
    static_cast<void>(WordPiece::from_json(input));
  }
  const auto made = make_tokenizer(source);
  if (!made) return 0;
  const Tokenizer& tokenizer = **made;
  // The input is also a text: a file's own words are what its vocabulary is likeliest to know.
  const auto ids = tokenizer.encode(input.substr(0, 4096));
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= tokenizer.vocab_size()) std::abort();
  }
  if (!kvlink::is_valid_utf8(tokenizer.decode(ids))) std::abort();
  return 0;
}
