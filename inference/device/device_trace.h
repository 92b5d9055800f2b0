// SPDX-License-Identifier: Apache-2.0
// When a device did what, by events on its lanes.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "inference/device_kv.h"
#include "kernels/cuda/backend.h"

namespace kvlink::inference {

/// Off until begin(): marks cost an event each. Switches itself off after many. One user at a time,
/// as the backend.
class DeviceTrace {
 public:
  explicit DeviceTrace(cuda::CudaBackend& backend) : backend_(backend) {}

  /// Forgets what there was. The device should be idle: this moment is where its clock and the
  /// host's are laid together. Throws kDevice.
  void begin();
  bool is_on() const { return is_on_; }
  /// A point on a lane, behind what is queued there; its number.
  std::size_t mark(cuda::Lane lane);
  /// What lies between two marks.
  void add(DeviceSpan::Work work, std::size_t from, std::size_t to, std::int64_t bytes = 0);
  /// Switches off, waits for the last mark and says when everything was, by begin. Throws kDevice.
  std::vector<DeviceSpan> end();
  /// Switches off and forgets what there was.
  void drop() noexcept {
    is_on_ = false;
    n_marks_ = 0;
    pieces_.clear();
  }

 private:
  struct Piece {
    DeviceSpan::Work work;
    std::size_t from, to;
    std::int64_t bytes;
  };
  float milliseconds_at(std::size_t mark);

  cuda::CudaBackend& backend_;
  std::vector<cuda::EventHandle> events_;  // made once, used again
  std::size_t n_marks_ = 0;                // of them, in use; the first is begin()'s
  std::vector<Piece> pieces_;
  std::chrono::steady_clock::time_point began_;
  bool is_on_ = false;
};

}  // namespace kvlink::inference
