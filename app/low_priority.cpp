// SPDX-License-Identifier: Apache-2.0
#include "app/low_priority.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace kvlink::app {

void lower_own_priority() {
  constexpr int kNice = 10;
  const auto thread = static_cast<id_t>(::gettid());
  const int now = ::getpriority(PRIO_PROCESS, thread);  // -1 may be a niceness: no matter
  static_cast<void>(::setpriority(PRIO_PROCESS, thread, std::max(now, kNice)));
}

}  // namespace kvlink::app
