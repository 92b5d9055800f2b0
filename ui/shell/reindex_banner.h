// SPDX-License-Identifier: Apache-2.0
// What a newly chosen embedder is doing, above the columns.
#pragma once

namespace kvlink::desk {
class Desk;
}

namespace kvlink::ui {

class BannerStack;

/// From here on the banners say how far it is. GUI thread; both outlive the connection.
void follow_reindexing(desk::Desk& desk, BannerStack& banners);

}  // namespace kvlink::ui
