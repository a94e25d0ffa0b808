//! Instants. There is no clock here; who has one hands the time in.

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::spelled::spelled;

/// An instant: milliseconds since 1970-01-01T00:00:00Z, between the years 1970 and 9999.
///
/// Its one spelling is `2026-01-06T10:00:00.000Z`: UTC, three digits of milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a text is not an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an instant of the form 2026-01-06T10:00:00.000Z")]
pub struct TimestampError;

const DAY_MS: i64 = 86_400_000;
/// 9999-12-31T23:59:59.999Z.
const LAST_MS: i64 = 253_402_300_799_999;

impl Timestamp {
    /// 1970-01-01T00:00:00.000Z.
    pub const EPOCH: Self = Self(0);
    /// 9999-12-31T23:59:59.999Z.
    pub const LAST: Self = Self(LAST_MS);

    /// From milliseconds since the epoch, clamped to the years 1970 to 9999.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(0, LAST_MS))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0
    }

    /// This instant moved by whole seconds, clamped.
    #[must_use]
    pub fn plus_s(self, seconds: i64) -> Self {
        Self::from_millis(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// Milliseconds from `earlier` to this; negative where this comes first.
    #[must_use]
    pub fn since_ms(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// The day in UTC, counted from 1970-01-01.
    #[must_use]
    pub fn day(self) -> i64 {
        self.0.div_euclid(DAY_MS)
    }

    /// `10:00:00`, the time of day in UTC, for people.
    #[must_use]
    pub fn time_of_day(self) -> String {
        let spelling = spelling(self);
        utf8(spelling.get(11..19).unwrap_or_default()).to_owned()
    }

    /// `20260106100000Z`, the form that `ssh-keygen -Overify-time=` and `valid-before=` take;
    /// milliseconds are cut.
    #[must_use]
    pub fn ssh_time(self) -> String {
        let (y, mo, d) = civil(self.0.div_euclid(DAY_MS));
        let s = self.0 % DAY_MS / 1000;
        format!(
            "{y:04}{mo:02}{d:02}{:02}{:02}{:02}Z",
            s / 3600,
            s / 60 % 60,
            s % 60
        )
    }
}

/// Year, month and day of a day number, after Howard Hinnant's `civil_from_days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (
        yoe + era * 400 + i64::from(month <= 2),
        month,
        doy - (153 * mp + 2) / 5 + 1,
    )
}

/// The day number of a year, month and day; the inverse of [`civil`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let mp = (month + 9) % 12;
    let doy = (153 * mp + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

/// A spelling in which the digits are still 0.
const SPELLING: [u8; 24] = *b"0000-00-00T00:00:00.000Z";
/// Where the year, month, day, hour, minute, second and millisecond stand in it.
const FIELDS: [(usize, usize); 7] = [
    (0, 4),
    (5, 7),
    (8, 10),
    (11, 13),
    (14, 16),
    (17, 19),
    (20, 23),
];

/// The spelling of an instant.
fn spelling(at: Timestamp) -> [u8; 24] {
    let (year, month, day) = civil(at.0.div_euclid(DAY_MS));
    let ms = at.0.rem_euclid(DAY_MS);
    let (s, ms) = (ms / 1000, ms % 1000);
    let values = [year, month, day, s / 3600, s / 60 % 60, s % 60, ms];
    let mut out = SPELLING;
    for ((from, to), mut value) in FIELDS.into_iter().zip(values) {
        for digit in out.get_mut(from..to).into_iter().flatten().rev() {
            *digit = b'0' + u8::try_from(value % 10).unwrap_or_default();
            value /= 10;
        }
    }
    out
}

/// Digits and the marks between them are text.
fn utf8(spelling: &[u8]) -> &str {
    std::str::from_utf8(spelling).unwrap_or_default()
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(utf8(&spelling(*self)))
    }
}

spelled!(Timestamp);

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let bytes: &[u8; 24] = text.as_bytes().try_into().map_err(|_| TimestampError)?;
        let mut values = [0; 7];
        for (value, (from, to)) in values.iter_mut().zip(FIELDS) {
            for digit in bytes.get(from..to).into_iter().flatten() {
                let digit = digit.wrapping_sub(b'0');
                if digit > 9 {
                    return Err(TimestampError);
                }
                *value = *value * 10 + i64::from(digit);
            }
        }
        let [year, month, day, hour, minute, second, ms] = values;
        let seconds = hour * 3600 + minute * 60 + second;
        let at = Self(days(year, month, day) * DAY_MS + seconds * 1000 + ms);
        // Spelling it again catches wrong punctuation, a 31 April and a 61st second at once.
        if !(0..=LAST_MS).contains(&at.0) || spelling(at) != *bytes {
            return Err(TimestampError);
        }
        Ok(at)
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;
    fn try_from(text: String) -> Result<Self, TimestampError> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(at: Timestamp) -> Self {
        at.to_string()
    }
}

/// A duration for people: `4h`, `1h 30m`, `45s`.
#[must_use]
pub fn human_s(seconds: i64) -> String {
    let (d, h, m, s) = (
        seconds / 86_400,
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
    );
    let parts: Vec<String> = [(d, 'd'), (h, 'h'), (m, 'm'), (s, 's')]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, unit)| format!("{n}{unit}"))
        .collect();
    if parts.is_empty() {
        "0s".to_owned()
    } else {
        parts.join(" ")
    }
}

/// Reads a duration that a person typed: `4h`, `90m`, `1h30m`, `45s`, `2d`. Seconds.
#[must_use]
pub fn parse_duration_s(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut number = String::new();
    for c in text.chars().filter(|c| *c != ' ') {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let unit = match c {
            'd' => 86_400,
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        let n: i64 = number.parse().ok()?;
        total = total.checked_add(n.checked_mul(unit)?)?;
        number.clear();
    }
    (number.is_empty() && total > 0).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_has_one_spelling() {
        let at: Timestamp = "2026-01-06T10:00:00.000Z".parse().unwrap();
        assert_eq!(at.millis(), 1_767_693_600_000);
        assert_eq!(at.to_string(), "2026-01-06T10:00:00.000Z");
        assert_eq!(at.ssh_time(), "20260106100000Z");
        for wrong in [
            "2026-01-06T10:00:00Z",
            "2026-01-06 10:00:00.000Z",
            "2026-02-30T10:00:00.000Z",
            "2026-01-06T10:00:60.000Z",
            "2026-01-06T10:00:00.000+00:00",
            "+026-01-06T10:00:00.000Z",
            "1969-12-31T23:59:59.999Z",
            "",
        ] {
            assert_eq!(wrong.parse::<Timestamp>(), Err(TimestampError), "{wrong}");
        }
    }

    #[test]
    fn every_day_until_9999_survives_the_round_trip() {
        for day in 0..=LAST_MS / DAY_MS {
            let at = Timestamp::from_millis(day * DAY_MS + 12_345);
            assert_eq!(at.to_string().parse(), Ok(at));
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(parse_duration_s("4h"), Some(14_400));
        assert_eq!(parse_duration_s("1h30m"), Some(5_400));
        assert_eq!(parse_duration_s("90"), None);
        assert_eq!(parse_duration_s("4 weeks"), None);
        assert_eq!(parse_duration_s("99999999999999999d"), None);
        assert_eq!(human_s(14_400), "4h");
        assert_eq!(human_s(5_445), "1h 30m 45s");
        assert_eq!(human_s(0), "0s");
    }
}
