// SPDX-License-Identifier: Apache-2.0
#include "app/cli/command.h"

namespace kvlink::app {

std::unique_ptr<Session> CommandContext::open_session(Parts parts) const {
  SessionOptions options;
  options.paths = paths;
  options.parts = parts;
  options.generator = global.model;
  options.threads = global.threads;
  auto session = value_or_throw(Session::open(std::move(options)));
  for (const auto& notice : session->notices()) output.note(notice);
  return session;
}

}  // namespace kvlink::app
