//! README, CONTRIBUTING and docs/: every link leads somewhere, every file that is named is there,
//! and every command is either run by a test or at least known to the program that it calls.

#![cfg(test)]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who runs the shell code under a heading: a test that names the heading, or no test, for a reason.
const RUN_BY: &[(&str, &str, &str)] = &[
    (
        "README.md",
        "Quick start",
        "nobody: needs the network and minutes; its commands are resolved",
    ),
    ("README.md", "A walk through the API", "tests/walk_through.rs"),
    ("docs/api.md", "A password of its own", "tests/walk_through.rs"),
    ("docs/api.md", "Changes that overwrite nothing", "tests/walk_through.rs"),
    ("docs/api.md", "When an answer is lost", "tests/walk_through.rs"),
    ("docs/api.md", "Follow the book", "tests/walk_through.rs"),
    ("README.md", "Deployment", "nobody: needs a Docker daemon; its commands are resolved"),
    ("README.md", "Development", "nobody: these run the tests; they are resolved"),
    ("docs/operations.md", "Deploy with Docker Compose", "nobody: as in README"),
    ("docs/operations.md", "Deploy with systemd", "tools/deploy"),
    ("docs/operations.md", "Back up and restore", "tests/operations.rs"),
    ("docs/operations.md", "With Compose", "tools/compose"),
    ("docs/operations.md", "Postgres, ICU and the collation", "tests/operations.rs"),
];

/// Programs that the pages call and that are none of ours: their words are not looked at further.
const OTHERS: &[&str] =
    &["git", "curl", "sleep", "pg_dump", "pg_restore", "psql", "systemctl", "systemd-run"];

struct Page {
    /// Below the root.
    name: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<Page> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|it| it.unwrap().path());
    let docs = docs.filter(|path| path.extension().is_some_and(|it| it == "md"));
    let names = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name));
    let pages: Vec<_> = names
        .into_iter()
        .chain(docs)
        .map(|path| Page {
            name: path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned(),
            text: fs::read_to_string(&path).unwrap(),
        })
        .collect();
    assert!(pages.len() >= 7, "fewer pages than there were");
    pages
}

impl Page {
    /// What stands between one text and the next other one.
    fn between(&self, before: &str, after: &str) -> Vec<&str> {
        let parts = self.text.split(before).skip(1);
        parts.map(|part| part.split(after).next().unwrap()).collect()
    }

    /// The anchors of its headings, as the usual forges make them.
    fn anchors(&self) -> HashSet<String> {
        let headings = self.text.lines().filter(|line| line.starts_with('#'));
        headings
            .map(|line| {
                let title = line.trim_start_matches('#').trim().to_lowercase();
                let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
                kept.collect::<String>().replace(' ', "-")
            })
            .collect()
    }

    /// Blocks of shell code with the heading that they stand under.
    fn blocks(&self) -> Vec<(&str, &str)> {
        let (mut heading, mut found) = ("", vec![]);
        for (at, part) in self.text.split("```").enumerate() {
            if at % 2 == 1 {
                found.extend(part.strip_prefix("sh\n").map(|code| (heading, code)));
            } else if let Some(line) = part.lines().rfind(|line| line.starts_with('#')) {
                heading = line.trim_start_matches('#').trim();
            }
        }
        found
    }

    /// Code within a line, outside of blocks.
    fn spans(&self) -> Vec<&str> {
        let prose = self.text.split("```").step_by(2);
        let lines = prose.flat_map(str::lines);
        lines.flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
    }

    fn lines_of_shell(&self) -> Vec<&str> {
        let blocks = self.blocks().into_iter().flat_map(|(_, code)| code.lines());
        // A span that is a command: it has a word of ours, and another one.
        let spans = self.spans().into_iter().filter(|span| {
            ["./dev ", "contactd ", "docker ", "cargo ", "tools/"]
                .iter()
                .any(|program| span.starts_with(program))
        });
        blocks.chain(spans).collect()
    }
}

/// Whether a file or a folder is in a release: in its archive and in its package.
fn is_released(place: &Path) -> bool {
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    let alike = place.with_file_name("*").with_extension(place.extension().unwrap_or_default());
    let first = place.iter().next().unwrap().to_str().unwrap();
    let is_copied = |line: &str| line.contains("cp -r ") && line.split(' ').any(|it| it == first);
    let is_asset = |line: &str| {
        let source = Path::new(line.split('"').nth(1).unwrap_or_default());
        line.contains("share/doc/contactd/") && (source.starts_with(place) || source == alike)
    };
    read("tools/release").lines().any(is_copied) && read("Cargo.toml").lines().any(is_asset)
}

