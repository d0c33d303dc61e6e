//! The house keeps its own rules: the floors, the table of routes, the dependencies.

#![cfg(test)]

mod circles;
mod size;
mod sources;

use contactd::routes::{Gate, ROUTES};
use sources::{files_below, read, root, without_tests};
use std::collections::HashMap;
use std::path::Path;

/// The modules that are named after `crate::`: one, or those of `{a, b::{c, d}}`.
fn imported(after: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(list) = after.strip_prefix('{') else { return vec![word(after)] };
    let mut depth = 0;
    let mut items = vec![String::new()];
    for c in list.chars().take_while(|c| {
        depth += i32::from(*c == '{') - i32::from(*c == '}');
        depth >= 0
    }) {
        match c {
            ',' if items
                .last()
                .is_some_and(|it| it.matches('{').count() == it.matches('}').count()) =>
            {
                items.push(String::new());
            }
            _ => items.last_mut().expect("one item").push(c),
        }
    }
    items.iter().map(|item| word(item)).filter(|name| !name.is_empty()).collect()
}

#[test]
fn every_module_of_a_list_is_read() {
    assert_eq!(imported("error::{A, B};"), ["error"]);
    assert_eq!(imported("{crypto, model::{a, b}, db};\nuse x"), ["crypto", "model", "db"]);
}

/// `lib.rs` lists the modules from the ground up, and a file imports only from modules that stand
/// above its own in that list. So there are no circles, and the list is the reading order.
#[test]
fn a_file_imports_only_from_floors_below_its_own() {
    let imports = imports_from_below(&root().join("src"), "pub mod ");
    assert!(imports > 100, "the test found only {imports} imports: does it still read them?");
    let imports = imports_from_below(&root().join("crates/http1/src"), "mod ");
    assert!(imports > 60, "the test found only {imports} imports: does it still read them?");
}

/// How many imports there are in a crate whose `lib.rs` declares its modules with this word.
fn imports_from_below(src: &Path, declares: &str) -> usize {
    let lib = read(&src.join("lib.rs"));
    let lines = lib.lines().map(|line| line.replace("pub(crate) mod", "pub mod"));
    let lines: Vec<_> = lines.collect();
    let modules = lines.iter().filter_map(|line| line.strip_prefix(declares)?.strip_suffix(';'));
    let floor: HashMap<&str, usize> = modules.enumerate().map(|(at, name)| (name, at)).collect();
    let mut imports = 0;
    for path in files_below(src) {
        let inside = path.strip_prefix(src).expect("below src");
        let first = inside.iter().next().and_then(|part| part.to_str()).expect("a name");
        let own = first.trim_end_matches(".rs");
        if own == "lib" || own == "main" {
            continue;
        }
        let text = read(&path);
        // What a doc comment links to is no import.
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let code: String = code.collect::<Vec<_>>().join("\n");
        for name in code.split("crate::").skip(1).flat_map(imported) {
            if name == own {
                continue;
            }
            let theirs = floor.get(name.as_str());
            let theirs = theirs.unwrap_or_else(|| panic!("{inside:?}: no module {name} in lib.rs"));
            assert!(theirs < &floor[own], "{inside:?} imports {name}, which stands above it");
            imports += 1;
        }
    }
    imports
}

/// The environment is read in one place, and so is the wall clock. clippy.toml says the same; this
/// holds it also where the lint is allowed.
#[test]
fn only_config_reads_the_environment_and_only_the_command_line_the_clock() {
    for path in files_below(&root().join("src")) {
        let text = without_tests(&path);
        let named = |name: &str| path.ends_with(name);
        // main.rs asks for a setting of the allocator, which is none of ours.
        let own_settings = text.replace("env::var_os(SETTING)", "");
        assert!(!own_settings.contains("env::var") || named("config.rs"), "{}", path.display());
        assert!(!text.contains("Utc::now") || named("main.rs"), "{}", path.display());
        assert!(!text.contains("SystemTime::now"), "{}", path.display());
    }
}

