// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/cache_panel.h"

#include <QTimer>
#include <QVBoxLayout>
#include <algorithm>
#include <set>
#include <utility>

#include "app/desk/desk.h"
#include "ui/inspect/cache_view.h"
#include "ui/inspect/quantities.h"
#include "ui/inspect/reveal_file.h"
#include "ui/theme/scrolled_page.h"

namespace kvlink::ui {
namespace {

/// Snapshots are taken at most this often: they list the whole store. Where that takes long, they
/// take at most a tenth of the time.
constexpr int kSnapshotMs = 500;
constexpr int kSnapshotShare = 10;
constexpr auto kMaxNotices = 5;

}  // namespace

CachePanel::CachePanel(desk::Desk& desk, QWidget* parent)
    : QWidget(parent), desk_(desk), view_(new CacheView(this)), snapshot_timer_(new QTimer(this)) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->addWidget(new ScrolledPage(view_, this));
  view_->set_undo_ms(desk.options().undo_ms);
  snapshot_timer_->setSingleShot(true);
  snapshot_timer_->setInterval(kSnapshotMs);
  connect(snapshot_timer_, &QTimer::timeout, this, &CachePanel::request_snapshot);
  follow_store();
  follow_answers();
  follow_view();
}

CachePanel::~CachePanel() = default;

// --- what there is

void CachePanel::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  if (snapshot_is_old_) request_snapshot();
}

void CachePanel::want_snapshot() {
  snapshot_is_old_ = true;
  if (isVisible() && !snapshot_timer_->isActive()) snapshot_timer_->start();
}

void CachePanel::request_snapshot() {
  if (snapshot_ != 0 || desk_.state() == desk::DeskState::kClosed) return;
  snapshot_is_old_ = false;
  snapshot_ = desk::next_request_id();
  snapshot_took_.start();
  desk_.cache().take_snapshot(snapshot_);
}

void CachePanel::follow_store() {
  auto* cache = &desk_.cache();
  connect(cache, &desk::CacheWorker::totals_changed, this, [this](const desk::CacheTotals& totals) {
    view_->set_totals(totals);
    want_snapshot();
  });
  connect(cache, &desk::CacheWorker::snapshot_ready, this,
          [this](desk::RequestId id, const BlockTable::Snapshot& snapshot) {
            if (id != snapshot_) return;
            snapshot_ = 0;
            const auto took = static_cast<int>(snapshot_took_.elapsed());
            snapshot_timer_->setInterval(std::max(kSnapshotMs, kSnapshotShare * took));
            view_->set_snapshot(snapshot);
            if (wanted_document_ != 0) view_->show_document(std::exchange(wanted_document_, 0));
            if (snapshot_is_old_) want_snapshot();
          });
  connect(cache, &desk::CacheWorker::progress, this, [this](const desk::CacheProgress& progress) {
    if (progress.id == request_) view_->show_progress(progress);
  });
  connect(cache, &desk::CacheWorker::done, this, &CachePanel::request_done);
  connect(cache, &desk::CacheWorker::failed, this,
          [this](desk::RequestId id, const desk::Problem& failure) {
            // No session yet: the next totals bring the snapshot.
            if (id == snapshot_) {
              snapshot_ = 0;
              snapshot_is_old_ = true;
            } else if (id == request_) {
              request_ = 0;
              rebuilding_.clear();
              to_pin_.clear();
              view_->show_report(failure.message, true);
              next();
            }
          });
  auto* ingest = &desk_.ingest();
  connect(ingest, &desk::IngestWorker::finished, this, &CachePanel::rebuilt);
  connect(ingest, &desk::IngestWorker::failed, this, &CachePanel::rebuilt);
}

void CachePanel::follow_answers() {
  auto* answers = &desk_.answers();
  connect(answers, &desk::AnswerWorker::started, this,
          [this](desk::RequestId) { view_->answer_started(); });
  connect(answers, &desk::AnswerWorker::blocks_looked_up, this,
          [this](const std::vector<desk::BlockEvent>& events) { view_->blocks_looked_up(events); });
  connect(answers, &desk::AnswerWorker::finished, this, [this] { want_snapshot(); });
}

void CachePanel::show_document(desk::DocumentId document) {
  if (snapshot_is_old_ || snapshot_ != 0) {
    wanted_document_ = document;
    request_snapshot();
  }
  view_->show_document(document);
}

// --- what is done

/// Nothing that is done ends for what comes after it.
void CachePanel::in_turn(std::function<void()> action) {
  waiting_.push_back(std::move(action));
  if (request_ == 0) next();
}

void CachePanel::next() {
  if (waiting_.empty() || request_ != 0) return;
  const auto action = std::move(waiting_.front());
  waiting_.pop_front();
  action();
}

desk::RequestId CachePanel::begin_request() {
  verifying_.clear();
  rebuilding_.clear();
  request_ = desk::next_request_id();
  return request_;
}