#[test]
fn every_link_leads_somewhere() {
    let home = root().canonicalize().unwrap();
    let mut followed = 0;
    for page in pages() {
        let folder = root().join(&page.name).parent().unwrap().to_owned();
        let links = page.between("](", ")").into_iter().chain(page.between("src=\"", "\""));
        for link in links {
            followed += 1;
            // Nothing outside can break then, and nothing has to be asked.
            assert!(!link.contains("://"), "{} leads outside: {link}", page.name);
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let path = if file.is_empty() { root().join(&page.name) } else { folder.join(file) };
            assert!(path.exists(), "{} links to {link}", page.name);
            let place = path.canonicalize().unwrap();
            let released = is_released(place.strip_prefix(&home).unwrap());
            assert!(released, "{} links to {link}, which a release leaves out", page.name);
            if !anchor.is_empty() {
                let target =
                    Page { name: file.to_owned(), text: fs::read_to_string(path).unwrap() };
                assert!(target.anchors().contains(anchor), "{} links to {link}", page.name);
            }
        }
    }
    assert!(followed >= 15, "only {followed} links: does the test still read them?");
}

#[test]
fn every_file_that_is_named_is_there() {
    let endings = [".rs", ".md", ".json", ".sql", ".toml", ".yml", ".service", ".conf", ".html"];
    let folders =
        ["", "src", "tests", "docs", "crates/http1/src", "src/repository", "deploy/cluster"]
            .map(|it| root().join(it));
    let mut named = 0;
    for page in pages() {
        for span in page.spans() {
            let is_path = endings.iter().any(|ending| span.ends_with(ending))
                || ["src/", "tests/", "tools/", "docs/", "deploy/", "assets/", "sql/"]
                    .iter()
                    .any(|folder| span.starts_with(folder));
            // `name.rs` without more is a file of any name, `.dev/` is made at run time.
            if !is_path
                || span.starts_with('/')
                || span.contains(' ')
                || span.contains('…')
                || span.starts_with(".dev")
            {
                continue;
            }
            named += 1;
            let there = folders.iter().any(|folder| folder.join(span).exists());
            assert!(there, "{}: there is no {span}", page.name);
        }
    }
    assert!(named >= 40, "only {named} files: does the test still read them?");
}

/// All that is written in Rust, one file behind the other.
fn sources() -> String {
    let mut all = String::new();
    for folder in ["src", "tests", "crates"] {
        let mut folders = vec![root().join(folder)];
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
                match path.extension() {
                    Some(ending) if ending == "rs" => all += &fs::read_to_string(&path).unwrap(),
                    _ if path.is_dir() => folders.push(path),
                    _ => {}
                }
            }
        }
    }
    all
}

/// docs/teaching.md sends its readers to functions, tests and members: each is there.
#[test]
fn every_name_that_a_learner_is_sent_to_is_there() {
    let all = sources();
    let pages = pages();
    let teaching = pages.iter().find(|page| page.name == "docs/teaching.md").unwrap();
    let mut named = 0;
    for span in teaching.spans() {
        let name = span.split('(').next().unwrap().rsplit(['.', ':']).next().unwrap();
        let is_name =
            name.contains('_') && name.chars().all(|c| c == '_' || c.is_ascii_lowercase());
        if is_name {
            named += 1;
            assert!(all.contains(name), "docs/teaching.md: there is no {span}");
        }
    }
    assert!(named >= 25, "only {named} names: does the test still read them?");
}

/// docs/security.md and docs/asvs.md name tests that hold what they say: each is there.
#[test]
fn every_test_that_is_named_is_there() {
    let all = sources();
    let mut named = 0;
    let holds = |page: &Page| ["docs/security.md", "docs/asvs.md"].contains(&page.name.as_str());
    for page in pages().into_iter().filter(holds) {
        // The name of a test is a sentence.
        let is_test = |it: &&str| {
            let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            it.matches('_').count() >= 4 && it.chars().all(letters)
        };
        for name in page.spans().into_iter().filter(is_test) {
            named += 1;
            assert!(all.contains(&format!("fn {name}(")), "{}: no test {name}", page.name);
        }
    }
    assert!(named >= 100, "only {named} tests: does this one still read them?");
}

