// SPDX-License-Identifier: Apache-2.0
// The ingestion writer: the one thread that puts blocks into the KvStore.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "cache/kv_store.h"
#include "kernels/base/kv_block.h"
#include "kernels/base/result.h"
#include "retrieval/library.h"

namespace kvlink::app {

/// A block to be kept.
struct EncodedBlock {
  cache::BlockKey key;
  std::shared_ptr<const KvBlock> block;
  Digest content;  ///< of the text it was made from
  std::chrono::nanoseconds encode_time{0};
  retrieval::ChunkId chunk = 0;  ///< the passage it belongs to
};

/// Bounded queue with a thread behind it. A block whose passage was removed meanwhile is not kept.
/// Safe to use from any thread; borrows the store and the library. The destructor writes what is
/// queued.
class BlockWriter {
 public:
  static constexpr std::size_t kCapacity = 8;

  BlockWriter(cache::KvStore& store, retrieval::Library& library);
  ~BlockWriter();
  BlockWriter(const BlockWriter&) = delete;
  BlockWriter& operator=(const BlockWriter&) = delete;

  /// kWait: ingestion waits for room. kDrop: an answer never waits for the disk; its block is lost
  /// when the queue is full (false), and encoded again when it is needed.
  enum class WhenFull { kWait, kDrop };
  bool submit(EncodedBlock job, WhenFull when_full);

  /// Bytes of blocks that wait or are being written.
  std::int64_t queued_bytes() const;
  /// Waits until nothing is queued; the first failure since the last drain.
  Result<void> drain();
  /// The first failure since the last drain, without waiting.
  std::optional<Error> failure() const;
  /// Blocks that could not be written, ever.
  std::int64_t n_failed() const;

 private:
  void work();
  void write(const EncodedBlock& job);

  cache::KvStore& store_;
  retrieval::Library& library_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<EncodedBlock> queue_;  // guarded by mutex_
  std::int64_t queued_bytes_ = 0;   // guarded by mutex_
  bool writing_ = false;            // guarded by mutex_
  bool closing_ = false;            // guarded by mutex_
  std::optional<Error> failure_;    // guarded by mutex_
  std::int64_t n_failed_ = 0;       // guarded by mutex_
  std::thread thread_;
};

}  // namespace kvlink::app
