// SPDX-License-Identifier: Apache-2.0
#include "app/model_import.h"

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "app/words.h"
#include "inference/embedder.h"
#include "inference/model/model_outline.h"
#include "inference/model/model_parts.h"

namespace kvlink::app {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kPieceBytes = std::int64_t{4} << 20;

/// One file on its way into the models folder.
struct FileMove {
  fs::path from;
  fs::path to;  ///< relative to the model's place
};

bool is_model_file(const fs::path& file) {
  constexpr std::array<std::string_view, 5> kKinds = {".json", ".safetensors", ".model", ".txt",
                                                      ".jinja"};
  return std::find(kKinds.begin(), kKinds.end(), file.extension().string()) != kKinds.end();
}

/// Files of a folder and of the folders in it (1_Pooling/config.json), sorted.
std::vector<FileMove> files_of_folder(const fs::path& folder) {
  std::vector<FileMove> moves;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path relative = entry.path().lexically_relative(folder);
    const auto depth = std::distance(relative.begin(), relative.end());
    if (depth <= 2 && entry.is_regular_file() && is_model_file(entry.path())) {
      moves.push_back({entry.path(), relative});
    }
  }
  std::sort(moves.begin(), moves.end(),
            [](const FileMove& a, const FileMove& b) { return a.to < b.to; });
  return moves;
}

void check_name(const std::string& name) {
  const bool is_plain =
      !name.empty() && name.front() != '.' && name.find('/') == std::string::npos &&
      name.size() <= 200 &&
      std::none_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  if (!is_plain) {
    fail(ErrorCode::kInvalidInput,
         "a model's name is 1 to 200 bytes without a slash, and does not begin with a dot");
  }
}

void expect_usable(const fs::path& source) {
  if (role_of_model(source) == ModelRole::kEmbedder) {
    value_or_throw(inference::Embedder::load(source));
  } else {
    value_or_throw(inference::read_model_outline(source));
  }
}

void expect_free(const fs::path& place) {
  std::error_code ignored;
  if (fs::symlink_status(place, ignored).type() != fs::file_type::not_found) {
    fail(ErrorCode::kInvalidInput,
         place.string() + " exists already; choose another name, or remove that model first");
  }
}

class Import {
 public:
  Import(const ModelImport& request, const fs::path& models, FileSystem& files)
      : request_(request), models_(models), files_(files) {
    source_ = fs::canonical(request.source);
    is_folder_ = fs::is_directory(source_);
  }

  fs::path run(const CopyProgress& progress, const std::stop_token& stop) {
    expect_usable(source_);
    const auto places = find_places();
    for (const auto& [from, place] : places) expect_free(place);
    files_.make_folder(models_);
    if (request_.method == ImportMethod::kCopy) total_ = model_file_bytes(source_);
    try {
      for (const auto& [from, place] : places) {
        if (request_.method == ImportMethod::kReference) {
          link(from, place);
        } else {
          copy(from, place, progress, stop);
        }
        made_.push_back(place);
      }
    } catch (...) {
      std::error_code ignored;
      for (const fs::path& place : made_) fs::remove_all(place, ignored);
      throw;
    }
    return places.front().second;
  }

 private:
  /// The folder, or every part of a file, and where it goes.
  std::vector<std::pair<fs::path, fs::path>> find_places() const {
    std::string name = request_.name;
    // The link's own name, not the hash that a hub's cache gives the file behind it.
    if (name.empty()) name = fs::absolute(request_.source).lexically_normal().filename().string();
    check_name(name);
    if (is_folder_) return {{source_, models_ / name}};
    const auto parts = inference::gguf_parts(request_.source);
    std::vector<std::pair<fs::path, fs::path>> places;
    for (const fs::path& part : parts) {
      const fs::path place = parts.size() > 1 ? part.filename() : fs::path(name);
      if (place.extension() != ".gguf") {
        fail(ErrorCode::kInvalidInput, "the name of a GGUF file ends in .gguf");
      }
      places.emplace_back(fs::canonical(part), models_ / place);
    }
    if (parts.size() > 1 && !request_.name.empty()) {
      fail(ErrorCode::kInvalidInput, "the parts of a split model keep their names");
    }
    return places;
  }

