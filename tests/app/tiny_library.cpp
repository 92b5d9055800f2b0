// SPDX-License-Identifier: Apache-2.0
#include "tests/app/tiny_library.h"

#include <sys/types.h>
#include <unistd.h>

#include <exception>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/support/tiny_model.h"

namespace kvlink::app::tests {

void write_tiny_models(const fs::path& folder) {
  fs::create_directories(folder);
  kvlink::tests::write_tiny_generator(folder / "tiny.gguf");
  kvlink::tests::write_tiny_embedder(folder / "tiny-embedder");
}

void write_file(const fs::path& file, std::string_view text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

std::string read_text(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string story(std::string_view subject, int n) {
  std::string text = "# " + std::string(subject) + "\n\n";
  for (int i = 1; i <= n; ++i) {
    text += "The " + std::string(subject) + " has part " + std::to_string(i) + ". ";
    if (i % 3 == 0) text += "\n\n";
  }
  return text + "\n";
}

Unprivileged::Unprivileged(const fs::path& folder) {
  constexpr uid_t kNobody = 65534;
  if (::geteuid() != 0) return;
  const auto give = [](const fs::path& path) {
    if (::lchown(path.c_str(), kNobody, static_cast<gid_t>(-1)) != 0) {
      throw std::runtime_error("cannot give away " + path.string());
    }
  };
  give(folder);
  for (const auto& entry : fs::recursive_directory_iterator(folder)) give(entry.path());
  if (::seteuid(kNobody) != 0) throw std::runtime_error("cannot become nobody");
  changed_ = true;
}

Unprivileged::~Unprivileged() {
  if (changed_ && ::seteuid(0) != 0) std::terminate();
}

TinyLibrary::TinyLibrary()
    : models_(folder_.path() / "models"), documents_(folder_.path() / "documents") {
  write_tiny_models(models_);
  fs::create_directories(documents_);
}

fs::path TinyLibrary::write(std::string_view name, std::string_view text) const {
  const fs::path file = document(name);
  write_file(file, text);
  return file;
}

std::unique_ptr<Session> TinyLibrary::open(const Adjust& adjust, FileSystem& files) const {
  SessionOptions options;
  options.paths = paths();
  options.files = &files;
  options.adjust = [&](Settings& settings) {
    settings.threads = 1;
    settings.device = "cpu";
    settings.system_prompt = "Answer.";
    settings.chunk_target_tokens = 80;
    settings.chunk_max_tokens = 120;
    settings.max_answer_tokens = 8;
    if (adjust) adjust(settings);
  };
  return value_or_throw(Session::open(std::move(options)));
}

IngestReport TinyLibrary::add(Session& session, Ingestion::Caching caching) const {
  Ingestion ingestion(session, {});
  return value_or_throw(ingestion.add(std::span(&documents_, 1), caching, {}));
}

Answer ask(Session& session, const std::string& text, inference::LinkMode mode) {
  Question question;
  question.text = text;
  question.mode = mode;
  Conversation conversation;
  return value_or_throw(AnswerPipeline(session).answer(question, conversation, {}, {}));
}

}  // namespace kvlink::app::tests