/// SQL stands in `repository/` and, for the pool and the migrations, in `db`.
#[test]
fn sql_stands_in_the_repository() {
    let words = ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM"];
    for path in files_below(&root().join("src")) {
        let inside = path.strip_prefix(root().join("src")).expect("below src").to_owned();
        if inside.starts_with("repository") || inside.starts_with("db") || inside.ends_with("db.rs")
        {
            continue;
        }
        let text = without_tests(&path);
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            assert!(!words.iter().any(|word| line.contains(word)), "{inside:?}: {line}");
        }
    }
}

/// What [`contactd::cache`] holds of an account comes from these tables.
const CACHED: [&str; 3] = ["users", "sessions", "app_passwords"];

/// Functions that write those tables and need no fence, with the reason.
const UNFENCED: [(&str, &str); 5] = [
    ("users::insert", "nobody asked for the account before"),
    ("users::delete", "it ended before, by `users::end`"),
    ("sessions::rotate", "changes the refresh token, which is not cached"),
    ("sessions::purge", "only sessions that ended by themselves; the cache asks for live ones"),
    ("app_passwords::note_use", "changes the last use, which is not cached"),
];

/// The functions of a file of `repository/` that write a cached table: `app_passwords::delete`.
fn writers(module: &str, text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().filter(|it| !it.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let functions = code.split("\npub fn ").skip(1);
    let writes = |body: &str| {
        let body = body.split_whitespace().collect::<Vec<_>>().join(" ");
        let verbs = ["INSERT INTO ", "UPDATE ", "DELETE FROM "];
        CACHED.iter().any(|table| {
            let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
            let found = |verb| body.split(&format!("{verb}{table}")).skip(1).any(ends);
            verbs.iter().any(found)
        })
    };
    let name = |function: &str| function.split(['(', '<']).next().unwrap_or_default().to_owned();
    functions.filter(|body| writes(body)).map(|body| format!("{module}::{}", name(body))).collect()
}

/// Where a function is called with a connection outside the parentheses of `change_user` and its like, as
/// the text after the call.
fn calls_without_fence<'t>(text: &'t str, function: &str) -> Vec<&'t str> {
    const FENCES: [&str; 3] = ["change_user", "change_user_among_admins", "delete_user"];
    // And functions of the same file that run in a fence what they are given.
    let runs = |body: &&str| body.contains("impl FnOnce(&mut Tx") && body.contains(".change_user");
    let own = text.split("\nfn ").skip(1).filter(runs);
    let own: Vec<&str> = own.filter_map(|body| body.split('(').next()).collect();
    let word = |before: &str| -> String {
        let letters = before.chars().rev().take_while(|c| c.is_alphanumeric() || *c == '_');
        letters.collect::<Vec<_>>().into_iter().rev().collect()
    };
    let is_outside = |at: &usize| {
        let mut open: Vec<String> = Vec::new();
        for (place, c) in text[..*at].char_indices() {
            match c {
                '(' => open.push(word(&text[..place])),
                ')' => drop(open.pop()),
                _ => {}
            }
        }
        !open.iter().any(|word| FENCES.contains(&word.as_str()) || own.contains(&word.as_str()))
    };
    let call = format!("{function}(");
    let calls = text.match_indices(&call).map(|(at, _)| at);
    let with_connection = |at: &usize| {
        let arguments = text[at + function.len() + 1..].trim_start();
        arguments.starts_with("tx") || arguments.starts_with("db")
    };
    let found: Vec<usize> = calls.filter(with_connection).filter(is_outside).collect();
    found.into_iter().map(|at| text[at..].lines().next().unwrap_or_default()).collect()
}

