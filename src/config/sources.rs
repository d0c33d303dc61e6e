//! Where settings stand beside the environment: `.env`, and files that hold one secret each.

use std::collections::HashMap;
use std::io::ErrorKind;

/// The settings that may stand in a file of their own, named by `…_FILE`.
const SECRETS: [&str; 5] =
    ["DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SECRET_KEY_OLD", "SMTP_URL"];

/// The secrets that stand in files of their own, and what is wrong with those files.
pub fn read_secret_files(
    get: &dyn Fn(&str) -> Option<String>,
) -> (HashMap<&'static str, String>, Vec<String>) {
    let (mut values, mut faults) = (HashMap::new(), Vec::new());
    for name in SECRETS {
        let variable = format!("{name}_FILE");
        let Some(path) = get(&variable) else { continue };
        match std::fs::read_to_string(path) {
            _ if get(name).is_some() => {
                faults.push(format!("{name} and {variable} are both set"));
            }
            Ok(text) => {
                values.insert(name, without_mark(&text).trim().to_owned());
            }
            Err(error) => faults.push(format!("{variable} cannot be read: {error}")),
        }
    }
    (values, faults)
}

/// `.env` as a map, and what is wrong with it; it is no fault if there is none.
pub fn read_dotenv() -> (HashMap<String, String>, Vec<String>) {
    match std::fs::read_to_string(".env") {
        Ok(text) => parse_dotenv(&text),
        Err(error) if error.kind() == ErrorKind::NotFound => Default::default(),
        Err(error) => (HashMap::new(), vec![format!(".env: cannot be read: {error}")]),
    }
}

/// A text as in `.env`, and what is wrong with it.
pub fn parse_dotenv(text: &str) -> (HashMap<String, String>, Vec<String>) {
    let mut faults = Vec::new();
    let mut fault = |error: dotenvy::Error| {
        // The error quotes the line, which may well hold a secret, so only its number is shown.
        let wrong = if let dotenvy::Error::LineParse(wrong, _) = &error { wrong } else { "" };
        let places = text.match_indices(wrong.trim_end()).filter_map(|(at, _)| text.get(..at));
        // A comment may say the same.
        let is_comment = |before: &&str| {
            before.rsplit('\n').next().is_some_and(|line| line.trim_start().starts_with('#'))
        };
        let mut places = places.filter(|before| !is_comment(before));
        let line = places.next().map(|before| before.matches('\n').count() + 1);
        let line = line.map_or_else(|| "a line".to_owned(), |number| format!("line {number}"));
        faults.push(format!(
            ".env: {line} cannot be read: write NAME=value, with quotes around a value that has \
             spaces, and single quotes around one that has a $"
        ));
    };
    // To the parser a blank at the very end is the beginning of a longer value.
    let text = format!("{}\n", without_mark(text));
    let lines = dotenvy::from_read_iter(text.as_bytes());
    let values = lines.filter_map(|line| line.map_err(&mut fault).ok()).collect();
    (values, faults)
}

/// The text without a byte order mark, which editors on Windows put before it and nobody sees.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
