// SPDX-License-Identifier: Apache-2.0
// Which collection of the window's tree a document was moved to.
#pragma once

#include <QByteArray>
#include <QHash>
#include <QString>
#include <utility>
#include <vector>

namespace kvlink::desk {

/// Documents belong to the folder they lie in, until the user moves them: to a collection with a
/// name, or to another folder's collection, whose key is the folder's path. Only moved documents
/// are held here, by path, so that a document that is read anew stays where it was put. Plain
/// value.
class Collections {
 public:
  /// Longer names are cut.
  static constexpr qsizetype kMaxName = 80;
  static constexpr int kMaxDocuments = 1'000'000;

  /// "" when the document belongs to its folder.
  QString of(const QString& path) const { return moved_.value(path); }
  /// `key` "": back to its folder.
  void move(const QString& path, const QString& key);
  /// Every document of `before` goes to `name`.
  void rename(const QString& before, const QString& name);
  bool is_empty() const { return moved_.isEmpty(); }

  /// {"collections": {"name": ["path", …]}}, in the order of the alphabet.
  QByteArray to_json() const;
  /// What can be read of it; anything else is left out.
  static Collections from_json(const QByteArray& json);

 private:
  QHash<QString, QString> moved_;  ///< path to key
};

/// A name as it is kept: one line, not too long, never like a path. "" when nothing is left.
QString collection_name(const QString& typed);
/// Whether a key is a name the user gave, not a folder.
inline bool is_named_collection(const QString& key) {
  return !key.isEmpty() && !key.startsWith(QLatin1Char('/'));
}

}  // namespace kvlink::desk
