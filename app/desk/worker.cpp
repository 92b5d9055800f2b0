// SPDX-License-Identifier: Apache-2.0
#include "app/desk/worker.h"

#include <atomic>

namespace kvlink::desk {

RequestId next_request_id() {
  static std::atomic<RequestId> last = 0;
  return ++last;
}

void Worker::set_session(std::shared_ptr<app::Session> session) {
  if (!session) interrupt();
  post([this, session = std::move(session)] {
    if (session_) session_closing();
    const bool released = session == nullptr;
    session_ = session;
    if (released) {
      emit session_released();
      return;
    }
    session_opened();
  });
}

bool Worker::has_model() const { return session_ != nullptr && session_->can_answer(); }

std::optional<Problem> Worker::why_not(bool needs_model) const {
  if (!session_) {
    return Problem{ErrorCode::kBusy, tr("The library is not open yet. Try again in a moment.")};
  }
  if (needs_model && !has_model()) {
    return Problem{ErrorCode::kNotFound,
                   tr("There is no language model yet. Choose one under Models and settings.")};
  }
  return std::nullopt;
}

}  // namespace kvlink::desk
