//! How long the sources are: each file, the HTTP server, and the path of a request.

use crate::sources::{code_lines, files_below, read, root};
use std::path::Path;

/// Longest file.
const LINES: usize = 400;

#[test]
fn no_file_is_longer_than_400_lines() {
    let mut long = Vec::new();
    for folder in ["src", "crates/http1", "crates/support", "crates/vcard/src"] {
        for path in files_below(&root().join(folder)) {
            let name = path.strip_prefix(root()).expect("below the root").display().to_string();
            let lines = read(&path).lines().count();
            if lines > LINES {
                long.push(format!("{name}: {lines}"));
            }
        }
    }
    assert!(long.is_empty(), "split these by what they are about: {long:?}");
}

/// The code lines of the files of a folder, or of one file.
fn lines_of(path: &Path) -> usize {
    match path.is_dir() {
        true => files_below(path).iter().map(|path| code_lines(path)).sum(),
        false => code_lines(path),
    }
}

/// docs/architecture.md lists the files that every request passes, README says how many lines they have.
#[test]
fn the_path_of_a_request_is_as_short_as_the_readme_says() {
    let page = read(&root().join("docs/architecture.md"));
    let list = page.split("### The files of the path").nth(1).expect("the heading");
    let list = list.split("\n#").next().unwrap_or_default();
    let rows = list.lines().filter_map(|line| line.strip_prefix("| `"));
    let files: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
    assert!(files.len() > 10, "{files:?}");
    let count = |file: &&str| lines_of(&root().join(file));
    let all: usize = files.iter().map(count).sum();
    for file in &files {
        println!("{:>6} {file}", count(file));
    }
    println!(
        "{all:>6} code lines in all; {:>6} in crates/http1",
        lines_of(&root().join("crates/http1/src"))
    );
    assert!(all <= 5_500, "{all} code lines");
    let readme = read(&root().join("README.md"));
    let said = readme.split("is an afternoon's reading: ").nth(1).expect("README says it");
    let said: usize =
        said.split(' ').next().unwrap_or_default().replace(',', "").parse().expect("a number");
    assert!(all <= said, "README says {said} lines of code, and there are {all}");
    assert!(said <= all + 300, "README says {said} lines of code, and there are only {all}");
}

/// docs/architecture.md lists what a list request passes, function by function: each stands in the file that it
/// names, and they are as many as the page says.
#[test]
fn the_functions_of_the_path_are_where_the_page_says() {
    let page = read(&root().join("docs/architecture.md"));
    let part = page.split("### The functions of one list request").nth(1).expect("the heading");
    let part = part.split("\n## ").next().unwrap_or_default();
    let (mut files, mut functions) = (0, 0);
    for row in part.lines().filter_map(|line| line.strip_prefix("| `")) {
        let (file, names) = row.split_once("` | ").expect("a file and its functions");
        let text = read(&root().join(file));
        files += 1;
        for name in names.split('`').skip(1).step_by(2) {
            functions += 1;
            let last = name.rsplit("::").next().unwrap_or(name);
            let is_there = |after: &str| text.contains(&format!("fn {last}{after}"));
            // A variant that is made counts too, as `Client::Account`.
            let is_variant = last.starts_with(char::is_uppercase) && text.contains(last);
            assert!(is_variant || is_there("(") || is_there("<"), "{name} is not in {file}");
        }
    }
    let said = format!("**{files} files and {functions} functions**");
    assert!(part.contains(&said), "the page does not say {said}");
}
