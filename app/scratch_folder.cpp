// SPDX-License-Identifier: Apache-2.0
#include "app/scratch_folder.h"

#include <stdlib.h>

#include <string>
#include <system_error>

#include "kernels/base/result.h"

namespace kvlink::app {

ScratchFolder::ScratchFolder(const std::filesystem::path& parent, std::string_view name) {
  std::string pattern = (parent / (std::string(name) + "-XXXXXX")).string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    fail(ErrorCode::kIo, "Cannot make a temporary folder in " + parent.string() +
                             ". Check that you may write there.");
  }
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace kvlink::app