/// The names of tests, and of files below the root or its usual folders, in a text.
fn evidence(text: &str) -> usize {
    let spans = text.split('`').skip(1).step_by(2);
    let folders = ["", "src", "tests", "docs", "crates/http1", "assets"];
    let is_evidence = |span: &&str| {
        let is_file = span.contains('.') || span.ends_with("tests");
        span.matches('_').count() >= 4
            || is_file && folders.iter().any(|folder| root().join(folder).join(span).exists())
    };
    spans.filter(is_evidence).count()
}

/// What reviewers tried, each with its tests; no row is lost.
#[test]
fn every_attack_that_was_tried_has_its_tests() {
    let text = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let section = text.split("## Attacks that were tried").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows =
        section.lines().filter(|line| line.starts_with("| ") && !line.ends_with("| tests |"));
    let rows: Vec<Vec<&str>> =
        rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect()).collect();
    for row in &rows {
        assert!(row.len() == 2 && evidence(row[1]) > 0, "{row:?}");
    }
    assert!(rows.len() >= 38, "{} rows", rows.len());
}

#[test]
fn every_block_of_commands_is_run_or_has_a_reason() {
    let mut seen = HashSet::new();
    for page in pages() {
        for (heading, _) in page.blocks() {
            let key = |it: &&(&str, &str, &str)| it.0 == page.name && it.1 == heading;
            let declared = RUN_BY.iter().find(key);
            let &(_, _, by) = declared.unwrap_or_else(|| {
                panic!("{}: who runs the commands under “{heading}”?", page.name)
            });
            seen.insert((page.name.clone(), heading.to_owned()));
            if by.starts_with("tests/") {
                let test = fs::read_to_string(root().join(by)).unwrap();
                assert!(test.contains(&format!("\"{heading}\"")), "{by} does not run {heading}");
            } else {
                assert!(by.starts_with("nobody: ") || root().join(by).exists(), "{by}");
            }
        }
    }
    assert_eq!(seen.len(), RUN_BY.len(), "a heading of RUN_BY is gone");
}

/// What `./dev help` and `contactd --help` list.
fn known_words(program: &str, argument: &str, before: &str) -> HashSet<String> {
    let output = Command::new(program).arg(argument).current_dir(root()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix(before));
    let words = lines.filter_map(|line| line.split_whitespace().next());
    words.map(|word| word.trim_matches(['[', ']', ',']).to_owned()).collect()
}

#[test]
fn every_command_is_known_to_its_program() {
    let dev = known_words("./dev", "help", "  ");
    let contactd = known_words(env!("CARGO_BIN_EXE_contactd"), "--help", "  contactd ");
    assert!(dev.contains("run") && contactd.contains("serve") && contactd.contains("check"));
    let compose = fs::read_to_string(root().join("docker-compose.yml")).unwrap();
    let mut resolved = 0;
    for page in pages() {
        for line in page.lines_of_shell() {
            let line = line.split(" #").next().unwrap();
            for command in line.split(" && ").flat_map(|it| it.split(" | ")) {
                let words: Vec<_> = command.split_whitespace().collect();
                let known = match words.as_slice() {
                    ["./dev", word, ..] => dev.contains(*word),
                    ["contactd", word, ..] => contactd.contains(*word),
                    // The image's entry point is contactd: `run` gives it words, `exec` starts a program beside it.
                    ["docker", "compose", "exec", service, "contactd", word, ..]
                    | ["docker", "compose", "run", "--rm", service, word, ..] => {
                        compose.contains(&format!("\n  {service}:\n")) && contactd.contains(*word)
                    }
                    ["docker", "compose", "--profile", profile, "up", ..] => {
                        compose.contains(&format!("profiles: [{profile}]"))
                    }
                    ["docker", "compose", verb, ..] => {
                        ["up", "stop", "down", "build", "exec"].contains(verb)
                    }
                    ["cargo", verb, ..] => ["build", "test", "doc"].contains(verb),
                    ["cp", from, _] => root().join(from).exists(),
                    ["cd", "contactd"] => true,
                    // The program itself is in the archive of a release.
                    ["install", "-m", _, "contactd", _] => true,
                    ["install", "-m", _, from, _] => root().join(from).exists(),
                    [tool, ..] if tool.starts_with("tools/") => root().join(tool).exists(),
                    // The rest of a longer command, variables, SQL: in blocks that tests run.
                    _ => continue,
                };
                assert!(known, "{}: {command}", page.name);
                resolved += 1;
            }
        }
    }
    assert!(resolved >= 20, "only {resolved} commands: does the test still read them?");
}

