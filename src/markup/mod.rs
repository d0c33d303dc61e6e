//! What the pages look like: functions from small structs to HTML, which maud checks when the
//! program is built and escapes when a page is made. Pages work without the script, and under the
//! policy of `http.rs` that allows nothing inline.

pub mod admin;
pub mod birthdays;
pub mod connect;
pub mod contact;
pub mod dates;
pub mod doors;
pub mod duplicates;
pub mod edit;
pub mod files;
pub mod form;
pub mod labels;
pub mod late;
pub mod list;
pub mod page;
pub mod queries;
pub mod past;
pub mod pictures;
pub mod settings;
pub mod words;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use doors::DeadLink;
use std::sync::LazyLock;

/// The picture beside the title of every page, served at `/icon.svg`.
pub const ICON: &str = include_str!("../../assets/icon.svg");

/// The style sheet of every page, served at `/style.css`.
pub static STYLE: LazyLock<String> = LazyLock::new(|| {
    let spaced = [(": ", ":"), ("; ", ";"), (", ", ","), (" {", "{"), ("{ ", "{"), (" }", "}")];
    let lean = lean(include_str!("../../assets/style.css"));
    let lines = lean.lines().map(|line| line.split(" /*").next().unwrap_or(line));
    let lines = lines.collect::<Vec<_>>().join("\n");
    spaced.iter().fold(lines, |css, (wide, tight)| css.replace(wide, tight))
});

/// The script of every page, served at `/app.js`.
pub static SCRIPT: LazyLock<String> = LazyLock::new(|| lean(include_str!("../../assets/app.js")));

/// A file without what only its readers need: indentation, and comments that have lines of their own. A page
/// has at most 60 kB with its style and script.
fn lean(text: &str) -> String {
    let mut comment = false;
    let mut lines = text.lines().map(str::trim).collect::<Vec<_>>();
    lines.retain(|line| {
        comment |= line.starts_with("/*");
        let kept = !comment && !line.is_empty() && !line.starts_with("//");
        comment &= !line.ends_with("*/");
        kept
    });
    lines.join("\n")
}
