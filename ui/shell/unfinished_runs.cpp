// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/unfinished_runs.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

namespace kvlink::ui {
namespace {

QJsonArray array_of(const std::vector<QString>& strings) {
  QJsonArray array;
  for (const auto& one : strings) array.append(one);
  return array;
}

std::vector<QString> strings_of(const QJsonValue& value) {
  std::vector<QString> strings;
  for (const auto& one : value.toArray()) {
    if (!one.toString().isEmpty()) strings.push_back(one.toString());
  }
  return strings;
}

}  // namespace

QByteArray UnfinishedRuns::to_json() const {
  QJsonArray runs;
  for (const auto& [id, request] : runs_) {
    runs.append(QJsonObject{{"paths", array_of(request.paths)},
                            {"excluded", array_of(request.excluded_suffixes)},
                            {"excluded_paths", array_of(request.excluded_paths)},
                            {"caching", request.caching},
                            {"read_again", request.read_again}});
  }
  return QJsonDocument(runs).toJson(QJsonDocument::Compact);
}

std::vector<desk::AddRequest> UnfinishedRuns::from_json(const QByteArray& json) {
  std::vector<desk::AddRequest> requests;
  for (const auto& run : QJsonDocument::fromJson(json).array()) {
    desk::AddRequest request;
    request.paths = strings_of(run.toObject()["paths"]);
    request.excluded_suffixes = strings_of(run.toObject()["excluded"]);
    request.excluded_paths = strings_of(run.toObject()["excluded_paths"]);
    request.caching = run.toObject()["caching"].toBool(true);
    request.read_again = run.toObject()["read_again"].toBool(false);
    if (!request.paths.empty()) requests.push_back(std::move(request));
  }
  return requests;
}

}  // namespace kvlink::ui
