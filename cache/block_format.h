// SPDX-License-Identifier: Apache-2.0
// The block file, byte by byte as in FORMAT.md: writing, parsing and checking it.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cache/block_arena.h"
#include "cache/kv_store.h"
#include "kernels/base/file_system.h"
#include "kernels/base/kv_block.h"
#include "kernels/base/sha256.h"

namespace kvlink::cache {

/// What a block file says about itself: enough to rebuild its catalogue row.
struct BlockHeader {
  BlockKey key;
  Digest content;
  KvLayout layout;
  std::vector<std::int32_t> token_ids;
  std::int64_t created_unix = 0;
  std::chrono::nanoseconds encode_time{0};
};

/// Bytes of header region and planes for a block; the whole file is their sum.
std::int64_t header_bytes(const KvLayout& layout, std::int64_t n_tokens);
std::int64_t file_bytes(const KvLayout& layout, std::int64_t n_tokens);

/// Why a block file may not be used. Thrown by the functions below, beside Exception(kIo).
class BlockRejected : public std::exception {
 public:
  BlockRejected(MissReason reason, std::string detail)
      : reason_(reason), detail_(std::move(detail)) {}
  const char* what() const noexcept override { return detail_.c_str(); }
  MissReason reason() const { return reason_; }

 private:
  MissReason reason_;
  std::string detail_;
};

/// Throws kInvalidInput for a block that cannot be stored: no tokens, a geometry beyond the
/// format's limits, a dtype that is not for KV, or a value that is not finite.
void check_storable(const KvBlock& block);

/// The header region of `block`'s file: header_bytes(…) bytes, checksums included.
std::vector<std::byte> make_header(const BlockKey& key, const KvBlock& block, const Digest& content,
                                   std::int64_t created_unix, std::chrono::nanoseconds encode_time);

struct BlockRead {
  BlockHeader header;
  std::shared_ptr<KvBlock> block;
  std::chrono::nanoseconds read{0};
  std::chrono::nanoseconds verify{0};
};

/// Reads and checks the header region only. Allocates no more than the file's size.
BlockHeader read_header(ReadableFile& file);

/// Reads the whole block, into memory of `arena` where one is given, and checks every byte of the
/// file. Allocates no more than about twice the file's size. A file that changes meanwhile is
/// rejected or read as it was.
BlockRead read_block(ReadableFile& file, BlockArena* arena = nullptr);

}  // namespace kvlink::cache
