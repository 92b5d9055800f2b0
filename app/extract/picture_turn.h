// SPDX-License-Identifier: Apache-2.0
// How a photograph is to be held, as the camera noted it.
#pragma once

#include <string_view>

namespace kvlink::extract {

struct PictureTurn {
  bool mirrored = false;  ///< left and right are to be exchanged first
  int quarters = 0;       ///< then it is to be turned clockwise, 0 to 3
};

/// From the Exif of a JPEG; no turn where there is none, or where it makes no sense.
PictureTurn exif_turn(std::string_view jpeg);

}  // namespace kvlink::extract
