// SPDX-License-Identifier: Apache-2.0
// From a weight type that a file names to code made for it.
#pragma once

#include "kernels/base/dtype.h"

namespace kvlink {

/// Calls body.template operator()<type>() for a weight type; nothing for kQ8Kv.
template <typename Body>
void for_weight_type(DType type, Body body) {
  switch (type) {
    case DType::kF32:
      return body.template operator()<DType::kF32>();
    case DType::kF16:
      return body.template operator()<DType::kF16>();
    case DType::kBF16:
      return body.template operator()<DType::kBF16>();
    case DType::kQ8_0:
      return body.template operator()<DType::kQ8_0>();
    case DType::kQ4_0:
      return body.template operator()<DType::kQ4_0>();
    case DType::kQ4_1:
      return body.template operator()<DType::kQ4_1>();
    case DType::kQ5_0:
      return body.template operator()<DType::kQ5_0>();
    case DType::kQ5_1:
      return body.template operator()<DType::kQ5_1>();
    case DType::kQ2K:
      return body.template operator()<DType::kQ2K>();
    case DType::kQ3K:
      return body.template operator()<DType::kQ3K>();
    case DType::kQ4K:
      return body.template operator()<DType::kQ4K>();
    case DType::kQ5K:
      return body.template operator()<DType::kQ5K>();
    case DType::kQ6K:
      return body.template operator()<DType::kQ6K>();
    case DType::kIq4Nl:
      return body.template operator()<DType::kIq4Nl>();
    case DType::kQ8Kv:
      return;
  }
}

}  // namespace kvlink
