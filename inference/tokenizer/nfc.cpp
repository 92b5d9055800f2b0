// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/nfc.h"

#include <algorithm>

#include "inference/tokenizer/text_scan.h"
#include "kernels/base/result.h"

#ifdef KVLINK_HAVE_ICU
#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#endif

namespace kvlink::inference {

#ifdef KVLINK_HAVE_ICU
namespace {

// Sorting combining characters takes the square of how many follow each other.
constexpr std::size_t kPartBytes = 4096;

const icu::Normalizer2& form_c() {
  UErrorCode status = U_ZERO_ERROR;
  const auto* form = icu::Normalizer2::getNFCInstance(status);
  if (U_FAILURE(status)) {
    fail(ErrorCode::kIo, "ICU has no data for Unicode normalisation; install its data package");
  }
  return *form;
}

/// The last place up to `limit` where nothing in front joins what follows; `limit`, moved back to
/// the beginning of a character, when there is none.
std::size_t end_of_part(const icu::Normalizer2& form, std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text.size();
  std::size_t at = limit;
  const auto is_inside = [&](std::size_t i) { return (text[i] & 0xC0) == 0x80; };
  while (is_inside(at)) --at;
  const std::size_t fallback = at;
  while (at > 0) {
    if (form.hasBoundaryBefore(static_cast<UChar32>(code_point_at(text, at)))) return at;
    do --at;
    while (is_inside(at));
  }
  return fallback;
}

}  // namespace

std::string to_nfc(std::string_view text) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(text.begin(), text.end(), is_ascii)) return std::string(text);
  const icu::Normalizer2& form = form_c();
  std::string out;
  out.reserve(text.size());
  icu::StringByteSink<std::string> sink(&out);
  while (!text.empty()) {
    const std::size_t n = end_of_part(form, text, kPartBytes);
    UErrorCode status = U_ZERO_ERROR;
    form.normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<std::int32_t>(n)), sink,
                       nullptr, status);
    if (U_FAILURE(status)) fail(ErrorCode::kOutOfMemory, "no memory to normalise text");
    text.remove_prefix(n);
  }
  return out;
}

#else

std::string to_nfc(std::string_view text) {
  expect_character_data(text);
  return std::string(text);
}

#endif

}  // namespace kvlink::inference
