// SPDX-License-Identifier: Apache-2.0
// Says so when a GPU fails and the processor goes on.
#pragma once

namespace kvlink::desk {
class Desk;
}

namespace kvlink::ui {

class BannerStack;

/// One banner, which the next start of the library closes. GUI thread; ends with `banners`.
void follow_gpu(desk::Desk& desk, BannerStack& banners);

}  // namespace kvlink::ui
