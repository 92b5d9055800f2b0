// SPDX-License-Identifier: Apache-2.0
// Turns on one backend: one user at a time, questions before ingestion.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>

namespace kvlink::inference {

/// Who is computing. Questions overtake ingestion at the next layer boundary.
enum class Priority { kQuestion, kIngestion };

/// Mutual exclusion with two priorities. Ingestion gets a turn only while no question waits or is
/// under way (Hold), and gives its turn away in the middle of its work through Turn::give_way.
/// Thread-safe; must outlive its turns and holds. One lock, held for no computation: a thread that
/// has a turn never waits for anything but its own turn back, so turns cannot deadlock.
class EngineGate {
 public:
  /// The right to compute. Returned to the gate when destroyed.
  class Turn {
   public:
    /// Waits. Throws kCancelled when `stop` is requested first.
    Turn(EngineGate& gate, Priority priority, std::stop_token stop);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    /// Called between layers: throws kCancelled on a requested stop; under ingestion, lets waiting
    /// questions go first and comes back when they are done.
    void give_way();
    /// Only the first half of that: throws kCancelled on a requested stop.
    void stop_if_asked() const;

   private:
    EngineGate& gate_;
    Priority priority_;
    std::stop_token stop_;
    bool held_ = false;
  };

  /// Keeps ingestion waiting between the calls of one question, so that a layer of ingestion does
  /// not come between two tokens of an answer. Holds no turn.
  class Hold {
   public:
    explicit Hold(EngineGate& gate);
    Hold(Hold&& other) noexcept;
    Hold& operator=(Hold&&) = delete;
    ~Hold();

   private:
    EngineGate* gate_;
  };

  /// What else ingestion does (reading files, splitting text) goes on while no question waits or is
  /// under way: it would take the processor from the answer. Throws kCancelled on a requested stop.
  void wait_for_questions(const std::stop_token& stop);

 private:
  void wait_for_turn(Priority priority, const std::stop_token& stop);
  void end_turn();

  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool taken_ = false;          // guarded by mutex_
  std::int32_t n_waiting_ = 0;  // questions waiting for a turn; guarded by mutex_
  std::int32_t n_holds_ = 0;    // guarded by mutex_
};

}  // namespace kvlink::inference
