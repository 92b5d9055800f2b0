// SPDX-License-Identifier: Apache-2.0
// Where the user's library, settings and models live.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/result.h"

namespace kvlink::app {

/// What main read from the command line and the environment; empty means not given.
struct PathSources {
  std::string data_dir;       ///< --data-dir
  std::string models_dir;     ///< --models-dir
  std::string xdg_data_home;  ///< $XDG_DATA_HOME
  std::string kvlink_models;  ///< $KVLINK_MODELS
  std::string cuda_plugin;    ///< $KVLINK_CUDA_PLUGIN
  std::string home;           ///< $HOME
};

/// The path of a file in the folder of the running program.
std::filesystem::path beside_this_program(const std::string& name);

/// The folders and files of one library. Plain value.
struct Paths {
  std::filesystem::path data;    ///< absolute; holds everything below but the models
  std::filesystem::path models;  ///< absolute; may not exist
  /// Folders of link adapters that come with the program; may not exist.
  std::vector<std::filesystem::path> adapters = {};
  /// kvlink-extract, which parses documents: beside the running program.
  std::filesystem::path reader = beside_this_program("kvlink-extract");
  /// kvlink-ocr, which reads pictures; missing where it was built without Tesseract.
  std::filesystem::path picture_reader = beside_this_program("kvlink-ocr");
  /// libkvlink_cuda.so; empty: where the program is installed or was built.
  std::filesystem::path cuda_plugin = {};

  std::filesystem::path settings_file() const { return data / "settings.json"; }
  std::filesystem::path lock_file() const { return data / "lock"; }
  std::filesystem::path kv_folder() const { return data / "kv"; }
};

/// data: --data-dir, else $XDG_DATA_HOME/kvlink, else $HOME/.local/share/kvlink.
/// models: --models-dir, else $KVLINK_MODELS, else <data>/models where that exists, else `models`
/// in the default data folder, or, where that does not exist, share/kvlink/models where the program
/// is installed. adapters: resources/adapters of the source tree the program was built from, and
/// share/kvlink/adapters where it is installed. A relative $XDG_DATA_HOME is ignored, as its
/// specification asks. kInvalidInput when no home is known and nothing was given.
Result<Paths> resolve_paths(const PathSources& sources);

/// Creates the data folder (0700) when it is missing. kIo with the system's words.
Result<void> ensure_data_folder(const Paths& paths);

}  // namespace kvlink::app
