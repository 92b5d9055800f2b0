// SPDX-License-Identifier: Apache-2.0
// vectors.faiss: a rebuildable copy of the vector index, with a header and checksum of our own in
// front, because FAISS believes whatever it reads.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "kernels/base/file_system.h"
#include "kernels/base/sha256.h"
#include "retrieval/vector_index.h"

namespace kvlink::retrieval {

/// What a vector file belongs to; all of it must match.
struct VectorFileIdentity {
  Digest space;                         ///< fingerprint of the embedder
  std::array<std::uint8_t, 16> save{};  ///< drawn anew for each save, also noted in library.db
  std::int32_t dim = 0;
  friend bool operator==(const VectorFileIdentity&, const VectorFileIdentity&) = default;
};

/// Writes atomically. Throws kIo and kOutOfMemory as FileSystem does.
void write_vector_file(FileSystem& files, const std::filesystem::path& path,
                       const VectorFileIdentity& identity, const VectorIndex& index);

/// The index, or nothing and why: missing, another identity, damaged.
std::optional<VectorIndex> read_vector_file(FileSystem& files, const std::filesystem::path& path,
                                            const VectorFileIdentity& identity,
                                            VectorIndexOptions options, std::string& reason);

}  // namespace kvlink::retrieval
