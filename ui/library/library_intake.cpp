// SPDX-License-Identifier: Apache-2.0
#include "ui/library/library_intake.h"

#include <algorithm>
#include <utility>

namespace kvlink::ui {
namespace {

constexpr std::size_t kSlice = 10'000;

}  // namespace

LibraryIntake::LibraryIntake(std::shared_ptr<const std::vector<desk::DocumentRow>> given)
    : given_(std::move(given)) {
  rows.reserve(given_->size());
  by_path.reserve(static_cast<qsizetype>(given_->size()));
}

bool LibraryIntake::step() {
  const std::size_t end = std::min(given_->size(), rows.size() + kSlice);
  while (rows.size() < end) {
    const auto& row = (*given_)[rows.size()];
    by_path.insert(row.path, static_cast<int>(rows.size()));
    rows.push_back(row);
  }
  return rows.size() == given_->size();
}

}  // namespace kvlink::ui
