// SPDX-License-Identifier: Apache-2.0
// Text that somebody dropped or pasted: paths, or a note. Internal to the desk.
#pragma once

#include <QString>
#include <filesystem>
#include <vector>

namespace kvlink::desk {

/// The paths that the lines of a text name (absolute, or file:// URLs), when every line does and
/// each exists; else none.
std::vector<QString> existing_paths(const QString& text);

/// Keeps a text as notes/<its first words>.md in the data folder, and returns that path. The same
/// text is kept once. Throws kInvalidInput (nothing but blanks), kIo.
QString write_note(const std::filesystem::path& data_folder, const QString& text);

}  // namespace kvlink::desk
