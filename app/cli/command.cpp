// SPDX-License-Identifier: Apache-2.0
#include "app/cli/command.h"

namespace kvlink::app {

std::unique_ptr<Session> CommandContext::open_session(
    Parts parts, const std::function<void(Settings&)>& adjust) const {
  SessionOptions options;
  options.paths = paths;
  options.parts = parts;
  options.generator = global.model;
  options.adapter = global.adapter;
  options.threads = global.threads;
  options.adjust = adjust;
  auto session = value_or_throw(Session::open(std::move(options)));
  for (const auto& notice : session->notices()) output.note(notice);
  return session;
}

void adjust_recompute(Settings& settings, const RecomputeArguments& arguments) {
  if (const auto method = inference::parse_recompute_method(arguments.method)) {
    settings.recompute = *method;
  }
  if (arguments.share) settings.recompute_share = *arguments.share;
}

}  // namespace kvlink::app
