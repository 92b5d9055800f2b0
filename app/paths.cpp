// SPDX-License-Identifier: Apache-2.0
#include "app/paths.h"

#include <system_error>

#include "kernels/base/file_system.h"

namespace kvlink::app {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> default_data(const PathSources& sources) {
  const fs::path xdg(sources.xdg_data_home);
  if (xdg.is_absolute()) return xdg / "kvlink";
  const fs::path home(sources.home);
  if (home.is_absolute()) return home / ".local" / "share" / "kvlink";
  return std::nullopt;
}

}  // namespace

fs::path beside_this_program(const std::string& name) {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path(name) : self.parent_path() / name;
}

Result<Paths> resolve_paths(const PathSources& sources) {
  return returning([&] {
    const auto fallback = default_data(sources);
    Paths paths;
    if (!sources.data_dir.empty()) {
      paths.data = fs::absolute(sources.data_dir).lexically_normal();
    } else if (fallback) {
      paths.data = *fallback;
    } else {
      fail(ErrorCode::kInvalidInput,
           "Neither HOME nor XDG_DATA_HOME names a folder: say where the library is with "
           "--data-dir FOLDER.");
    }
    // Found from the program, because a package may be made for another prefix than the build's.
    const fs::path installed = beside_this_program("../share/kvlink").lexically_normal();
    std::error_code ignored;
    if (!sources.models_dir.empty()) {
      paths.models = fs::absolute(sources.models_dir).lexically_normal();
    } else if (!sources.kvlink_models.empty()) {
      paths.models = fs::absolute(sources.kvlink_models).lexically_normal();
    } else if (!fallback || fs::is_directory(paths.data / "models", ignored)) {
      paths.models = paths.data / "models";
    } else {
      paths.models = *fallback / "models";
      // What a package installed serves whoever has no folder of their own.
      if (!fs::is_directory(paths.models, ignored) &&
          fs::is_directory(installed / "models", ignored)) {
        paths.models = installed / "models";
      }
    }
    paths.adapters = {KVLINK_SOURCE_ADAPTERS, installed / "adapters"};
    paths.cuda_plugin = sources.cuda_plugin;
    return paths;
  });
}

Result<void> ensure_data_folder(const Paths& paths) {
  return returning([&] { FileSystem::posix().make_folder(paths.data); });
}

}  // namespace kvlink::app
