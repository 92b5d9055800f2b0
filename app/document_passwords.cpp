// SPDX-License-Identifier: Apache-2.0
#include "app/document_passwords.h"

#include <cstring>

namespace kvlink::app {

DocumentPasswords::~DocumentPasswords() {
  for (auto& [path, password] : known_) ::explicit_bzero(password.data(), password.size());
}

void DocumentPasswords::keep(const std::string& path, const std::string& password) {
  const std::lock_guard lock(mutex_);
  std::string& kept = known_[path];
  ::explicit_bzero(kept.data(), kept.size());
  kept = password;
}

std::string DocumentPasswords::of(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(path);
  return found == known_.end() ? std::string() : found->second;
}

}  // namespace kvlink::app