void CachePanel::follow_view() {
  connect(view_, &CacheView::pin_wanted, this,
          [this](const std::vector<Digest>& blocks, bool pinned) {
            in_turn([this, blocks, pinned] {
              desk_.cache().pin(begin_request(), {.ids = blocks}, pinned);
            });
          });
  connect(view_, &CacheView::evict_wanted, this, [this](const std::vector<Digest>& blocks) {
    in_turn([this, blocks] { desk_.cache().evict(begin_request(), {.ids = blocks}, false); });
  });
  connect(view_, &CacheView::verify_wanted, this, [this](const std::vector<Digest>& blocks) {
    in_turn([this, blocks] {
      const auto id = begin_request();
      verifying_ = blocks;
      if (blocks.empty()) {
        for (const auto& block : view_->table().snapshot()->blocks) {
          verifying_.push_back(block.row.id);
        }
      }
      desk_.cache().verify(id, {.ids = blocks, .all = blocks.empty()});
    });
  });
  connect(
      view_, &CacheView::rebuild_wanted, this,
      [this](const std::vector<Digest>& blocks, const std::vector<desk::DocumentId>& documents) {
        in_turn([this, blocks, documents] { rebuild(blocks, documents); });
      });
  connect(view_, &CacheView::reveal_wanted, this, [this](const Digest& block) {
    const auto name = block.hex();
    const auto folder = desk_.facts().paths.kv_folder() / "blocks" / name.substr(0, 2);
    reveal_file(desk::text_of((folder / (name + ".kv")).string()));
  });
  connect(view_, &CacheView::cancel_wanted, this, [this] {
    if (request_ != 0) desk_.cache().cancel(request_);
  });
  connect(view_, &CacheView::disk_budget_chosen, this, [this](std::int64_t bytes) {
    offer_budget(tr("Keep at most %1 of blocks on disk? Least useful blocks beyond that are "
                    "removed.")
                     .arg(bytes_text(bytes)),
                 &app::Settings::disk_budget_bytes, bytes);
  });
  connect(view_, &CacheView::memory_budget_chosen, this, [this](std::int64_t bytes) {
    offer_budget(tr("Keep at most %1 of blocks in memory?").arg(bytes_text(bytes)),
                 &app::Settings::memory_budget_bytes, bytes);
  });
  connect(view_, &CacheView::gpu_budget_chosen, this, [this](std::int64_t bytes) {
    offer_budget(tr("Keep at most %1 of blocks in the memory of the GPU?").arg(bytes_text(bytes)),
                 &app::Settings::gpu_budget_bytes, bytes);
  });
}

/// What a model cannot make again now is not thrown away.
void CachePanel::rebuild(const std::vector<Digest>& blocks,
                         const std::vector<desk::DocumentId>& documents) {
  if (desk_.state() != desk::DeskState::kReady || encoding_ != 0) {
    view_->show_report(encoding_ != 0
                           ? tr("Blocks are being computed again already. Nothing was removed.")
                           : tr("Without a model blocks cannot be computed again. Nothing was "
                                "removed."),
                       true);
    next();
    return;
  }
  const auto id = begin_request();
  rebuilding_ = documents;
  const std::set<Digest> chosen(blocks.begin(), blocks.end());
  to_pin_.clear();
  for (const auto& block : view_->table().snapshot()->blocks) {
    if (block.row.pinned && chosen.contains(block.row.id)) to_pin_.push_back(block.row.id);
  }
  desk_.cache().evict(id, {.ids = blocks}, true);
}

/// However the run ended: what is there again is pinned again.
void CachePanel::rebuilt(desk::RequestId run) {
  if (encoding_ == 0 || run != encoding_) return;
  encoding_ = 0;
  const auto pins = std::exchange(to_pin_, {});
  if (pins.empty()) return;
  in_turn([this, pins] { desk_.cache().pin(begin_request(), {.ids = pins}, true); });
}

void CachePanel::offer_budget(const QString& question, std::int64_t app::Settings::*field,
                              std::int64_t bytes) {
  view_->offer(question, tr("Set budget"), [this, field, bytes] {
    auto settings = desk_.facts().settings;
    settings.*field = bytes;
    desk_.apply_settings(settings);
  });
}

QString CachePanel::report_sentence(const desk::CacheReport& report) const {
  const int n = static_cast<int>(report.n_blocks);
  QString sentence;
  switch (report.action) {
    case desk::CacheAction::kPin:
      sentence = tr("%n block(s) pinned.", nullptr, n);
      break;
    case desk::CacheAction::kUnpin:
      sentence = tr("%n block(s) no longer pinned.", nullptr, n);
      break;
    case desk::CacheAction::kEvict:
      sentence =
          tr("%n block(s) removed. Questions that need them compute them again.", nullptr, n);
      break;
    default:
      sentence = tr("%n block(s) checked.", nullptr, n) + QLatin1Char(' ') +
                 (report.n_damaged == 0 ? tr("All are as they were written.")
                                        : tr("%n is/are damaged and set aside.", nullptr,
                                             static_cast<int>(report.n_damaged)));
      break;
  }
  if (report.cancelled) sentence = tr("Cancelled.") + QLatin1Char(' ') + sentence;
  for (std::size_t i = 0; i < report.notices.size() && i < kMaxNotices; ++i) {
    sentence += QLatin1Char('\n') + report.notices[i];
  }
  return sentence;
}

void CachePanel::request_done(const desk::CacheReport& report) {
  if (report.id != request_) return;
  request_ = 0;
  if (report.action == desk::CacheAction::kVerify && !report.cancelled) {
    view_->mark_verified(verifying_);
  }
  const auto documents = std::exchange(rebuilding_, {});
  if (!documents.empty() && !report.cancelled) {
    view_->show_report(tr("Computing the blocks of %n document(s) again …", nullptr,
                          static_cast<int>(documents.size())),
                       false);
    encoding_ = desk::next_request_id();
    desk_.ingest().encode(encoding_, documents);
  } else {
    view_->show_report(report_sentence(report), report.n_damaged > 0);
  }
  // What the user has just done is shown at once.
  snapshot_is_old_ = true;
  if (isVisible()) request_snapshot();
  next();
}

}  // namespace kvlink::ui
