// SPDX-License-Identifier: Apache-2.0
#include "kernels/base/result.h"

namespace kvlink {

const char* error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kOutOfMemory:
      return "out_of_memory";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kDevice:
      return "device";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kInvalidInput:
      return "invalid_input";
    case ErrorCode::kBusy:
      return "busy";
  }
  return "unknown";
}

}  // namespace kvlink
