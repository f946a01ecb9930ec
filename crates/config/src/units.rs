//! Durations and sizes as people write them: always with a unit.

use std::time::Duration;

/// Parses `30s`, `10m`, `1h 30m`, `30d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    if text.trim().bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NO_DURATION_UNIT.to_owned());
    }
    let parsed = humantime::parse_duration(text).ok();
    parsed
        .filter(|duration| *duration <= LONGEST && duration.subsec_nanos() % 1_000_000 == 0)
        .ok_or_else(|| {
            format!("{text:?} is not a duration: write a number and ms, s, m, h or d, as \"30s\"")
        })
}

/// As [`duration`], in whole seconds: tokens count no finer.
pub(crate) fn whole_seconds(text: &str) -> Result<Duration, String> {
    let parsed = duration(text)?;
    if parsed.subsec_nanos() == 0 {
        Ok(parsed)
    } else {
        Err(format!("{text:?} is not in whole seconds"))
    }
}

/// As written in a file: the largest unit that fits exactly.
pub(crate) fn write_duration(duration: Duration) -> String {
    if duration.subsec_nanos() != 0 {
        return format!("{}ms", duration.as_millis());
    }
    let seconds = duration.as_secs();
    let exact = [(86_400, "d"), (3_600, "h"), (60, "m")]
        .into_iter()
        .find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    match exact {
        Some((unit, name)) => format!("{}{name}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

/// Parses `16KiB`, `64MiB`, `1GB`, `512B`.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim();
    if unit.is_empty() && digits > 0 {
        return Err(NO_SIZE_UNIT.to_owned());
    }
    let factor = SIZES
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, factor)| *factor);
    number
        .parse::<u64>()
        .ok()
        .zip(factor)
        .and_then(|(number, factor)| number.checked_mul(factor))
        .ok_or_else(|| {
            format!("{text:?} is not a size: write a number and B, KiB, MiB or GiB, as \"1MiB\"")
        })
}

/// As written in a file: the largest binary unit that fits exactly.
pub(crate) fn write_size(size: u64) -> String {
    let exact = SIZES
        .iter()
        .rev()
        .find(|(name, factor)| name.contains('i') && size > 0 && size.is_multiple_of(*factor));
    match exact {
        Some((name, factor)) => format!("{}{name}", size / factor),
        None => format!("{size}B"),
    }
}

/// What a bare number is told where a duration belongs.
pub(crate) const NO_DURATION_UNIT: &str = "a duration needs a unit: \"30s\", \"10m\", \"1h\"";

/// What a bare number is told where a size belongs.
pub(crate) const NO_SIZE_UNIT: &str = "a size needs a unit: \"512B\", \"16KiB\", \"1MiB\"";

/// Ten years: far from where adding to a clock overflows, and within 32 bits of seconds.
const LONGEST: Duration = Duration::from_secs(3_650 * 86_400);

const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("KB", 1_000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_is_told_about_units() {
        assert_eq!(duration("30").unwrap_err(), NO_DURATION_UNIT);
        assert_eq!(size("1024").unwrap_err(), NO_SIZE_UNIT);
    }

    #[test]
    fn what_is_written_reads_back() {
        for text in ["0s", "250ms", "90s", "10m", "1h", "30d"] {
            assert_eq!(write_duration(duration(text).unwrap()), text);
        }
        for text in ["0B", "1000B", "16KiB", "64MiB", "2GiB"] {
            assert_eq!(write_size(size(text).unwrap()), text);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["", "s", "30 parsecs", "-1s", "999999d", "1h2"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "MiB", "1 MIB", "-1B", "99999999999GiB", "1.5MiB"] {
            assert!(size(bad).is_err(), "{bad:?}");
        }
        assert!(whole_seconds("1500ms").is_err());
    }
}
