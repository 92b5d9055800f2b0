// SPDX-License-Identifier: Apache-2.0
// What a model file may ask for at most: checked before anything is allocated.
#pragma once

#include <cstdint>

namespace kvlink::inference::limits {

// Far above every published Llama-family model, far below what could exhaust memory or time.
inline constexpr std::uint64_t kMaxKeys = 65'536;
inline constexpr std::uint64_t kMaxTensors = 65'536;
inline constexpr std::uint64_t kMaxKeyBytes = 65'535;
inline constexpr std::uint64_t kMaxNameBytes = 1'024;
inline constexpr std::uint64_t kMaxArrayEntries = 16'777'216;
inline constexpr std::uint64_t kMaxLayers = 512;
inline constexpr std::uint64_t kMaxHeads = 1'024;
inline constexpr std::uint64_t kMaxHeadDim = 1'024;
inline constexpr std::uint64_t kMaxModelDim = 65'536;
inline constexpr std::uint64_t kMaxFfnDim = 1'048'576;
inline constexpr std::uint64_t kMaxVocabulary = 1'048'576;
inline constexpr std::uint64_t kMaxContext = 16'777'216;
inline constexpr std::uint64_t kMaxMerges = 1'048'576;
inline constexpr std::uint64_t kMaxTokenBytes = 65'535;
inline constexpr std::uint64_t kMaxTemplateBytes = 1'048'576;
inline constexpr std::uint64_t kMaxConfigBytes = 1'048'576;
inline constexpr std::uint64_t kMaxIndexBytes = 4'194'304;
inline constexpr std::uint64_t kMaxTokenizerBytes = 67'108'864;
inline constexpr std::uint64_t kMaxSafetensorsHeader = 100'000'000;

}  // namespace kvlink::inference::limits
