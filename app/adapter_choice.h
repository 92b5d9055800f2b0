// SPDX-License-Identifier: Apache-2.0
// Which link adapter goes with the model that is loaded.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "inference/link/adapter.h"
#include "inference/model/model.h"

namespace kvlink::app {

struct AdapterChoice {
  std::shared_ptr<const inference::Adapter> adapter;  ///< null: none
  std::string reason;  ///< why there is none; a sentence without its full stop
};

/// wanted: "default" (the scheme of link ids beside the model, else the adapter in `folders` that
/// was made for it), "none", or a file. `base_hash` gives the SHA-256 of the model's weights file;
/// it is asked for only when there is something to compare. What cannot be used is no error: the
/// reason says what is wrong with it.
AdapterChoice find_adapter(const std::string& wanted, const inference::Model& model,
                           std::span<const std::filesystem::path> folders,
                           const std::function<Digest()>& base_hash);

/// The file that stands for a model when it is looked at again: the weights, not their folder; of
/// several the list of them, or the part that was named.
std::filesystem::path weights_file(const std::filesystem::path& model);

/// Every file that holds weights of a model, in the order of its parts. Throws what list_shards
/// throws.
std::vector<std::filesystem::path> weights_files(const std::filesystem::path& model);

/// SHA-256 of the bytes of a model's weights, one file after another: what an adapter names as its
/// base. Throws kIo, kCancelled when `stop` asks for it, and what list_shards throws.
Digest hash_of_weights(const std::filesystem::path& model, const std::stop_token& stop = {});

}  // namespace kvlink::app
