// SPDX-License-Identifier: Apache-2.0
#include "inference/engine_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

/// What happened, in order.
class Journal {
 public:
  void note(std::string what) {
    const std::lock_guard lock(mutex_);
    notes_.push_back(std::move(what));
  }
  std::vector<std::string> notes() const {
    const std::lock_guard lock(mutex_);
    return notes_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> notes_;
};

template <typename F>
std::optional<ErrorCode> error_of(F&& body) {
  try {
    body();
  } catch (const Exception& e) {
    return e.error().code;
  }
  return std::nullopt;
}

TEST(EngineGate, OneUserAtATime) {
  EngineGate gate;
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  int total = 0;  // protected by the gate alone: the thread sanitizer sees a missing order
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 200; ++i) {
          EngineGate::Turn turn(gate, t % 2 == 0 ? Priority::kQuestion : Priority::kIngestion, {});
          most = std::max(most.load(), ++inside);
          ++total;
          --inside;
          turn.give_way();
        }
      });
    }
  }
  EXPECT_EQ(total, 800);
  EXPECT_EQ(most, 1);
}

TEST(EngineGate, QuestionOvertakesIngestionAtTheNextLayer) {
  EngineGate gate;
  Journal journal;
  std::atomic<bool> is_answered = false;
  std::latch ingestion_began(1);
  std::jthread ingestion([&] {
    EngineGate::Turn turn(gate, Priority::kIngestion, {});
    journal.note("ingestion begins");
    ingestion_began.count_down();
    while (!is_answered) turn.give_way();
    journal.note("ingestion ends");
  });
  ingestion_began.wait();
  std::jthread question([&] {
    EngineGate::Turn turn(gate, Priority::kQuestion, {});
    journal.note("question");
    is_answered = true;
  });
  question.join();
  ingestion.join();
  EXPECT_EQ(journal.notes(),
            (std::vector<std::string>{"ingestion begins", "question", "ingestion ends"}));
}

TEST(EngineGate, QuestionDoesNotGiveWay) {
  EngineGate gate;
  Journal journal;
  std::jthread second;
  {
    EngineGate::Turn turn(gate, Priority::kQuestion, {});
    second = std::jthread([&] {
      EngineGate::Turn other(gate, Priority::kQuestion, {});
      journal.note("second");
    });
    for (int i = 0; i < 1000; ++i) turn.give_way();
    journal.note("first");
  }
  second.join();
  EXPECT_EQ(journal.notes(), (std::vector<std::string>{"first", "second"}));
}

TEST(EngineGate, HoldKeepsIngestionWaitingBetweenTwoCalls) {
  EngineGate gate;
  Journal journal;
  std::jthread ingestion;
  {
    std::optional<EngineGate::Hold> hold(std::in_place, gate);
    { EngineGate::Turn first(gate, Priority::kQuestion, {}); }
    ingestion = std::jthread([&] {
      EngineGate::Turn turn(gate, Priority::kIngestion, {});
      journal.note("ingestion");
    });
    for (int i = 0; i < 50; ++i) {
      EngineGate::Turn next(gate, Priority::kQuestion, {});
      std::this_thread::yield();
    }
    EngineGate::Hold moved(std::move(*hold));
    hold.reset();
    { EngineGate::Turn last(gate, Priority::kQuestion, {}); }
    journal.note("answer complete");
  }
  ingestion.join();
  EXPECT_EQ(journal.notes(), (std::vector<std::string>{"answer complete", "ingestion"}));
}

TEST(EngineGate, StopEndsAWait) {
  EngineGate gate;
  EngineGate::Turn turn(gate, Priority::kQuestion, {});
  for (auto priority : {Priority::kQuestion, Priority::kIngestion}) {
    std::stop_source stop;
    std::optional<ErrorCode> code;
    std::jthread waiting([&] {
      code = error_of([&] { EngineGate::Turn other(gate, priority, stop.get_token()); });
    });
    stop.request_stop();
    waiting.join();
    EXPECT_EQ(code, ErrorCode::kCancelled);
  }
}

TEST(EngineGate, StopTakesEffectBetweenLayers) {
  EngineGate gate;
  for (auto priority : {Priority::kQuestion, Priority::kIngestion}) {
    std::stop_source stop;
    EngineGate::Turn turn(gate, priority, stop.get_token());
    EXPECT_EQ(error_of([&] { turn.give_way(); }), std::nullopt);
    stop.request_stop();
    EXPECT_EQ(error_of([&] { turn.give_way(); }), ErrorCode::kCancelled);
  }
}

TEST(EngineGate, AQuestionThatIsStoppedWhileWaitingLetsIngestionGoOn) {
  EngineGate gate;
  std::stop_source stop;
  std::latch ingestion_began(1);
  std::atomic<bool> is_stopped = false;
  std::jthread ingestion([&] {
    EngineGate::Turn turn(gate, Priority::kIngestion, {});
    ingestion_began.count_down();
    while (!is_stopped) std::this_thread::yield();
    turn.give_way();  // would wait for ever if the question still counted
  });
  ingestion_began.wait();
  std::jthread question([&] {
    EXPECT_EQ(error_of([&] { EngineGate::Turn turn(gate, Priority::kQuestion, stop.get_token()); }),
              ErrorCode::kCancelled);
    is_stopped = true;
  });
  stop.request_stop();
  question.join();
  ingestion.join();
}

TEST(EngineGate, IngestionStoppedWhileItGivesWayDoesNotReturnATurnItLacks) {
  EngineGate gate;
  std::stop_source stop;
  std::latch ingestion_began(1);
  std::latch hold_taken(1);
  std::optional<ErrorCode> code;
  std::optional<EngineGate::Hold> hold;
  std::jthread ingestion([&] {
    code = error_of([&] {
      EngineGate::Turn turn(gate, Priority::kIngestion, stop.get_token());
      ingestion_began.count_down();
      hold_taken.wait();
      turn.give_way();
    });
  });
  ingestion_began.wait();
  hold.emplace(gate);
  hold_taken.count_down();
  Journal journal;
  std::jthread second;
  {
    EngineGate::Turn question(gate, Priority::kQuestion, {});
    stop.request_stop();
    ingestion.join();
    EXPECT_EQ(code, ErrorCode::kCancelled);
    second = std::jthread([&] {
      EngineGate::Turn turn(gate, Priority::kQuestion, {});
      journal.note("second");
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    journal.note("question ends");
  }
  second.join();
  EXPECT_EQ(journal.notes(), (std::vector<std::string>{"question ends", "second"}));
}

}  // namespace
}  // namespace kvlink::inference
