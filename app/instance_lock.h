// SPDX-License-Identifier: Apache-2.0
// One process at a time works on a data folder.
#pragma once

#include <filesystem>

#include "kernels/base/result.h"

namespace kvlink::app {

/// An exclusive flock on a file that names the owner's pid. Move-only; released by the destructor,
/// and by the kernel when the process dies. The name is blanked on a clean release, so that the
/// next owner knows whether this one finished, unless one before it died and nobody has set right
/// what it left; the file keeps its bytes, because a full disk would not give them again.
class InstanceLock {
 public:
  /// kBusy names the pid that holds it; kIo with the system's words. On a full disk the lock is
  /// held without a name.
  static Result<InstanceLock> acquire(const std::filesystem::path& file);
  InstanceLock(InstanceLock&& other) noexcept;
  InstanceLock& operator=(InstanceLock&& other) noexcept;
  InstanceLock(const InstanceLock&) = delete;
  InstanceLock& operator=(const InstanceLock&) = delete;
  ~InstanceLock();

  /// Writes this process's number, if the disk had no room for it.
  void name_owner();

  /// Whether the last owner ended without releasing: it was killed, or the machine went down.
  bool previous_owner_died() const { return previous_owner_died_; }
  /// What that owner left has been set right.
  void settle() { is_settled_ = true; }
  /// This owner leaves something that the next one has to set right, as if it had died.
  void unsettle();

 private:
  InstanceLock(int descriptor, bool previous_owner_died)
      : descriptor_(descriptor), previous_owner_died_(previous_owner_died) {}
  int descriptor_ = -1;
  bool previous_owner_died_ = false;
  bool is_named_ = false;
  bool is_settled_ = false;
  bool leaves_work_ = false;
};

}  // namespace kvlink::app
