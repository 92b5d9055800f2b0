// SPDX-License-Identifier: Apache-2.0
// kill -9 while the desk reads, answers, evicts and changes settings: what a signal had told is
// there at the next start, and what was left half done is set aside with a sentence.
// KVLINK_DESK_KILLS=n: n kills of each kind.
#include <gtest/gtest.h>
#include <signal.h>

#include <QCoreApplication>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "app/reconcile.h"
#include "tests/app/program.h"
#include "tests/ui/desk_fixture.h"

namespace kvlink::app::tests {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr int kDocuments = 16;
constexpr int kSentences = 24;
constexpr auto kSettings = R"({"system_prompt": "Answer.", "chunk_target_tokens": 80,
    "chunk_max_tokens": 120, "max_answer_tokens": 8, "threads": 1})";

int n_kills() {
  const char* wanted = std::getenv("KVLINK_DESK_KILLS");
  return wanted == nullptr ? 5 : std::max(1, std::atoi(wanted));
}

struct Told {
  std::string word;
  std::string rest;
};

/// What a child printed: a word and the rest of its line. A line that the kill cut short was not
/// told.
std::vector<Told> told_in(const std::string& out) {
  std::vector<Told> told;
  std::istringstream lines(out.substr(0, out.rfind('\n') + 1));
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.find(' ');
    told.push_back({line.substr(0, space), line.substr(space + 1)});
  }
  return told;
}

bool contains_word(const std::vector<Told>& told, const std::string& word) {
  return std::any_of(told.begin(), told.end(), [&](const Told& one) { return one.word == word; });
}

class DeskKill : public ::testing::Test {
 protected:
  void SetUp() override {
    write_file(library_.paths().settings_file(), kSettings);
    for (int i = 0; i < kDocuments; ++i) write_document(i, 0);
  }

  void TearDown() override {
    std::printf("%d kills, %d in the middle of the work, %d starts said what was set aside\n",
                n_killed_, n_in_the_middle_, n_notices_);
    EXPECT_EQ(n_killed_, n_kills());
  }

  fs::path path_of(int document) const {
    return library_.document("d" + std::to_string(document) + ".md");
  }
  /// Every sentence names the version and the document: no two share a passage.
  void write_document(int document, int version) {
    versions_[path_of(document).string()] = version;
    write_file(path_of(document),
               story("boat " + std::to_string(version) + " of dock " + std::to_string(document),
                     kSentences));
  }

  std::vector<std::string> command(const std::string& work) const {
    return {KVLINK_DESK_CHILD, work, library_.paths().data.string(),
            library_.paths().models.string(), library_.document("").string()};
  }

  /// Waits until the child has told `word`; false: it ended, or takes too long.
  static bool await(Program& program, const std::string& word) {
    const auto patience = std::chrono::steady_clock::now() + 60s;
    while (!contains_word(told_in(program.out_so_far()), word)) {
      if (!program.running() || std::chrono::steady_clock::now() > patience) return false;
      std::this_thread::sleep_for(1ms);
    }
    return true;
  }

  /// Runs the child and kills it within `most` after it told `word` (one in eight times: after its
  /// start); what it told.
  std::vector<Told> kill_during(const std::string& work, const std::string& word,
                                milliseconds most) {
    Program program(library_.folder(), command(work));
    if (random_() % 8 != 0) {
      EXPECT_TRUE(await(program, word)) << program.out_so_far();
    }
    std::this_thread::sleep_for(
        std::chrono::microseconds(random_() % static_cast<std::uint64_t>(most.count() * 1000)));
    program.send(SIGKILL);
    const auto result = program.wait();
    EXPECT_EQ(result.exit_code, 128 + SIGKILL) << result.out << result.err;
    ++n_killed_;
    return told_in(result.out);
  }

  /// How long the child needs to tell `word`; it is then killed.
  milliseconds time_until(const std::string& work, const std::string& word) {
    Program program(library_.folder(), command(work));
    EXPECT_TRUE(await(program, "open")) << program.out_so_far();
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(await(program, word)) << program.out_so_far();
    const auto end = std::chrono::steady_clock::now();
    program.send(SIGKILL);
    program.wait();
    return std::max(100ms, std::chrono::duration_cast<milliseconds>(end - begin));
  }

