// SPDX-License-Identifier: Apache-2.0
#include "app/desk/dropped_text.h"

#include <QCoreApplication>
#include <QDir>
#include <QFileInfo>
#include <QRegularExpression>
#include <QSaveFile>
#include <QUrl>

#include "app/desk/messages.h"
#include "kernels/base/sha256.h"

namespace kvlink::desk {
namespace {

constexpr qsizetype kMaxPaths = 10'000;
constexpr qsizetype kMaxNameLength = 40;

QString local_path(const QString& line) {
  if (line.startsWith(QLatin1String("file:"))) return QUrl(line).toLocalFile();
  return line.startsWith(QLatin1Char('/')) ? line : QString();
}

/// "First words of the text 3f9a01": readable, and another text has another name.
QString note_name(const QString& text) {
  static const QRegularExpression kNotWord(QStringLiteral("[^\\w\\- ]+"),
                                           QRegularExpression::UseUnicodePropertiesOption);
  QString words = text.trimmed().section(QLatin1Char('\n'), 0, 0).left(200);
  words = words.remove(kNotWord).simplified().left(kMaxNameLength).trimmed();
  if (words.isEmpty()) words = QCoreApplication::translate("DroppedText", "Note");
  return words + QLatin1Char(' ') + text_of(sha256(utf8_of(text)).hex().substr(0, 6));
}

}  // namespace

std::vector<QString> existing_paths(const QString& text) {
  std::vector<QString> paths;
  const auto lines =
      text.split(QRegularExpression(QStringLiteral("[\\r\\n]+")), Qt::SkipEmptyParts);
  if (lines.size() > kMaxPaths) return {};
  for (const auto& line : lines) {
    const QString path = local_path(line.trimmed());
    if (path.isEmpty() || !QFileInfo::exists(path)) return {};
    paths.push_back(path);
  }
  return paths;
}

QString write_note(const std::filesystem::path& data_folder, const QString& text) {
  if (text.trimmed().isEmpty()) {
    fail(ErrorCode::kInvalidInput,
         QCoreApplication::translate("DroppedText", "There is no text in it.").toStdString());
  }
  const QString folder = text_of((data_folder / "notes").string());
  const QString path = folder + QLatin1Char('/') + note_name(text) + QStringLiteral(".md");
  QDir().mkpath(folder);
  QFile::setPermissions(folder, QFile::ReadOwner | QFile::WriteOwner | QFile::ExeOwner);
  QSaveFile file(path);
  const QByteArray bytes = text.toUtf8();
  const bool written = file.open(QIODevice::WriteOnly) && file.write(bytes) == bytes.size();
  file.setPermissions(QFile::ReadOwner | QFile::WriteOwner);
  if (!written || !file.commit()) {
    fail(ErrorCode::kIo, utf8_of(path + QStringLiteral(": ") + file.errorString()));
  }
  return path;
}

}  // namespace kvlink::desk
