// SPDX-License-Identifier: Apache-2.0
// A device is not trusted unseen: a few tokens say whether it computes what the CPU does.
#pragma once

#include "inference/decoder.h"
#include "inference/device/device_decoder.h"

namespace kvlink::inference {

/// Reads some tokens and decodes one more on both; then a longer text on the device alone, once as it
/// is and once with a part of it encoded, stored and loaded. kDevice when logits are not numbers or
/// differ by more than rounding explains; else throws what the device throws.
void expect_agreement(const ModelConfig& config, const Decoder& cpu, DeviceDecoder& device);

}  // namespace kvlink::inference
