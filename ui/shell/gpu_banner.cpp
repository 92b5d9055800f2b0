// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/gpu_banner.h"

#include "app/desk/desk.h"
#include "ui/shell/banner_stack.h"

namespace kvlink::ui {
namespace {

constexpr auto kBanner = "gpu";

}  // namespace

void follow_gpu(desk::Desk& desk, BannerStack& banners) {
  QObject::connect(
      &desk.answers(), &desk::AnswerWorker::device_changed, &banners, [&](const QString& sentence) {
        banners.show_banner(QLatin1String(kBanner), sentence, Tone::kWarning,
                            {{BannerStack::tr("Try the GPU again"), [&desk] { desk.open(); }}});
      });
  QObject::connect(&desk, &desk::Desk::opened, &banners,
                   [&] { banners.close_banner(QLatin1String(kBanner)); });
}

}  // namespace kvlink::ui
