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

QJsonObject object_of(const desk::AddRequest& request) {
  return {{"paths", array_of(request.paths)},
          {"excluded", array_of(request.excluded_suffixes)},
          {"excluded_paths", array_of(request.excluded_paths)},
          {"caching", request.caching},
          {"read_again", request.read_again}};
}

QJsonObject object_of(const UnfinishedRuns::Encoding& documents) {
  QJsonArray ids;
  for (const auto id : documents) ids.append(qint64{id});
  return {{"encode", ids}};
}

UnfinishedRuns::Encoding encoding_in(const QJsonValue& value) {
  UnfinishedRuns::Encoding documents;
  for (const auto& id : value.toArray()) documents.push_back(id.toInteger());
  return documents;
}

desk::AddRequest request_in(const QJsonObject& run) {
  desk::AddRequest request;
  request.paths = strings_of(run["paths"]);
  request.excluded_suffixes = strings_of(run["excluded"]);
  request.excluded_paths = strings_of(run["excluded_paths"]);
  request.caching = run["caching"].toBool(true);
  request.read_again = run["read_again"].toBool(false);
  return request;
}

}  // namespace

QByteArray UnfinishedRuns::to_json() const {
  QJsonArray runs;
  for (const auto& [id, run] : runs_) {
    runs.append(std::visit([](const auto& one) { return object_of(one); }, run));
  }
  return QJsonDocument(runs).toJson(QJsonDocument::Compact);
}

std::vector<UnfinishedRuns::Run> UnfinishedRuns::from_json(const QByteArray& json) {
  std::vector<Run> runs;
  for (const auto& one : QJsonDocument::fromJson(json).array()) {
    const QJsonObject run = one.toObject();
    if (run["encode"].isArray()) {
      runs.emplace_back(encoding_in(run["encode"]));
    } else if (auto request = request_in(run); !request.paths.empty()) {
      runs.emplace_back(std::move(request));
    }
  }
  return runs;
}

}  // namespace kvlink::ui
