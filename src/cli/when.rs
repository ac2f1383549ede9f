//! Points in time as people type them. The clock of the machine is never read.

use jiff::Zoned;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use shockfront::change::file::parse_time;

/// A time with an offset, with a zone in brackets, or a date, which means its midnight in UTC.
pub(crate) fn parse_at(text: &str) -> Result<Zoned, String> {
    let text = text.trim();
    match text.parse::<Date>() {
        Ok(date) if !text.contains(['T', 't', ' ', ':', '[']) => date.to_zoned(TimeZone::UTC).map_err(|error| error.to_string()),
        _ => parse_time(text)
            .map_err(|message| format!("{message}; expected 2026-03-05T14:00:00-05:00, or a date such as 2026-03-05")),
    }
}

/// A time in the form that [`parse_at`] reads.
pub(crate) fn written(time: &Zoned) -> String {
    let stamp = time.strftime("%Y-%m-%dT%H:%M:%S%:z");
    match time.time_zone().iana_name().filter(|name| *name != "UTC") {
        Some(zone) => format!("{stamp}[{zone}]"),
        None => stamp.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_offset() {
        for (text, expected) in [
            ("2026-03-05T14:00:00-05:00", "2026-03-05T14:00:00-05:00[-05:00]"),
            ("2026-03-05T14:00:00Z", "2026-03-05T14:00:00+00:00[UTC]"),
            ("2026-03-05T14:00:00+05:30", "2026-03-05T14:00:00+05:30[+05:30]"),
            ("2026-03-05T14:00:00-05:00[America/New_York]", "2026-03-05T14:00:00-05:00[America/New_York]"),
            ("2026-03-05T14:00[Europe/Zurich]", "2026-03-05T14:00:00+01:00[Europe/Zurich]"),
            ("2026-03-05", "2026-03-05T00:00:00+00:00[UTC]"),
        ] {
            let time = parse_at(text).expect(text);
            assert_eq!(time.to_string(), expected, "{text}");
            assert_eq!(parse_at(&written(&time)), Ok(time), "{text}");
        }
    }

    #[test]
    fn doubtful_times_are_refused() {
        for text in
            ["", "now", "2026-03-05T14:00:00", "2026-13-01", "14:00", "2026-03-05T14:00:00-05:00[Mars/Base]", "1767225600"]
        {
            assert!(parse_at(text).is_err(), "{text}");
        }
        assert!(parse_at("2026-03-05T14:00[Mars/Base]").is_err_and(|message| message.contains("Mars/Base")));
    }
}
