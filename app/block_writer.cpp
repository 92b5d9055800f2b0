// SPDX-License-Identifier: Apache-2.0
#include "app/block_writer.h"

#include <utility>

namespace kvlink::app {

BlockWriter::BlockWriter(cache::KvStore& store, retrieval::Library& library)
    : store_(store), library_(library), thread_([this] { work(); }) {}

BlockWriter::~BlockWriter() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool BlockWriter::submit(EncodedBlock job, WhenFull when_full) {
  const auto bytes = static_cast<std::int64_t>(job.block->bytes().size());
  std::unique_lock lock(mutex_);
  if (queue_.size() >= kCapacity && when_full == WhenFull::kDrop) return false;
  changed_.wait(lock, [this] { return queue_.size() < kCapacity; });
  queue_.push_back(std::move(job));
  queued_bytes_ += bytes;
  lock.unlock();
  changed_.notify_all();
  return true;
}

std::int64_t BlockWriter::queued_bytes() const {
  const std::lock_guard lock(mutex_);
  return queued_bytes_;
}

Result<void> BlockWriter::drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return queue_.empty() && !writing_; });
  const auto failure = std::exchange(failure_, std::nullopt);
  if (failure) return *failure;
  return {};
}

std::optional<Error> BlockWriter::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

std::int64_t BlockWriter::n_failed() const {
  const std::lock_guard lock(mutex_);
  return n_failed_;
}

void BlockWriter::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    EncodedBlock job = std::move(queue_.front());
    queue_.pop_front();
    writing_ = true;
    lock.unlock();
    write(job);
    lock.lock();
    writing_ = false;
    queued_bytes_ -= static_cast<std::int64_t>(job.block->bytes().size());
    changed_.notify_all();
  }
}

void BlockWriter::write(const EncodedBlock& job) {
  auto removed = [&] {
    const auto chunk = library_.chunk(job.chunk);
    return chunk && (!chunk.value() || chunk.value()->content != job.content);
  };
  if (removed()) return;
  Result<void> written = store_.put(job.key, *job.block, job.content, job.encode_time);
  // A removal that ran between the question and the write must not leave the text's KV behind.
  if (written && removed()) {
    if (const auto erased = store_.erase_content(job.content); !erased) written = erased.error();
  }
  if (written) return;
  const std::lock_guard lock(mutex_);
  ++n_failed_;
  if (!failure_) failure_ = written.error();
}

}  // namespace kvlink::app
