//! Log lines on standard error, for people or as JSON. The `log` crate has the macros; what is
//! missing is small enough to be written here.

use crate::config::LogFormat;
use chrono::{DateTime, SecondsFormat, Utc};
use log::{Level, LevelFilter, Metadata, Record};
use std::io::Write;

struct Logger {
    format: LogFormat,
    clock: fn() -> DateTime<Utc>,
}

/// Begins to log. A second call changes nothing.
pub fn start(format: LogFormat, clock: fn() -> DateTime<Utc>) {
    if log::set_boxed_logger(Box::new(Logger { format, clock })).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

/// One line, without line breaks: what a client sent cannot make up a second one.
fn line(format: LogFormat, at: DateTime<Utc>, level: Level, message: &str) -> String {
    let at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
    match format {
        LogFormat::Text => {
            let message = message.replace(|c: char| c.is_control(), " ");
            format!("{at} {level:5} {message}\n")
        }
        LogFormat::Json => {
            let level = level.as_str().to_lowercase();
            format!("{}\n", serde_json::json!({ "at": at, "level": level, "message": message }))
        }
    }
}

impl log::Log for Logger {
    fn enabled(&self, metadata: &Metadata) -> bool {
        // Libraries only when something is wrong.
        metadata.target().starts_with("contactd") || metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) {
            let line =
                line(self.format, (self.clock)(), record.level(), &record.args().to_string());
            // Nowhere is left to tell that standard error is gone.
            let _ = std::io::stderr().lock().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_heard_only_when_something_is_wrong() {
        let clock = || DateTime::UNIX_EPOCH;
        let logger = Logger { format: LogFormat::Text, clock };
        for (target, level, heard) in [
            ("contactd::app", Level::Info, true),
            ("rustls::conn", Level::Info, false),
            ("rustls::conn", Level::Warn, true),
            ("r2d2", Level::Error, true),
        ] {
            let metadata = Metadata::builder().target(target).level(level).build();
            assert_eq!(log::Log::enabled(&logger, &metadata), heard, "{target} {level}");
        }
    }

    #[test]
    fn a_message_is_one_line() {
        let at = "2026-11-22T10:00:00Z".parse().unwrap();
        let text = line(LogFormat::Text, at, Level::Info, "a\nb");
        assert_eq!(text, "2026-11-22T10:00:00.000Z INFO  a b\n");
        let json = line(LogFormat::Json, at, Level::Warn, "a\nb\"");
        assert_eq!(json.lines().count(), 1);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["message"], "a\nb\"");
    }
}
