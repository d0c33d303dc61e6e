//! Log lines on standard error, for people or as JSON. The `log` crate has the macros; what is
//! missing is small enough to be written here.
//!
//! A thread of its own writes the lines, from a bounded queue. When nothing reads standard error, a
//! pipe to a program that hangs for example, lines are lost and counted, and no request waits.

use crate::config::LogFormat;
use chrono::{DateTime, SecondsFormat, Utc};
use log::kv::{self, Key, Value, VisitSource};
use log::{Level, LevelFilter, Metadata, Record};
use serde_json::{Map, json};
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

/// Lines that may wait to be written. A line may have some 10 kB, as long as its path.
const QUEUE: usize = 2_048;
/// How long the thread sleeps after it has written: lines that come meanwhile wake no thread. To wake it
/// for each of them took a request more time than to make the line.
const PAUSE: Duration = Duration::from_millis(5);
/// How long the end of the process waits for its last lines.
const FLUSH_WAIT: Duration = Duration::from_secs(1);

static LOST: AtomicU64 = AtomicU64::new(0);

/// What the thread gets.
enum Entry {
    Line(String),
    /// To be answered when all lines before it are written.
    Flush(SyncSender<()>),
}

struct Logger {
    format: LogFormat,
    clock: fn() -> DateTime<Utc>,
    queue: SyncSender<Entry>,
}

/// Begins to log. A second call changes nothing.
pub fn start(format: LogFormat, clock: fn() -> DateTime<Utc>) {
    let (queue, entries) = sync_channel(QUEUE);
    let thread = thread::Builder::new().name("log".to_owned());
    if thread.spawn(move || write(&entries, &mut std::io::stderr())).is_ok()
        && log::set_boxed_logger(Box::new(Logger { format, clock, queue })).is_ok()
    {
        log::set_max_level(LevelFilter::Info);
    }
}

/// Lines that were lost, because nothing read them in time, or they could not be written.
pub fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Writes what comes, all lines that are there with one call, until the logger is gone.
fn write(entries: &Receiver<Entry>, out: &mut impl Write) {
    let mut lines = String::new();
    while let Ok(first) = entries.recv() {
        let mut flushes = Vec::new();
        for entry in std::iter::once(first).chain(entries.try_iter().take(QUEUE)) {
            match entry {
                Entry::Line(line) => lines.push_str(&line),
                Entry::Flush(done) => flushes.push(done),
            }
        }
        // A pipe that is closed, or a file on a full disk: `/metrics` is the one place for this news.
        if out.write_all(lines.as_bytes()).is_err() {
            LOST.fetch_add(lines.lines().count() as u64, Ordering::Relaxed);
        }
        lines.clear();
        lines.shrink_to(64 << 10);
        for done in flushes {
            let _ = done.try_send(());
        }
        thread::sleep(PAUSE);
    }
}

/// One line, without line breaks: what a client sent cannot make up a second one. `fields` are for
/// JSON; the message has them too.
fn line(
    format: LogFormat,
    at: DateTime<Utc>,
    level: Level,
    message: &str,
    fields: &dyn kv::Source,
) -> String {
    let at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
    match format {
        LogFormat::Text => {
            let message = message.replace(|c: char| c.is_control(), " ");
            format!("{at} {level:5} {message}\n")
        }
        LogFormat::Json => {
            let mut all = Fields(Map::new());
            all.0.insert("at".to_owned(), json!(at));
            all.0.insert("level".to_owned(), json!(level.as_str().to_lowercase()));
            all.0.insert("message".to_owned(), json!(message));
            // It fails only where a field does, and ours never does.
            let _ = fields.visit(&mut all);
            format!("{}\n", serde_json::Value::from(all.0))
        }
    }
}

