// SPDX-License-Identifier: Apache-2.0
// A data folder with tiny random models, and the few things every app test does with it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "app/answer_pipeline.h"
#include "app/ingestion.h"
#include "app/session.h"
#include "tests/support/temporary_folder.h"

namespace kvlink::app::tests {

namespace fs = std::filesystem;

/// Writes the tiny generator (tiny.gguf) and embedder (tiny-embedder) into a models folder.
void write_tiny_models(const fs::path& folder);

void write_file(const fs::path& file, std::string_view text);
std::string read_text(const fs::path& file);
/// `n` different sentences about `subject`, in paragraphs: several passages' worth.
std::string story(std::string_view subject, int n);

/// While it lives, the program may do what a user without privileges may: as root it becomes
/// "nobody", to whom `folder` and everything in it is given first.
class Unprivileged {
 public:
  explicit Unprivileged(const fs::path& folder);
  ~Unprivileged();
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;

 private:
  bool changed_ = false;
};

/// Owns a temporary folder: models/, data/, documents/.
class TinyLibrary {
 public:
  TinyLibrary();

  Paths paths() const { return {.data = folder_.path() / "data", .models = models_}; }
  const fs::path& folder() const { return folder_.path(); }
  fs::path document(std::string_view name) const { return documents_ / name; }
  /// Writes documents/name.
  fs::path write(std::string_view name, std::string_view text) const;

  using Adjust = std::function<void(Settings&)>;
  /// A session with small passages and short answers; `adjust` may change more. Throws.
  std::unique_ptr<Session> open(const Adjust& adjust = {},
                                FileSystem& files = FileSystem::posix()) const;
  /// Adds the whole documents folder. Throws.
  IngestReport add(Session& session, Ingestion::Caching caching = Ingestion::Caching::kYes) const;

 private:
  kvlink::tests::TemporaryFolder folder_;
  fs::path models_;
  fs::path documents_;
};

/// Asks in a conversation of its own. Throws.
Answer ask(Session& session, const std::string& text,
           inference::LinkMode mode = inference::LinkMode::kReposition);

}  // namespace kvlink::app::tests
