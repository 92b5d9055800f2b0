// SPDX-License-Identifier: Apache-2.0
// Says so when the library's folder or the model's file goes while the window is open.
#pragma once

namespace kvlink::desk {
class Desk;
}

namespace kvlink::ui {

class BannerStack;

/// One banner for each, with the one thing to do about it. GUI thread; ends with `banners`.
void follow_losses(desk::Desk& desk, BannerStack& banners);

}  // namespace kvlink::ui