  static void link(const fs::path& from, const fs::path& place) {
    std::error_code error;
    fs::create_symlink(from, place, error);
    if (error) {
      fail(ErrorCode::kIo, "cannot make the link " + place.string() + ": " + error.message());
    }
  }

  void copy(const fs::path& from, const fs::path& place, const CopyProgress& progress,
            const std::stop_token& stop) {
    // Names that begin with a dot are not models; the last step gives the folder its name.
    const fs::path building = models_ / ("." + place.filename().string() + ".tmp");
    fs::remove_all(building);
    try {
      if (!is_folder_) {
        copy_file(from, place, progress, stop);
        return;
      }
      for (const FileMove& move : files_of_folder(from)) {
        files_.make_folder((building / move.to).parent_path());
        copy_file(move.from, building / move.to, progress, stop);
      }
      files_.rename(building, place);
      files_.sync_folder(models_);
    } catch (...) {
      // The place was free before: what is there now is not complete, or not sure to be on disk.
      std::error_code ignored;
      fs::remove_all(building, ignored);
      fs::remove_all(place, ignored);
      throw;
    }
  }

  void copy_file(const fs::path& from, const fs::path& to, const CopyProgress& progress,
                 const std::stop_token& stop) {
    const auto in = files_.open(fs::canonical(from));
    const std::int64_t size = in->size();
    auto out = files_.create(to, size);
    std::vector<std::byte> piece(static_cast<std::size_t>(std::min(size, kPieceBytes)));
    for (std::int64_t at = 0; at < size; at += kPieceBytes) {
      if (stop.stop_requested()) {
        fail(ErrorCode::kCancelled, "the import was stopped; nothing was kept");
      }
      piece.resize(static_cast<std::size_t>(std::min(kPieceBytes, size - at)));
      in->read(at, piece);
      out->write(piece);
      done_ += std::ssize(piece);
      if (progress) progress(done_, std::max(total_, done_));
    }
    out->commit();
  }

  const ModelImport& request_;
  const fs::path& models_;
  FileSystem& files_;
  fs::path source_;
  bool is_folder_ = false;
  std::vector<fs::path> made_;  // complete parts
  std::int64_t total_ = 0;
  std::int64_t done_ = 0;
};

}  // namespace

Result<fs::path> import_model(const ModelImport& request, const fs::path& models, FileSystem& files,
                              const CopyProgress& progress, std::stop_token stop) {
  return returning([&] {
    std::error_code ignored;
    if (!fs::exists(request.source, ignored)) {
      fail(ErrorCode::kNotFound, "There is no " + request.source.string() + ".");
    }
    return Import(request, models, files).run(progress, stop);
  });
}

Result<RemovedModel> remove_model(const fs::path& models, const std::string& name,
                                  FileSystem& files) {
  return returning([&] {
    const auto found = find_models(models);
    const auto model = std::find_if(found.begin(), found.end(),
                                    [&](const FoundModel& m) { return m.name == name; });
    if (model == found.end()) {
      fail(ErrorCode::kNotFound, "There is no model " + name + " in " + models.string() +
                                     ". `kvlink model ls` lists what was found.");
    }
    std::error_code ignored;
    RemovedModel removed;
    removed.was_reference = fs::is_symlink(model->path, ignored);
    if (!removed.was_reference) removed.n_bytes = model->bytes;
    if (removed.was_reference || !fs::is_directory(model->path)) {
      for (const fs::path& part : inference::gguf_parts(model->path)) files.remove(part);
      return removed;
    }
    std::error_code error;
    fs::remove_all(model->path, error);
    if (error) {
      fail(ErrorCode::kIo, "cannot remove " + model->path.string() + ": " + error.message());
    }
    return removed;
  });
}

}  // namespace kvlink::app
