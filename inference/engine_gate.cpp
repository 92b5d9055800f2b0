// SPDX-License-Identifier: Apache-2.0
#include "inference/engine_gate.h"

#include <utility>

#include "kernels/base/result.h"

namespace kvlink::inference {

void EngineGate::wait_for_turn(Priority priority, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const bool is_question = priority == Priority::kQuestion;
  if (is_question) ++n_waiting_;
  const bool admitted = changed_.wait(
      lock, stop, [&] { return !taken_ && (is_question || (n_waiting_ == 0 && n_holds_ == 0)); });
  if (is_question) --n_waiting_;
  if (!admitted || stop.stop_requested()) {
    // Ingestion may have been waiting for this question alone.
    changed_.notify_all();
    fail(ErrorCode::kCancelled, "stopped");
  }
  taken_ = true;
}

void EngineGate::wait_for_questions(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, stop, [&] { return n_waiting_ == 0 && n_holds_ == 0; });
  if (stop.stop_requested()) fail(ErrorCode::kCancelled, "stopped");
}

void EngineGate::end_turn() {
  {
    const std::lock_guard lock(mutex_);
    taken_ = false;
  }
  changed_.notify_all();
}

EngineGate::Turn::Turn(EngineGate& gate, Priority priority, std::stop_token stop)
    : gate_(gate), priority_(priority), stop_(std::move(stop)) {
  gate_.wait_for_turn(priority_, stop_);
  held_ = true;
}

EngineGate::Turn::~Turn() {
  if (held_) gate_.end_turn();
}

void EngineGate::Turn::stop_if_asked() const {
  if (stop_.stop_requested()) fail(ErrorCode::kCancelled, "stopped");
}

void EngineGate::Turn::give_way() {
  stop_if_asked();
  if (priority_ == Priority::kQuestion) return;
  {
    const std::lock_guard lock(gate_.mutex_);
    if (gate_.n_waiting_ == 0 && gate_.n_holds_ == 0) return;
  }
  gate_.end_turn();
  held_ = false;
  gate_.wait_for_turn(priority_, stop_);
  held_ = true;
}

EngineGate::Hold::Hold(EngineGate& gate) : gate_(&gate) {
  const std::lock_guard lock(gate_->mutex_);
  ++gate_->n_holds_;
}

EngineGate::Hold::Hold(Hold&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}

EngineGate::Hold::~Hold() {
  if (gate_ == nullptr) return;
  {
    const std::lock_guard lock(gate_->mutex_);
    --gate_->n_holds_;
  }
  gate_->changed_.notify_all();
}

}  // namespace kvlink::inference
