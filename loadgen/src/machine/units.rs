//! Numbers as people read them.

use super::grouped;

/// Milliseconds, or seconds where they are many.
pub(super) fn ms(ms: f64) -> String {
    match ms {
        10_000.0.. => format!("{:.1} s", ms / 1_000.0),
        1_000.0.. => format!("{:.2} s", ms / 1_000.0),
        100.0.. => format!("{ms:.0} ms"),
        10.0.. => format!("{ms:.1} ms"),
        _ => format!("{ms:.2} ms"),
    }
}

/// A round number of milliseconds, for a scale.
pub(super) fn round_ms(ms: f64) -> String {
    if ms >= 1_000.0 { format!("{} s", ms / 1_000.0) } else { format!("{} ms", plain(ms)) }
}

/// A round number, for a scale.
pub(super) fn round(number: f64) -> String {
    match number {
        1e9.. => format!("{} G", plain(number / 1e9)),
        1e6.. => format!("{} M", plain(number / 1e6)),
        1e4.. => format!("{} k", plain(number / 1e3)),
        _ => plain(number),
    }
}

/// A number without what division leaves behind the digits that count.
pub(super) fn plain(number: f64) -> String {
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Bytes with three digits and a unit.
pub(super) fn bytes(bytes: f64) -> String {
    let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let unit = units.into_iter().find(|(size, _)| bytes >= *size);
    unit.map_or_else(
        || format!("{bytes:.0} B"),
        |(size, unit)| format!("{:.1} {unit}", bytes / size),
    )
}

/// A figure that may be large or small.
pub(super) fn figure(number: f64) -> String {
    match number.abs() {
        1_000.0..1e15 => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it is whole, not negative, and fits"
            )]
            let digits = grouped(number.abs().round() as u64);
            if number < 0.0 { format!("-{digits}") } else { digits }
        }
        _ if number.fract() == 0.0 => format!("{number}"),
        100.0.. => format!("{number:.0}"),
        10.0.. => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

/// A time in milliseconds of Unix time as `2026-01-01 12:00:00 UTC`.
pub(super) fn utc(unix_ms: u64) -> String {
    let seconds = unix_ms / 1_000;
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    // Years that begin in March end with the day that some of them lack.
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    let year = year + era * 400;
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_a_unit() {
        assert_eq!(
            [0.184, 4.23, 61.04, 250.4].map(ms),
            ["0.18 ms", "4.23 ms", "61.0 ms", "250 ms"]
        );
        assert_eq!([1_234.0, 61_000.0].map(ms), ["1.23 s", "61.0 s"]);
        assert_eq!([0.1, 20.0, 5_000.0].map(round_ms), ["0.1 ms", "20 ms", "5 s"]);
        assert_eq!([0.05, 2_000.0, 50_000.0, 2e6].map(round), ["0.05", "2000", "50 k", "2 M"]);
        assert_eq!([512.0, 21_400.0, 73.4e6].map(bytes), ["512 B", "21.4 kB", "73.4 MB"]);
        assert_eq!([0.456, 47.23, 1_991.4, 3.0].map(figure), ["0.46", "47.2", "1,991", "3"]);
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_782_400_000), "2000-02-29 00:00:00 UTC");
        assert_eq!(utc(1_767_225_599_999), "2025-12-31 23:59:59 UTC");
        assert_eq!(utc(4_107_542_400_000), "2100-03-01 00:00:00 UTC");
        assert!(utc(u64::MAX).ends_with(" UTC"));
    }
}