/// Whoever writes what the cache holds of an account goes through `App::change_user`, and so by the cache's
/// protocol: otherwise a replica would go on taking what was revoked.
#[test]
fn whoever_writes_what_is_cached_goes_by_the_caches_protocol() {
    let text =
        "app.change_user(id, |tx, _| { sessions::delete(tx, 1, (2)) }); sessions::delete(tx, 3)";
    assert_eq!(calls_without_fence(text, "sessions::delete"), ["sessions::delete(tx, 3)"]);
    let source = "\npub fn a(tx: &mut Tx) { \"DELETE\n FROM sessions WHERE\" }\npub fn b() { \"UPDATE users_x\" }";
    assert_eq!(writers("sessions", source), ["sessions::a"]);

    let src = root().join("src");
    let mut functions = vec!["endings::end".to_owned()];
    for path in files_below(&src.join("repository")) {
        let module = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        functions.extend(writers(module, &without_tests(&path)));
    }
    for (name, _) in UNFENCED {
        assert!(functions.iter().any(|it| it == name), "{name} writes nothing that is cached");
    }
    functions.retain(|it| !UNFENCED.iter().any(|(name, _)| name == it));
    for name in
        ["app_passwords::insert", "app_passwords::delete", "sessions::insert", "users::set_role"]
    {
        assert!(functions.iter().any(|it| it == name), "{name} is not found: {functions:?}");
    }
    let mut fenced = 0;
    for path in files_below(&src) {
        if path.starts_with(src.join("repository")) {
            continue; // `endings` calls the others, inside its caller's fence
        }
        let text = without_tests(&path);
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let code = code.collect::<Vec<_>>().join("\n");
        for function in &functions {
            let (module, name) = function.split_once("::").expect("a module");
            // `use crate::repository::sessions as rows` gives it another name.
            let alias = code.split(&format!("{module} as ")).nth(1);
            let alias = alias.and_then(|rest| rest.split([';', ',', '}']).next()).unwrap_or(module);
            for function in [function.clone(), format!("{alias}::{name}")] {
                let outside = calls_without_fence(&code, &function);
                assert!(outside.is_empty(), "{}: {outside:?} outside change_user", path.display());
            }
            fenced += code.matches(&format!("{function}(")).count();
        }
    }
    assert!(fenced > 15, "only {fenced} calls are found");
}

/// What was written twice or read in several ways in the first version: each has one file.
#[test]
fn what_is_decided_once_is_written_once() {
    let places = [
        ("header(\"If-None-Match\")", "context/call.rs"),
        ("header_list(\"If-None-Match\")", "context/call.rs"),
        ("header(\"Accept-Encoding\")", "http1 has read it"),
        ("\"Not Implemented\"", "http1/src/response.rs"),
        ("\"Precondition Failed\"", "http1/src/response.rs"),
        ("!u128::from(u64::MAX)", "http1/src/service.rs"),
        ("(\"Retry-After\".into(), \"1\".into())", "http/problem.rs"),
    ];
    let files = ["src", "crates/http1/src"].map(|folder| files_below(&root().join(folder)));
    for path in files.into_iter().flatten() {
        let code = without_tests(&path);
        for (text, place) in places {
            let is_there = path.display().to_string().ends_with(place);
            assert!(is_there || !code.contains(text), "{text} in {}", path.display());
        }
    }
}

/// README's table of routes is [`ROUTES`].
#[test]
fn the_readme_lists_every_route_and_who_may_call_it() {
    let readme = read(&root().join("README.md"));
    let row = |line: &str| {
        let cells: Vec<_> =
            line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        match cells.as_slice() {
            [call, who, _] if call.starts_with('`') => {
                Some((call.trim_matches('`').to_owned(), who.clone()))
            }
            _ => None,
        }
    };
    let mut listed: Vec<_> =
        readme.lines().filter(|line| line.starts_with('|')).filter_map(row).collect();
    // Pages are for people, who find them by their links.
    let of_the_api = |route: &&contactd::routes::Route| !matches!(route.gate, Gate::Visitor(_));
    let mut routes: Vec<_> = ROUTES
        .iter()
        .filter(of_the_api)
        .map(|route| {
            let who = match route.gate {
                Gate::Anyone(_) => "anyone",
                Gate::User(_) => "user",
                Gate::Contacts(_) => "contacts",
                Gate::Device(_) => "device",
                Gate::Visitor(_) => "visitor",
                Gate::Admin(_) => "admin",
            };
            (format!("{} {}", route.verb, route.path), who.to_owned())
        })
        .collect();
    listed.sort();
    routes.sort();
    for route in &routes {
        assert!(listed.contains(route), "README does not list {route:?}");
    }
    assert_eq!(listed, routes);
}

