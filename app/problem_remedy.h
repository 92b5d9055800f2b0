// SPDX-License-Identifier: Apache-2.0
// What the user can do about a document that was not read, or not wholly.
#pragma once

#include <cstdint>

namespace kvlink::retrieval {
struct Document;
}

namespace kvlink::app {

enum class Remedy : std::uint8_t {
  kNone,       ///< nothing is wrong with it
  kPassword,   ///< give its password
  kRecognise,  ///< have its pictures read (OCR)
  kRetry,      ///< read it again, once what kept it from being read is different
};

/// The one that fits the reason.
Remedy remedy_of(const retrieval::Document& document);

}  // namespace kvlink::app
