// SPDX-License-Identifier: Apache-2.0
// What is done to blocks in the real window: in turn, and never what cannot be made good again.
#include "ui/inspect/cache_panel.h"

#include "tests/ui/window_fixture.h"
#include "ui/inspect/cache_view.h"

namespace kvlink::ui::tests {

namespace fs = std::filesystem;

class CachePanelTest : public QObject {
  Q_OBJECT

 private slots:
  void init() {
    window_ = std::make_unique<WindowFixture>();
    QVERIFY(window_->open());
    QVERIFY(window_->add({"otter.md", "seal.md"}));
  }
  void cleanup() { window_.reset(); }

  void what_comes_later_does_not_end_a_verification() {
    show_blocks();
    Inbox done(&window_->desk().cache(), &desk::CacheWorker::done);
    const auto blocks = all_blocks();
    emit view().verify_wanted({});
    emit view().pin_wanted(blocks, true);
    QTRY_COMPARE_WITH_TIMEOUT(done.count(), 2, kPatienceMs);
    QVERIFY(done.at<0>(0).action == desk::CacheAction::kVerify);
    QVERIFY(!done.at<0>(0).cancelled);
    QCOMPARE(done.at<0>(0).n_blocks, static_cast<std::int64_t>(blocks.size()));
    QVERIFY(done.at<0>(1).action == desk::CacheAction::kPin);
  }

  void rebuilt_blocks_stay_pinned() {
    show_blocks();
    const auto blocks = all_blocks();
    emit view().pin_wanted(blocks, true);
    QTRY_COMPARE_WITH_TIMEOUT(n_pinned(), blocks.size(), kPatienceMs);
    Inbox done(&window_->desk().cache(), &desk::CacheWorker::done);
    emit view().rebuild_wanted(blocks, {1, 2});
    QTRY_COMPARE_WITH_TIMEOUT(done.count(), 2, kPatienceMs);
    QVERIFY(done.at<0>(0).action == desk::CacheAction::kEvict);
    QTRY_COMPARE_WITH_TIMEOUT(n_pinned(), blocks.size(), kPatienceMs);
  }

  void without_a_model_no_block_is_removed_to_be_computed_again() {
    const auto model = window_->desk_fixture().files().paths().models / "tiny.gguf";
    window_->close();
    fs::rename(model, model.string() + ".aside");
    QVERIFY(window_->open());
    QVERIFY(window_->desk().state() == desk::DeskState::kNoModel);
    show_blocks();
    const auto blocks = all_blocks();
    Inbox done(&window_->desk().cache(), &desk::CacheWorker::done);
    emit view().rebuild_wanted(blocks, {1, 2});
    emit view().verify_wanted({});  // whatever was asked for before it has been done
    QVERIFY(done.wait());
    QVERIFY(done.at<0>(0).action == desk::CacheAction::kVerify);
    QCOMPARE(done.at<0>(0).n_blocks, static_cast<std::int64_t>(blocks.size()));
  }

 private:
  CachePanel& panel() { return *window_->window().findChild<CachePanel*>(); }
  CacheView& view() { return *panel().findChild<CacheView*>(); }

  void show_blocks() {
    emit window_->library().show_cache(1);
    QTRY_VERIFY_WITH_TIMEOUT(!view().table().snapshot()->blocks.empty(), kPatienceMs);
  }

  std::vector<Digest> all_blocks() {
    std::vector<Digest> blocks;
    for (const auto& block : view().table().snapshot()->blocks) blocks.push_back(block.row.id);
    return blocks;
  }

  std::size_t n_pinned() {
    std::size_t n = 0;
    for (const auto& block : view().table().snapshot()->blocks) n += block.row.pinned ? 1 : 0;
    return n;
  }

  std::unique_ptr<WindowFixture> window_;
};

}  // namespace kvlink::ui::tests

QTEST_MAIN(kvlink::ui::tests::CachePanelTest)
#include "cache_panel_test.moc"
