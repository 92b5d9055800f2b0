// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/timing_record.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <array>
#include <cmath>
#include <optional>

namespace kvlink::ui {
namespace {

constexpr qsizetype kMaxText = 4000;
constexpr qsizetype kMaxPieces = 4096;
/// Names of the bars in the file: persistent, in the order of Bar.
constexpr std::array<const char*, kBarCount> kBarNames = {
    "retrieve", "plan",   "read",    "verify",      "encode",      "wait",
    "copy",     "rotate", "prefill", "first_token", "first_decode"};

QJsonObject object_of(const StageBar& bar) {
  QJsonArray pieces;
  for (const auto& piece : bar.pieces) pieces.append(QJsonArray{piece.begin_ms, piece.end_ms});
  return {{"bar", kBarNames.at(static_cast<std::size_t>(bar.bar))},
          {"pieces", pieces},
          {"total_ms", bar.total_ms},
          {"bytes", qint64(bar.bytes)},
          {"tokens", qint64(bar.tokens)},
          {"blocks", qint64(bar.blocks)},
          {"tier", bar.tier}};
}

QJsonObject object_of(const QuestionTiming& timing) {
  QJsonArray bars;
  for (const auto& bar : timing.bars) bars.append(object_of(bar));
  QJsonObject object{{"question", timing.question.left(kMaxText)},
                     {"asked_unix", qint64(timing.asked_unix)},
                     {"mode", timing.mode},
                     {"model", timing.model},
                     {"without_cache", timing.without_cache},
                     {"nothing_found", timing.nothing_found},
                     {"document_tokens", qint64(timing.n_document_tokens)},
                     {"reused_tokens", qint64(timing.n_reused_tokens)},
                     {"prefilled_tokens", qint64(timing.n_prefilled_tokens)},
                     {"document_tokens_prefilled", qint64(timing.n_document_tokens_prefilled)},
                     {"answer_tokens", qint64(timing.n_answer_tokens)},
                     {"bytes_read", qint64(timing.bytes_read)},
                     {"decode_ms", timing.decode_ms},
                     {"read_ahead", timing.read_ahead},
                     {"bars", bars}};
  if (timing.ttft_ms) object.insert("ttft_ms", *timing.ttft_ms);
  return object;
}

/// Counts and times of a file that somebody may have written by hand.
bool is_sane(double value) { return std::isfinite(value) && value >= 0 && value < 1e15; }

std::optional<std::int64_t> count_of(const QJsonValue& value) {
  const double number = value.toDouble();
  if (!is_sane(number)) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

std::optional<StageBar> bar_of(const QJsonObject& object) {
  StageBar bar;
  const auto name = object["bar"].toString();
  std::size_t at = 0;
  while (at < kBarCount && name != QLatin1String(kBarNames.at(at))) ++at;
  const QJsonArray pieces = object["pieces"].toArray();
  if (at == kBarCount || pieces.size() > kMaxPieces) return std::nullopt;
  bar.bar = static_cast<Bar>(at);
  for (const auto& value : pieces) {
    const double begin = value.toArray().at(0).toDouble();
    const double end = value.toArray().at(1).toDouble();
    if (!is_sane(begin) || !is_sane(end) || end < begin) return std::nullopt;
    bar.pieces.push_back({begin, end});
  }
  bar.total_ms = object["total_ms"].toDouble();
  bar.bytes = count_of(object["bytes"]).value_or(0);
  bar.tokens = count_of(object["tokens"]).value_or(0);
  bar.blocks = count_of(object["blocks"]).value_or(0);
  bar.tier = object["tier"].toString().left(40);
  return is_sane(bar.total_ms) ? std::optional(bar) : std::nullopt;
}

std::optional<QuestionTiming> timing_of(const QJsonObject& object) {
  QuestionTiming timing;
  timing.question = object["question"].toString().left(kMaxText);
  timing.mode = object["mode"].toString().left(40);
  timing.model = object["model"].toString().left(128);
  timing.read_ahead = object["read_ahead"].toString().left(kMaxText);
  timing.without_cache = object["without_cache"].toBool();
  timing.nothing_found = object["nothing_found"].toBool();
  timing.decode_ms = object["decode_ms"].toDouble();
  if (object.contains("ttft_ms")) timing.ttft_ms = object["ttft_ms"].toDouble();
  if (!is_sane(timing.decode_ms) || !is_sane(timing.ttft_ms.value_or(0))) return std::nullopt;
  const std::pair<const char*, std::int64_t*> counts[] = {
      {"asked_unix", &timing.asked_unix},
      {"document_tokens", &timing.n_document_tokens},
      {"reused_tokens", &timing.n_reused_tokens},
      {"prefilled_tokens", &timing.n_prefilled_tokens},
      {"document_tokens_prefilled", &timing.n_document_tokens_prefilled},
      {"answer_tokens", &timing.n_answer_tokens},
      {"bytes_read", &timing.bytes_read}};
  for (const auto& [key, count] : counts) {
    const auto value = count_of(object[QLatin1String(key)]);
    if (!value) return std::nullopt;
    *count = *value;
  }
  for (const auto& value : object["bars"].toArray()) {
    const auto bar = bar_of(value.toObject());
    if (!bar || timing.bars.size() == kBarCount) return std::nullopt;
    timing.bars.push_back(*bar);
  }
  return timing;
}

}  // namespace

QByteArray to_json(const KeptTimings& timings) {
  QJsonArray questions;
  for (const auto& timing : timings.questions) questions.append(object_of(timing));
  return QJsonDocument(QJsonObject{{"model", timings.model},
                                   {"tokens_per_second", timings.tokens_per_second},
                                   {"questions", questions}})
      .toJson(QJsonDocument::Compact);
}

KeptTimings kept_timings_of(const QByteArray& json) {
  const auto object = QJsonDocument::fromJson(json).object();
  KeptTimings kept;
  kept.model = object["model"].toString().left(128);
  const double rate = object["tokens_per_second"].toDouble();
  if (is_sane(rate)) kept.tokens_per_second = rate;
  const QJsonArray questions = object["questions"].toArray();
  const auto n = std::min<qsizetype>(questions.size(), TimingHistory::kCapacity);
  for (qsizetype i = questions.size() - n; i < questions.size(); ++i) {
    if (!questions[i].isObject()) continue;
    if (auto timing = timing_of(questions[i].toObject())) kept.questions.push_back(*timing);
  }
  return kept;
}

}  // namespace kvlink::ui
