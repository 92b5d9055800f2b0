// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/loss_banners.h"

#include "app/desk/desk.h"
#include "ui/shell/banner_stack.h"

namespace kvlink::ui {
namespace {

constexpr auto kFolderBanner = "lost folder";
constexpr auto kModelBanner = "lost model";

}  // namespace

void follow_losses(desk::Desk& desk, BannerStack& banners) {
  QObject::connect(&desk, &desk::Desk::lost, &banners, [&](const desk::Loss& loss) {
    // Its sentence is the key: the session may have told it when it opened.
    if (loss.kind == desk::Loss::Kind::kDisk) {
      banners.show_banner(loss.sentence, loss.sentence, Tone::kProblem);
      return;
    }
    if (loss.kind == desk::Loss::Kind::kDiskOver) {
      banners.close_banner(loss.sentence);
      return;
    }
    const bool is_folder = loss.kind == desk::Loss::Kind::kDataFolder;
    const auto key = QLatin1String(is_folder ? kFolderBanner : kModelBanner);
    banners.show_banner(key, loss.sentence, is_folder ? Tone::kProblem : Tone::kWarning,
                        {{BannerStack::tr("Open again"), [&desk] { desk.open(); }}});
  });
  QObject::connect(&desk, &desk::Desk::opened, &banners, [&] {
    banners.close_banner(QLatin1String(kFolderBanner));
    banners.close_banner(QLatin1String(kModelBanner));
  });
}

}  // namespace kvlink::ui
