// SPDX-License-Identifier: Apache-2.0
#include "app/cli/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "kernels/base/utf8.h"

namespace kvlink::app {
namespace {

/// False when the reader is gone or the disk is full.
bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(descriptor, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::size_t terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

/// At most `limit` characters, never half of one.
std::string cut(std::string_view text, std::size_t limit) {
  std::size_t at = 0;
  for (std::size_t n = 0; n < limit && at < text.size(); ++n) next_code_point(text, at);
  return std::string(text.substr(0, at));
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::uint32_t c = next_code_point(text, at);
    const bool control = (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0);
    append_utf8(out, control ? 0xFFFD : c);
  }
  return out;
}

Output::Output(bool json, Interrupt& interrupt)
    : json_(json), interrupt_(interrupt), terminal_(::isatty(STDERR_FILENO) == 1) {}

Output::~Output() { end_progress(); }

void Output::print(std::string_view text) {
  if (!intact_) return;
  end_progress();
  intact_ = write_all(STDOUT_FILENO, text);
  if (!intact_) interrupt_.stop();
}

void Output::note(std::string_view text) {
  end_progress();
  write_all(STDERR_FILENO, printable(text) + "\n");
}

void Output::progress(std::string_view text) {
  if (json_) return;
  if (terminal_) {
    write_all(STDERR_FILENO, "\r\033[K" + cut(printable(text), terminal_width() - 1));
    line_open_ = true;
    return;
  }
  const auto now = Clock::now();
  if (last_progress_ && now - *last_progress_ < std::chrono::seconds(1)) return;
  last_progress_ = now;
  write_all(STDERR_FILENO, printable(text) + "\n");
}

void Output::end_progress() {
  if (!line_open_) return;
  write_all(STDERR_FILENO, "\r\033[K");
  line_open_ = false;
}

void Output::error(const Error& error) {
  if (json_) {
    const nlohmann::json object = {
        {"error", {{"code", error_code_name(error.code)}, {"message", error.message}}}};
    print_line(object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  note("kvlink: " + error.message);
}

}  // namespace kvlink::app