/// Every placeholder route stands behind the literal ones that it would swallow.
#[test]
fn no_route_is_hidden_by_an_earlier_one() {
    for route in ROUTES {
        let path = route.path.replace(['{', '}'], "");
        let (found, _) = contactd::routes::find(&path);
        assert!(found.iter().any(|it| std::ptr::eq(*it, route)), "{} {}", route.verb, route.path);
    }
}

/// Few packages, none of them OpenSSL. `cargo tree` counts what is built on this platform.
#[test]
fn the_dependencies_stay_few() {
    let tree = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "-p",
            "contactd",
            "--locked",
            "--offline",
            "-e",
            "no-dev",
            "--prefix",
            "none",
        ])
        .current_dir(root())
        .output()
        .expect("cargo tree");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).expect("UTF-8");
    let mut names: Vec<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    names.sort_unstable();
    names.dedup();
    assert!(names.len() <= 205, "{} packages", names.len());
    // openssl-probe is none of OpenSSL: it looks for the system's certificate files, for redis.
    let openssl = names.iter().find(|name| name.contains("openssl") && **name != "openssl-probe");
    assert_eq!(openssl, None);
    println!("{} packages", names.len());
}

/// Every dependency has a reason in docs/architecture.md.
#[test]
fn every_dependency_has_its_reason() {
    let architecture = read(&root().join("docs/architecture.md"));
    for folder in [".", "crates/http1", "crates/vcard", "crates/support", "fuzz"] {
        let manifest = read(&root().join(folder).join("Cargo.toml"));
        let sections = manifest.split("\n[").filter_map(|it| it.split_once("dependencies]\n"));
        let lines = sections.flat_map(|(_, lines)| lines.lines());
        let theirs = lines.filter(|line| !line.contains("path ="));
        for (name, _) in theirs.filter_map(|line| line.split_once(" = ")) {
            assert!(architecture.contains(&format!("`{name}`")), "{folder}: no reason for {name}");
        }
    }
}

/// Parts of a Compose file that belong to one service: lines that are indented deeper than its name.
fn services() -> Vec<(String, String)> {
    let text = read(&root().join("docker-compose.yml"));
    let text = text.split("\nservices:\n").nth(1).unwrap().split("\nnetworks:").next().unwrap();
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let name = line.strip_prefix("  ").and_then(|rest| rest.strip_suffix(':'));
        match name.filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase())) {
            Some(name) => found.push((name.to_owned(), String::new())),
            None => {
                found.last_mut().into_iter().for_each(|(_, block)| *block += &format!("{line}\n"))
            }
        }
    }
    found
}

#[test]
fn what_is_deployed_has_bounds_few_rights_and_no_secret_in_its_log() {
    let services = services();
    let names: Vec<&str> = services.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["contactd", "postgres", "redis", "mail", "caddy"]);
    for (name, block) in &services {
        for setting in [
            "read_only: true",
            "cap_drop: [ALL]",
            "no-new-privileges:true",
            "mem_limit: ",
            "pids_limit: ",
        ] {
            assert!(block.contains(setting), "{name} has no {setting}");
        }
        if let Some(image) = block.lines().find_map(|line| line.trim().strip_prefix("image: ")) {
            let digest = format!("${{{}_DIGEST:-}}", if name == "mail" { "MAILDEV" } else { name })
                .replace(name.as_str(), &name.to_uppercase());
            assert!(image.ends_with(&digest), "{image} has no place for {digest}");
        }
    }
    let redis = &services[2].1;
    assert!(redis.contains("requirepass %s") && redis.contains("REDIS_PASSWORD:?"));
    let unit = read(&root().join("deploy/contactd.service"));
    for setting in ["MemoryMax=", "TasksMax=", "CapabilityBoundingSet=\n", "ProtectSystem=strict"] {
        assert!(unit.contains(setting), "{setting}");
    }
    // No query, and no path that is a secret.
    let nginx = read(&root().join("deploy/nginx.conf"));
    let format = nginx.split("log_format").nth(1).unwrap().split(';').next().unwrap();
    assert!(
        ["$request ", "$request\"", "$request_uri", "$args"].iter().all(|it| !format.contains(it))
    );
    assert!(nginx.contains("calendars|api/auth/(confirmed_email|reset-password)"));
}
