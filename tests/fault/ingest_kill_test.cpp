// SPDX-License-Identifier: Apache-2.0
// kill -9 at 200 random points of a real `kvlink add`: what was committed stays, the rest is made.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <set>
#include <thread>

#include "app/reconcile.h"
#include "tests/app/program.h"
#include "tests/app/tiny_library.h"

namespace kvlink::app::tests {
namespace {

constexpr int kKills = 200;
constexpr int kDocuments = 12;

/// Gives most documents another text, so that a run has texts to replace and blocks to erase.
void change_documents(const TinyLibrary& library, std::mt19937_64& random) {
  for (int i = 0; i < kDocuments; ++i) {
    if (random() % 4 == 0) continue;
    library.write("d" + std::to_string(i) + ".md",
                  story("boat " + std::to_string(random() % 1000), 9));
  }
}

struct StoreState {
  std::int64_t n_documents = 0;
  std::int64_t n_blocks = 0;
};

/// Opens both stores as the program would and checks every promise.
StoreState check_stores(const TinyLibrary& library) {
  SessionOptions options;
  options.paths = library.paths();
  options.parts = Parts::kStores;
  const auto session = value_or_throw(Session::open(options));
  EXPECT_EQ(session->store().sweep().n_rows_without_file, 0) << "a row came before its file";
  const auto verified = value_or_throw(session->store().verify({}, {}, {}));
  EXPECT_EQ(verified.n_damaged, 0);
  EXPECT_EQ(value_or_throw(erase_unowned_blocks(session->library(), session->store())), 0)
      << "blocks of text that no document has were left behind";
  StoreState state;
  for (const auto& document : value_or_throw(session->library().documents())) {
    ++state.n_documents;
    EXPECT_EQ(value_or_throw(session->library().chunks(document.id)).size(),
              static_cast<std::size_t>(document.n_chunks));
  }
  state.n_blocks = session->store().totals().n_blocks;
  return state;
}

TEST(IngestKill, EveryCommittedDocumentSurvivesAndTheLastRunFinishes) {
  const TinyLibrary library;
  write_file(library.paths().settings_file(),
             R"({"system_prompt": "Answer.", "chunk_target_tokens": 80, "chunk_max_tokens": 120,
                 "threads": 1})");
  std::mt19937_64 random(4);
  for (int i = 0; i < kDocuments; ++i) {
    library.write("d" + std::to_string(i) + ".md", story("boat", i + 4));
  }
  const std::vector<std::string> add = {KVLINK_PROGRAM,
                                        "--data-dir",
                                        library.paths().data.string(),
                                        "--models-dir",
                                        library.paths().models.string(),
                                        "add",
                                        library.document("").string()};

  // How long a whole run takes here, so that kills fall anywhere in it.
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_EQ(Program(library.folder(), add).wait().exit_code, 0);
  const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - begin);

  int n_killed = 0;
  int n_runs = 0;
  std::set<std::int64_t> blocks_seen;
  while (n_killed < kKills && n_runs < 3 * kKills && !::testing::Test::HasFailure()) {
    ++n_runs;
    change_documents(library, random);
    Program program(library.folder(), add);
    std::this_thread::sleep_for(
        std::chrono::microseconds(random() % static_cast<std::uint64_t>(whole.count())));
    program.send(SIGKILL);
    if (program.wait().exit_code == 128 + SIGKILL) ++n_killed;
    const auto state = check_stores(library);
    EXPECT_EQ(state.n_documents, kDocuments) << "a document that was there is gone";
    blocks_seen.insert(state.n_blocks);
  }
  std::printf("%d of %d runs killed; a whole run takes %lld ms\n", n_killed, n_runs,
              static_cast<long long>(whole.count() / 1000));
  EXPECT_EQ(n_killed, kKills) << "too many runs ended before the kill";
  EXPECT_GT(blocks_seen.size(), 1U) << "no kill fell into the writing of blocks";

  ASSERT_EQ(Program(library.folder(), add).wait().exit_code, 0);
  const auto session = library.open();
  const auto report = library.add(*session);
  EXPECT_EQ(report.n_unchanged, kDocuments);
  EXPECT_EQ(report.caching.n_found, session->library().n_chunks());
}

}  // namespace
}  // namespace kvlink::app::tests