  std::int64_t n_block_files() const {
    const auto folder = library_.paths().kv_folder() / "blocks";
    std::int64_t n = 0;
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
      n += entry.is_regular_file() ? 1 : 0;
    }
    return n;
  }

  /// The next start, as the window makes it: whatever it takes away is said.
  desk::DeskFacts start_again() {
    const std::int64_t before = n_block_files();
    desk::DeskFacts facts;
    {
      desk::DeskOptions options;
      options.paths = library_.paths();
      desk::Desk desk(std::move(options));
      ui::tests::Inbox opened(&desk, &desk::Desk::opened);
      desk.open();
      EXPECT_TRUE(opened.wait()) << "the desk does not start again";
      if (!opened.is_empty()) facts = opened.last();
    }
    const bool took_something = n_block_files() < before;
    n_notices_ += facts.notices.empty() ? 0 : 1;
    EXPECT_TRUE(!took_something || !facts.notices.empty()) << "files went without a word";
    for (const auto& notice : facts.notices) {
      EXPECT_TRUE(notice.startsWith(QLatin1String("The last run was interrupted")))
          << notice.toStdString();
    }
    return facts;
  }

  /// Both stores after that start, and every promise that holds at any time.
  std::unique_ptr<Session> check_stores() {
    SessionOptions options;
    options.paths = library_.paths();
    options.parts = Parts::kStores;
    auto session = value_or_throw(Session::open(options));
    EXPECT_EQ(value_or_throw(session->store().verify({}, {}, {})).n_damaged, 0);
    EXPECT_EQ(value_or_throw(erase_unowned_blocks(session->library(), session->store())), 0);
    std::set<std::string> paths;
    for (const auto& document : value_or_throw(session->library().documents())) {
      EXPECT_TRUE(paths.insert(document.path).second) << document.path << " is there twice";
      EXPECT_EQ(value_or_throw(session->library().chunks(document.id)).size(),
                static_cast<std::size_t>(document.n_chunks));
    }
    return session;
  }

  /// Which version of a document the library has; every passage must be of the same. -1: none.
  static int version_in(Session& session, const std::string& path) {
    const auto document = value_or_throw(session.library().find_path(path));
    if (!document) return -1;
    std::set<int> versions;
    for (const auto& chunk : value_or_throw(session.library().chunks(document->id))) {
      const auto at = chunk.chunk.text.find("boat ");
      if (at != std::string::npos) versions.insert(std::atoi(chunk.chunk.text.c_str() + at + 5));
    }
    EXPECT_EQ(versions.size(), 1U) << path << " is half old, half new";
    return versions.empty() ? -1 : *versions.rbegin();
  }

  /// Content of a passage → its document.
  static std::map<Digest, retrieval::DocumentId> owners(Session& session) {
    std::map<Digest, retrieval::DocumentId> owners;
    for (const auto& chunk : value_or_throw(session.library().chunk_contents())) {
      owners[chunk.content] = chunk.document;
    }
    return owners;
  }

  TinyLibrary library_;
  std::map<std::string, int> versions_;  ///< of the files on disk
  std::mt19937_64 random_{6};
  int n_killed_ = 0;
  int n_in_the_middle_ = 0;
  int n_notices_ = 0;
};

TEST_F(DeskKill, KeepsEveryDocumentThatWasSearchable) {
  auto kept = versions_;  // what the library has
  const auto whole = time_until("ingest", "finished");
  for (int i = 0; i < n_kills() && !HasFailure(); ++i) {
    for (int d = 0; d < kDocuments; ++d) {
      if (random_() % 4 != 0) write_document(d, i + 1);
    }
    const auto told = kill_during("ingest", "open", whole);
    const bool is_finished = contains_word(told, "finished");
    n_in_the_middle_ += is_finished ? 0 : 1;
    start_again();
    const auto session = check_stores();
    for (const auto& one : told) {
      if (one.word != "document") continue;
      EXPECT_EQ(version_in(*session, one.rest), versions_[one.rest]) << one.rest;
    }
    for (auto& [path, version] : kept) {
      const int there = version_in(*session, path);
      EXPECT_TRUE(there == version || there == versions_[path]) << path << ": " << there;
      EXPECT_TRUE(!is_finished || there == versions_[path]);
      version = there;
    }
    EXPECT_TRUE(!is_finished ||
                session->store().totals().n_blocks == session->library().n_chunks());
  }
  time_until("ingest", "finished");
  start_again();
  const auto session = check_stores();
  for (const auto& [path, version] : versions_) EXPECT_EQ(version_in(*session, path), version);
  EXPECT_EQ(session->store().totals().n_blocks, session->library().n_chunks());
}

