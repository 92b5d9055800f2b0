// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/reindex_banner.h"

#include "app/desk/desk.h"
#include "ui/inspect/quantities.h"
#include "ui/shell/banner_stack.h"

namespace kvlink::ui {
namespace {

constexpr auto kBanner = "reindexing";
constexpr int kDoneMs = 8000;

QString sentence_of(const desk::ReindexStatus& status) {
  const QString n = count_text(status.n_passages);
  if (status.done) return BannerStack::tr("The new embedder has read all passages and finds them.");
  const QString done = count_text(status.n_done);
  return status.old_serves
             ? BannerStack::tr(
                   "The new embedder has read %1 of %2 passages. Until it has read all, "
                   "the one before finds them.")
                   .arg(done, n)
             : BannerStack::tr(
                   "The new embedder has read %1 of %2 passages. Words find the others.")
                   .arg(done, n);
}

}  // namespace

void follow_reindexing(desk::Desk& desk, BannerStack& banners) {
  const auto key = QLatin1String(kBanner);
  QObject::connect(&desk.reindexing(), &desk::ReindexWorker::progress, &banners,
                   [&banners, key, last = QString()](const desk::ReindexStatus& status) mutable {
                     // Once it was closed it stays away until everything is done.
                     const bool is_closed = !last.isEmpty() && !banners.texts().contains(last);
                     if (is_closed && !status.done) return;
                     const QString now = sentence_of(status);
                     banners.show_banner(key, now, Tone::kPlain, {}, status.done ? kDoneMs : 0);
                     last = status.done ? QString() : now;
                   });
  QObject::connect(&desk.reindexing(), &desk::ReindexWorker::failed, &banners,
                   [&banners, key](const desk::Problem& problem) {
                     banners.show_banner(key, problem.message, Tone::kProblem);
                   });
}

}  // namespace kvlink::ui
