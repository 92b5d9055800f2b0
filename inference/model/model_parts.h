// SPDX-License-Identifier: Apache-2.0
// Which files a model is made of.
#pragma once

#include <filesystem>
#include <vector>

namespace kvlink::inference {

/// All parts of a split GGUF model of which `path` is one (NAME-00002-of-00003.gguf), the first
/// part first; else only `path`. Parts lie in one folder. Nothing is opened.
std::vector<std::filesystem::path> gguf_parts(const std::filesystem::path& path);

/// The files that model.safetensors.index.json of a folder names, each once, in the order of their
/// names. Throws kCorrupt for a name that leaves the folder, directly or through a symbolic link (a
/// hub's cache, where snapshots/REVISION links into blobs, is taken as it is), and kUnsupported
/// above 1,000 files.
std::vector<std::filesystem::path> list_shards(const std::filesystem::path& folder);

}  // namespace kvlink::inference
