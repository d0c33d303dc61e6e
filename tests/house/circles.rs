//! No circle between the files of a folder: whoever reads a file has read what it stands on.

use crate::sources::{files_below, root, without_tests};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A module by its path: `cache`, `users`.
type Module = Vec<String>;

/// Circles that are still there: their files, and why.
const KNOWN: [(&str, &str); 1] =
    [("service/groups service/writer", "a change of a contact changes the groups that name it")];

/// Collects the paths at the start of `text`, those in braces taken apart; what follows them.
fn collect<'a>(text: &'a str, prefix: &[String], found: &mut Vec<Module>) -> &'a str {
    if let Some(inner) = text.strip_prefix('{') {
        let mut rest = inner.trim_start();
        while !rest.is_empty() && !rest.starts_with('}') {
            rest = collect(rest, prefix, found);
            // `as Name`, `*`
            rest = rest.trim_start_matches(|c| c != ',' && c != '}');
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        return rest.strip_prefix('}').unwrap_or(rest);
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let path = [prefix, &[word.to_owned()]].concat();
    match rest.strip_prefix("::") {
        Some(rest) => collect(rest, &path, found),
        None => {
            found.push(path);
            rest
        }
    }
}

fn paths(text: &str, prefix: &[String]) -> Vec<Module> {
    let mut found = Vec::new();
    collect(text, prefix, &mut found);
    found
}

#[test]
fn every_path_of_a_list_is_read() {
    let path = |text: &str| text.split('/').map(str::to_owned).collect::<Module>();
    assert_eq!(paths("error::Error;", &[]), [path("error/Error")]);
    assert_eq!(
        paths("{self, a::{b as c, d::*}, e};\nuse x::y", &path("m")),
        ["m/self", "m/a/b", "m/a/d/", "m/e"].map(path)
    );
}

/// The code of a file without its tests and comments, and without the lines that declare its modules.
fn code(path: &Path) -> String {
    let text = without_tests(path);
    let code = text.lines().filter(|line| {
        let line = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        let declares = line.starts_with("mod ") && line.ends_with(';');
        !line.starts_with("//") && !declares
    });
    code.collect::<Vec<_>>().join("\n")
}

/// Which modules each module of a crate names.
fn imports(src: &Path) -> BTreeMap<Module, BTreeSet<Module>> {
    let mut files = BTreeMap::new();
    for path in files_below(src) {
        let inside = path.strip_prefix(src).expect("below src").with_extension("");
        let mut module: Module =
            inside.iter().map(|part| part.to_str().expect("a name").to_owned()).collect();
        module.pop_if(|last| last == "mod");
        let is_test = module.iter().any(|part| ["tests", "samples"].contains(&part.as_str()));
        if !is_test && module != ["lib"] && module != ["main"] {
            files.insert(module, code(&path));
        }
    }
    let named = |own: &Module, code: &str| {
        let mut named = Vec::new();
        for (at, _) in code.match_indices("::") {
            let word = code[..at].rsplit(|c: char| !c.is_alphanumeric() && c != '_').next();
            let (word, before) =
                (word.unwrap_or_default(), &code[..at - word.unwrap_or_default().len()]);
            if before.ends_with("::") || before.ends_with('.') {
                continue;
            }
            let rest = &code[at + 2..];
            let parent = own.get(..own.len() - 1).unwrap_or_default();
            let child = [own.as_slice(), &[word.to_owned()]].concat();
            match word {
                "crate" => named.extend(paths(rest, &[])),
                "self" => named.extend(paths(rest, own)),
                "super" => named.extend(paths(rest, parent)),
                _ if files.contains_key(&child) => named.extend(paths(rest, &child)),
                _ => {}
            }
        }
        // The longest beginning that is a file.
        let file = |path: Module| {
            (1..=path.len()).rev().map(|n| path[..n].to_vec()).find(|it| files.contains_key(it))
        };
        named.into_iter().filter_map(file).filter(|it| it != own).collect::<BTreeSet<_>>()
    };
    files.iter().map(|(own, code)| (own.clone(), named(own, code))).collect()
}

/// The modules that name each other in a circle, circle by circle.
fn circles(imports: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<String> {
    let reach = |from: &Module| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(module) = next.pop() {
            for named in &imports[module] {
                if seen.insert(named.clone()) {
                    next.push(named);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<_, _> = imports.keys().map(|module| (module, reach(module))).collect();
    let circle = |module: &Module| {
        let both = reached[module].iter().filter(|other| reached[*other].contains(module));
        both.map(|it| it.join("/")).collect::<Vec<_>>().join(" ")
    };
    imports.keys().map(circle).filter(|circle| !circle.is_empty()).collect()
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut found = BTreeSet::new();
    let mut count = 0;
    for crate_ in ["src", "crates/http1/src", "crates/vcard/src", "crates/support/src"] {
        let imports = imports(&root().join(crate_));
        count += imports.values().map(BTreeSet::len).sum::<usize>();
        found.extend(circles(&imports));
    }
    assert!(count > 1_000, "the test found only {count} imports: does it still read them?");
    let known: BTreeSet<_> = KNOWN.iter().map(|(circle, _)| (*circle).to_owned()).collect();
    assert_eq!(found, known, "a new circle, or one that is no more");
}
