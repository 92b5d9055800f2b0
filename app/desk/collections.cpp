// SPDX-License-Identifier: Apache-2.0
#include "app/desk/collections.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <algorithm>
#include <map>

namespace kvlink::desk {
namespace {

constexpr auto kCollections = "collections";

}  // namespace

QString collection_name(const QString& typed) {
  QString name = typed.simplified().left(Collections::kMaxName).trimmed();
  while (name.startsWith(QLatin1Char('/'))) name.remove(0, 1);
  return name;
}

void Collections::move(const QString& path, const QString& key) {
  if (key.isEmpty()) {
    moved_.remove(path);
  } else if (moved_.size() < kMaxDocuments || moved_.contains(path)) {
    moved_.insert(path, key);
  }
}

void Collections::rename(const QString& before, const QString& name) {
  for (auto& key : moved_) {
    if (key == before) key = name;
  }
}

QByteArray Collections::to_json() const {
  std::map<QString, std::vector<QString>> by_key;
  for (auto moved = moved_.cbegin(); moved != moved_.cend(); ++moved) {
    by_key[moved.value()].push_back(moved.key());
  }
  QJsonObject collections;
  for (auto& [key, paths] : by_key) {
    std::sort(paths.begin(), paths.end());
    QJsonArray array;
    for (const auto& path : paths) array.append(path);
    collections.insert(key, array);
  }
  return QJsonDocument(QJsonObject{{QLatin1String(kCollections), collections}}).toJson();
}

Collections Collections::from_json(const QByteArray& json) {
  Collections read;
  const auto collections =
      QJsonDocument::fromJson(json).object()[QLatin1String(kCollections)].toObject();
  for (auto one = collections.begin(); one != collections.end(); ++one) {
    const bool is_folder = one.key().startsWith(QLatin1Char('/'));
    const QString key = is_folder ? one.key() : collection_name(one.key());
    for (const auto& path : one.value().toArray()) {
      if (path.toString().startsWith(QLatin1Char('/'))) read.move(path.toString(), key);
    }
  }
  return read;
}

}  // namespace kvlink::desk
