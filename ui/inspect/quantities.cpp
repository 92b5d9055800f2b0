// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/quantities.h"

#include <QCoreApplication>
#include <QDateTime>
#include <QLocale>
#include <cmath>

namespace kvlink::ui {
namespace {

struct Quantities {
  Q_DECLARE_TR_FUNCTIONS(Quantities)
};

}  // namespace

QString decimal_text(double value, int n_decimals) {
  return QLocale().toString(value, 'f', n_decimals);
}

QString duration_text(double milliseconds) {
  if (milliseconds >= 1000) return Quantities::tr("%1 s").arg(decimal_text(milliseconds / 1000, 2));
  const int n_decimals = milliseconds >= 100 ? 0 : (milliseconds >= 0.95 ? 1 : 2);
  return Quantities::tr("%1 ms").arg(decimal_text(milliseconds, n_decimals));
}

QString seconds_text(double seconds) {
  if (seconds < 1) return Quantities::tr("less than a second");
  const auto whole = static_cast<qint64>(std::llround(seconds));
  if (whole < 60) return Quantities::tr("%1 s").arg(whole);
  if (whole < 3600) return Quantities::tr("%1 min %2 s").arg(whole / 60).arg(whole % 60);
  return Quantities::tr("%1 h %2 min").arg(whole / 3600).arg(whole / 60 % 60);
}

QString bytes_text(std::int64_t bytes) {
  return QLocale().formattedDataSize(bytes, 1, QLocale::DataSizeSIFormat);
}

QString count_text(std::int64_t count) { return QLocale().toString(qint64{count}); }

QString byte_rate_text(std::int64_t bytes, double milliseconds) {
  if (bytes <= 0 || milliseconds <= 0) return {};
  return Quantities::tr("%1 GB/s").arg(
      decimal_text(static_cast<double>(bytes) / milliseconds / 1e6, 2));
}

QString moment_text(std::int64_t unix_seconds) {
  if (unix_seconds <= 0) return {};
  return QLocale().toString(QDateTime::fromSecsSinceEpoch(unix_seconds), QLocale::ShortFormat);
}

QString full_moment_text(std::int64_t unix_seconds) {
  if (unix_seconds <= 0) return {};
  return QLocale().toString(QDateTime::fromSecsSinceEpoch(unix_seconds), QLocale::LongFormat);
}

QString ago_text(std::int64_t unix_seconds, std::int64_t now) {
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  if (unix_seconds <= 0) return {};
  const std::int64_t past = now - unix_seconds;
  if (past < 0 || past >= 31 * kDay) return moment_text(unix_seconds);
  if (past < kMinute) return Quantities::tr("just now");
  if (past < kHour)
    return Quantities::tr("%n minute(s) ago", nullptr, static_cast<int>(past / kMinute));
  if (past < kDay) return Quantities::tr("%n hour(s) ago", nullptr, static_cast<int>(past / kHour));
  return Quantities::tr("%n day(s) ago", nullptr, static_cast<int>(past / kDay));
}

}  // namespace kvlink::ui
