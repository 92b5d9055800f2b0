// SPDX-License-Identifier: Apache-2.0
// Numbers as the inspector writes them, in the user's language.
#pragma once

#include <QString>
#include <cstdint>

namespace kvlink::ui {

/// "0.04 ms", "15.2 ms", "324 ms", "4.62 s"
QString duration_text(double milliseconds);
/// "12 s", "3 min 20 s", "2 h 5 min"; "less than a second"
QString seconds_text(double seconds);
/// "512 bytes", "10.6 MB" (powers of 1,000)
QString bytes_text(std::int64_t bytes);
QString count_text(std::int64_t count);
/// "1.4 GB/s"; "" when nothing took no time
QString byte_rate_text(std::int64_t bytes, double milliseconds);
/// Decimals, written for the user's locale.
QString decimal_text(double value, int n_decimals);
/// A moment in Unix seconds, short; "" for 0.
QString moment_text(std::int64_t unix_seconds);
/// The same with the day of the week and seconds; "" for 0.
QString full_moment_text(std::int64_t unix_seconds);
/// "just now", "3 minutes ago", "5 days ago"; of what is older than a month, or later than `now`
/// (the clock was set back), the moment. "" for 0.
QString ago_text(std::int64_t unix_seconds, std::int64_t now);

}  // namespace kvlink::ui