TEST_F(DeskKill, KeepsEveryAnswerThatWasFinished) {
  time_until("ingest", "finished");
  const auto until_turn = time_until("answer", "turn");
  start_again();
  std::map<retrieval::ConversationId, std::size_t> known;
  for (const auto& one : value_or_throw(check_stores()->library().conversations())) {
    known[one.id] = value_or_throw(check_stores()->library().conversation(one.id)).turns.size();
  }
  for (int i = 0; i < n_kills() && !HasFailure(); ++i) {
    const auto told = kill_during("answer", "open", 3 * until_turn);
    for (const auto& one : told) {
      if (one.word == "turn") ++known[std::stoll(one.rest)];
    }
    ++n_in_the_middle_;  // there is no end to the questions
    start_again();
    const auto session = check_stores();
    std::size_t n_told = 0;
    for (const auto& [id, n] : known) n_told += n;
    std::size_t n_kept = 0;
    for (const auto& one : value_or_throw(session->library().conversations())) {
      const auto turns = value_or_throw(session->library().conversation(one.id)).turns;
      EXPECT_FALSE(turns.empty()) << "a conversation without an answer";
      EXPECT_GE(turns.size(), known[one.id]) << "a finished answer is gone";
      for (const auto& turn : turns) EXPECT_EQ(turn.question, "What has the boat?");
      n_kept += turns.size();
      known[one.id] = turns.size();
    }
    EXPECT_GE(n_kept, n_told);
    EXPECT_LE(n_kept, n_told + 1) << "more answers than were asked for";
    EXPECT_EQ(value_or_throw(session->library().documents()).size(), std::size_t{kDocuments});
  }
  EXPECT_FALSE(known.empty());
}

TEST_F(DeskKill, KeepsWhatWasPinnedAndForgetsWhatWasEvicted) {
  time_until("ingest", "finished");
  const auto whole = time_until("evict", "evicted");
  for (int i = 0; i < n_kills() && !HasFailure(); ++i) {
    const auto told = kill_during("evict", "open", 2 * whole);
    std::set<retrieval::DocumentId> pinned;
    std::set<retrieval::DocumentId> evicted;
    for (const auto& one : told) {
      if (one.word == "pinned") pinned.insert(std::stoll(one.rest));
      if (one.word == "evicted") evicted.insert(std::stoll(one.rest));
      if (one.word == "over") pinned.clear(), evicted.clear();
    }
    n_in_the_middle_ += contains_word(told, "cached") ? 1 : 0;
    start_again();
    const auto session = check_stores();
    const auto owner = owners(*session);
    EXPECT_EQ(value_or_throw(session->library().documents()).size(), std::size_t{kDocuments});
    std::map<retrieval::DocumentId, std::int64_t> n_pinned;
    for (const auto& row : value_or_throw(session->store().list())) {
      ASSERT_TRUE(owner.contains(row.content));
      const auto document = owner.at(row.content);
      EXPECT_FALSE(evicted.contains(document)) << "an evicted block came back";
      n_pinned[document] += row.pinned ? 1 : 0;
    }
    for (const auto& document : value_or_throw(session->library().documents())) {
      if (!pinned.contains(document.id)) continue;
      EXPECT_EQ(n_pinned[document.id], document.n_chunks) << "a pin was forgotten";
    }
  }
}

TEST_F(DeskKill, HasTheOldSettingsOrTheNewOnes) {
  int last = 8;
  for (int i = 0; i < n_kills() && !HasFailure(); ++i) {
    const auto told = kill_during("settings", "open", 400ms);
    if (told.size() > 1) ++n_in_the_middle_;
    if (!told.empty()) {
      EXPECT_EQ(std::stoi(told.front().rest), last) << "a setting in force was forgotten";
      last = std::stoi(told.back().rest);
    }
    const auto settings = start_again().settings;
    EXPECT_GE(settings.max_answer_tokens, last);
    EXPECT_LE(settings.max_answer_tokens, last + 1);
    EXPECT_EQ(settings.system_prompt, "Answer.") << "settings.json was not read";
    last = settings.max_answer_tokens;
    check_stores();
  }
  EXPECT_GT(last, 8);
}

}  // namespace
}  // namespace kvlink::app::tests

int main(int argc, char** argv) {
  QCoreApplication application(argc, argv);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
