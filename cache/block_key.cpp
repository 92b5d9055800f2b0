// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "cache/kv_store.h"

namespace kvlink::cache {

BlockKey BlockKey::of(const Digest& model, const Digest& recipe,
                      std::span<const std::int32_t> token_ids) {
  // Hashed as they lie in memory: little-endian, as FORMAT.md stores them.
  if (std::find(token_ids.begin(), token_ids.end(), -1) == token_ids.end()) {
    return {.model = model, .recipe = recipe, .tokens = sha256(std::as_bytes(token_ids))};
  }
  std::vector<std::int32_t> text;
  std::copy_if(token_ids.begin(), token_ids.end(), std::back_inserter(text),
               [](std::int32_t id) { return id != -1; });
  return {.model = model, .recipe = recipe, .tokens = sha256(std::as_bytes(std::span(text)))};
}

Digest BlockKey::id() const {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(model.bytes)));
  hash.update(std::as_bytes(std::span(recipe.bytes)));
  hash.update(std::as_bytes(std::span(tokens.bytes)));
  return hash.finish();
}

std::string_view miss_reason_name(MissReason reason) {
  switch (reason) {
    case MissReason::kNeverEncoded:
      return "never_encoded";
    case MissReason::kOtherModel:
      return "other_model";
    case MissReason::kOtherRecipe:
      return "other_recipe";
    case MissReason::kEvicted:
      return "evicted";
    case MissReason::kFileMissing:
      return "file_missing";
    case MissReason::kChecksum:
      return "checksum";
    case MissReason::kVersion:
      return "version";
    case MissReason::kTokensDiffer:
      return "tokens_differ";
    case MissReason::kIo:
      return "io";
  }
  return "unknown";
}

}  // namespace kvlink::cache