/// What no test runs must be resolved, each line of it.
#[test]
fn blocks_that_nobody_runs_have_known_programs_only() {
    let known = ["./dev", "docker", "cd", "install", "umask"];
    for page in pages() {
        for (heading, code) in page.blocks() {
            let by = RUN_BY.iter().find(|it| it.0 == page.name && it.1 == heading);
            if by.is_none_or(|it| it.2.starts_with("tests/")) {
                continue;
            }
            for command in code.lines().flat_map(|line| line.split(" && ")) {
                let Some(program) = command.split_whitespace().next() else { continue };
                let fine = known.contains(&program) || OTHERS.contains(&program);
                assert!(fine, "{}: where is {program}?", page.name);
            }
        }
    }
}

#[test]
fn a_page_has_at_most_300_lines() {
    for page in pages() {
        let lines = page.text.lines().count();
        assert!(lines <= 300, "{} has {lines} lines", page.name);
    }
}

/// What somebody new sees before scrolling: what it is, how to run it, what it looks like.
#[test]
fn the_first_screen_of_the_readme_says_what_it_is_and_how_to_run_it_and_shows_it() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let first: Vec<&str> = readme.lines().take(10).collect();
    let first = first.join("\n");
    for needed in ["An address book", "./dev run", "-wide.png", "-narrow.png"] {
        assert!(first.contains(needed), "the first lines have no {needed}:\n{first}");
    }
}

/// docs/operations.md makes backups in the folder of the sources.
#[test]
fn a_backup_beside_the_sources_is_neither_committed_nor_part_of_an_image() {
    for name in [".gitignore", ".dockerignore"] {
        let list = fs::read_to_string(root().join(name)).unwrap();
        for ending in ["*.dump", "*.part"] {
            assert!(list.lines().any(|line| line == ending), "{name} lets {ending} in");
        }
    }
}

#[test]
fn pictures_are_small() {
    let pictures = fs::read_dir(root().join("docs/images")).unwrap();
    let paths: Vec<PathBuf> = pictures.map(|it| it.unwrap().path()).collect();
    assert_eq!(paths.len(), 8);
    for path in paths {
        assert!(path.metadata().unwrap().len() < 100_000, "{}", path.display());
    }
}

/// How many requirements of levels 1 and 2 each section of ASVS 5.0.0 has; they are numbered from 1.
const ASVS: &str = "1.1:2 1.2:9 1.3:11 1.4:3 1.5:2 2.1:3 2.2:3 2.3:4 2.4:1 3.2:2 3.3:4 3.4:6 3.5:5 3.7:2 \
    4.1:3 4.2:1 4.3:2 4.4:4 5.1:1 5.2:3 5.3:2 5.4:3 6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4 7.1:3 7.2:4 \
    7.3:2 7.4:5 7.5:2 7.6:2 8.1:2 8.2:3 8.3:1 8.4:1 9.1:3 9.2:4 10.1:2 10.2:2 10.3:4 10.4:11 10.5:5 10.6:2 \
    10.7:3 11.1:2 11.2:3 11.3:3 11.4:4 11.5:1 11.6:1 12.1:3 12.2:2 12.3:4 13.1:1 13.2:5 13.3:2 13.4:5 14.1:2 \
    14.2:4 14.3:3 15.1:3 15.2:3 15.3:7 16.1:1 16.2:5 16.3:4 16.4:3 16.5:3 17.1:1 17.2:4 17.3:2";

#[test]
fn every_requirement_of_asvs_has_its_line_once() {
    let text = fs::read_to_string(root().join("docs/asvs.md")).unwrap();
    let mut found = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| no.")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 4, "{line}");
        let verdict = ["met", "met in part", "not met", "left to", "not applicable"];
        assert!(verdict.iter().any(|it| cells[3].starts_with(it)), "{line}");
        assert!(!cells[3].starts_with("met") || evidence(cells[3]) > 0, "what shows it? {line}");
        for part in cells[0].split(", ") {
            let (first, last) = part.split_once(" to ").unwrap_or((part, part));
            let (section, from) = first.rsplit_once('.').unwrap();
            let (same, to) = last.rsplit_once('.').unwrap();
            assert_eq!(section, same, "{line}");
            let range = from.parse::<u32>().unwrap()..=to.parse::<u32>().unwrap();
            found.extend(range.map(|number| format!("{section}.{number}")));
        }
    }
    let sections = ASVS.split_whitespace().map(|it| it.split_once(':').unwrap());
    let mut expected: Vec<String> = sections
        .flat_map(|(section, last)| {
            (1..=last.parse::<u32>().unwrap()).map(move |number| format!("{section}.{number}"))
        })
        .collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}