/// The members of a line.
struct Fields(Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        let number = value.to_i64().map(|it| json!(it));
        let number = number.or_else(|| value.to_f64().map(|it| json!(it)));
        // What is neither a number nor a text is nothing: a request without a user.
        let value = number.unwrap_or_else(|| json!(value.to_borrowed_str()));
        self.0.insert(key.as_str().to_owned(), value);
        Ok(())
    }
}

impl log::Log for Logger {
    fn enabled(&self, metadata: &Metadata) -> bool {
        // Libraries only when something is wrong.
        metadata.target().starts_with("contactd") || metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let message = record.args().to_string();
        let fields = record.key_values();
        let line = line(self.format, (self.clock)(), record.level(), &message, &fields);
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Entry::Line(line)) {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self) {
        let (done, flushed) = sync_channel(1);
        if self.queue.try_send(Entry::Flush(done)).is_ok() {
            let _ = flushed.recv_timeout(FLUSH_WAIT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use log::Log;

    fn logger(format: LogFormat) -> (Logger, Receiver<Entry>) {
        let (queue, entries) = sync_channel(QUEUE);
        (Logger { format, clock: || DateTime::UNIX_EPOCH, queue }, entries)
    }

    #[test]
    fn libraries_are_heard_only_when_something_is_wrong() {
        let (logger, _entries) = logger(LogFormat::Text);
        for (target, level, heard) in [
            ("contactd::app", Level::Info, true),
            ("rustls::conn", Level::Info, false),
            ("rustls::conn", Level::Warn, true),
            ("r2d2", Level::Error, true),
        ] {
            let metadata = Metadata::builder().target(target).level(level).build();
            assert_eq!(logger.enabled(&metadata), heard, "{target} {level}");
        }
    }

    #[test]
    fn a_message_is_one_line() {
        let at = "2026-11-22T10:00:00Z".parse().unwrap();
        let none: [(&str, i32); 0] = [];
        let text = line(LogFormat::Text, at, Level::Info, "a\nb", &none);
        assert_eq!(text, "2026-11-22T10:00:00.000Z INFO  a b\n");
        let json = line(LogFormat::Json, at, Level::Warn, "a\nb\"", &none);
        assert_eq!(json.lines().count(), 1);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["message"], "a\nb\"");
    }

    #[test]
    fn json_has_the_fields_of_a_line_by_their_names() {
        let (logger, entries) = logger(LogFormat::Json);
        let fields: [(&str, Value); 3] =
            [("path", "/a\"b".into()), ("status", 200_u16.into()), ("ms", 1.5.into())];
        let message = format_args!("GET");
        logger.log(
            &Record::builder()
                .target("contactd::app")
                .level(Level::Info)
                .args(message)
                .key_values(&fields)
                .build(),
        );
        let Ok(Entry::Line(line)) = entries.try_recv() else { panic!("a line") };
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        let expected = json!({
            "at": "1970-01-01T00:00:00.000Z", "level": "info", "message": "GET",
            "path": "/a\"b", "status": 200, "ms": 1.5,
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn lines_that_nothing_reads_are_lost_and_counted_and_nothing_waits() {
        let (logger, entries) = logger(LogFormat::Text);
        let before = lost();
        let begin = std::time::Instant::now();
        for _ in 0..QUEUE + 10 {
            let record = Record::builder().target("contactd::app").level(Level::Info).build();
            logger.log(&record);
        }
        assert!(begin.elapsed() < Duration::from_secs(5));
        assert_eq!(lost() - before, 10);
        let writer = thread::spawn(move || {
            let mut out = Vec::new();
            write(&entries, &mut out);
            out
        });
        logger.flush();
        drop(logger);
        let out = writer.join().unwrap();
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), QUEUE);

        // As on a full disk. In the same test, for the counter is that of the process.
        let (queue, entries) = sync_channel(QUEUE);
        for _ in 0..3 {
            queue.send(Entry::Line("a line\n".to_owned())).unwrap();
        }
        drop(queue);
        write(&entries, &mut std::fs::File::create("/dev/full").unwrap());
        assert_eq!(lost() - before, 13);
    }
}
