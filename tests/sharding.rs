//! What lets Citus spread contactd over several servers (`deploy/citus.sql`): every table has its
//! place, the schema has nothing that cannot be distributed, and every statement says whose rows it
//! wants. Citus itself is not asked: it is not among Debian's packages.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use support::world::World;

/// Functions whose statement has no owner, each with its reason. All but the first run in the
/// background or on the command line, never for a request.
const WITHOUT_OWNER: [(&str, &str); 8] = [
    (
        "users.rs insert",
        "makes the account and its book, whose owner is made in the same statement",
    ),
    ("books.rs due_for_purge", "the worker asks all books, then purges each by its owner"),
    ("books.rs due_for_reindex", "`contactd reindex` asks all books, then each by its owner"),
    ("books.rs restored", "`contactd restored`, once after a restore"),
    ("sessions.rs purge", "the worker ends sessions by age"),
    ("mail_tokens.rs purge", "the worker deletes links by age"),
    ("uploads.rs purge", "the worker deletes files by age"),
    ("totp.rs page", "a change of SECRET_KEY encrypts every secret again, page by page"),
];

/// Table and distribution column, as `deploy/citus.sql` has them.
fn distributed() -> BTreeMap<String, String> {
    calls("create_distributed_table").into_iter().collect()
}

fn calls(function: &str) -> Vec<(String, String)> {
    let sql = fs::read_to_string("deploy/citus.sql").unwrap();
    let calls = sql.lines().filter_map(|line| line.strip_prefix(&format!("SELECT {function}(")));
    let words = |call: &str| -> Vec<String> {
        call.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
    };
    calls
        .map(|call| {
            let words = words(call);
            (words[0].clone(), words.get(1).cloned().unwrap_or_default())
        })
        .collect()
}

#[test]
fn every_table_has_its_place_and_every_key_begins_with_the_owner() {
    let world = World::new();
    let distributed = distributed();
    let references: Vec<String> =
        calls("create_reference_table").into_iter().map(|(table, _)| table).collect();
    let wrong = world.app.db.read(|db| {
        let mut wrong = Vec::new();
        let tables = db.query(
            "SELECT relname::text FROM pg_class WHERE relkind = 'r'
            AND relnamespace = current_schema()::regnamespace",
            &[],
        )?;
        for row in &tables {
            let table: String = row.get(0);
            if !distributed.contains_key(&table) && !references.contains(&table) {
                wrong.push(format!("{table} is not in deploy/citus.sql"));
            }
        }
        // Unique indexes, primary keys among them, by their first column.
        let indexes = db.query(
            "SELECT t.relname::text, i.relname::text, coalesce(a.attname::text, '(expression)')
            FROM pg_index x JOIN pg_class i ON i.oid = indexrelid JOIN pg_class t ON t.oid = indrelid
            LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = indkey[0]
            WHERE indisunique AND t.relnamespace = current_schema()::regnamespace",
            &[],
        )?;
        for row in &indexes {
            let (table, index, first): (String, String, String) =
                (row.get(0), row.get(1), row.get(2));
            if distributed.get(&table).is_some_and(|column| *column != first) {
                wrong.push(format!("{index} of {table} begins with {first}"));
            }
        }
        let foreign = db.query(
            "SELECT conname::text, f.relname::text, a.attname::text FROM pg_constraint
            JOIN pg_class f ON f.oid = confrelid
            JOIN pg_attribute a ON a.attrelid = confrelid AND a.attnum = confkey[1]
            WHERE contype = 'f' AND connamespace = current_schema()::regnamespace",
            &[],
        )?;
        for row in &foreign {
            let (name, to, first): (String, String, String) =
                (row.get(0), row.get(1), row.get(2));
            // To a table on every server, or to rows of the same owner.
            if !references.contains(&to) && distributed.get(&to) != Some(&first) {
                wrong.push(format!("{name} refers to {to}, which may lie on another server"));
            }
        }
        let made = db.query(
            "SELECT 'identity or generated column ' || attname FROM pg_attribute
            JOIN pg_class t ON t.oid = attrelid
            WHERE t.relnamespace = current_schema()::regnamespace
            AND (attidentity <> '' OR attgenerated <> '')
            UNION ALL SELECT 'function ' || proname FROM pg_proc
            WHERE pronamespace = current_schema()::regnamespace
            UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger
            JOIN pg_class t ON t.oid = tgrelid
            WHERE t.relnamespace = current_schema()::regnamespace AND NOT tgisinternal",
            &[],
        )?;
        wrong.extend(made.iter().map(|row| row.get::<_, String>(0)));
        assert!(tables.len() >= 14 && indexes.len() >= 14 && foreign.len() >= 6);
        Ok(wrong)
    });
    assert_eq!(wrong.unwrap(), Vec::<String>::new());
}

#[test]
fn every_statement_on_a_distributed_table_names_its_owner() {
    let mut files = Vec::new();
    rust_files(Path::new("src/repository"), &mut files);
    let distributed = distributed();
    let (mut seen, mut without) = (0, Vec::new());
    let read = |file: &PathBuf| fs::read_to_string(file).unwrap();
    let all: String = files.iter().map(read).collect();
    // A macro of the folder stands for its text.
    let macros: Vec<(&str, &str)> = all
        .split("macro_rules! ")
        .skip(1)
        .filter_map(|rest| rest.split_once(' '))
        .map(|(name, rest)| (name, rest.split("\n}\n").next().unwrap()))
        .collect();
    for file in files {
        let text = read(&file);
        let text = text.split("#[cfg(test)]").next().unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        for function in text.split("\npub fn ").skip(1) {
            let function = function.split("\nmacro_rules!").next().unwrap();
            let function_name: String =
                function.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let mut statement = function.to_owned();
            for _ in 0..3 {
                for (name, body) in &macros {
                    statement = statement.replace(&format!("{name}!("), &format!("{body}("));
                }
            }
            let concerns = |table: &str| {
                ["FROM", "JOIN", "INTO", "UPDATE"]
                    .iter()
                    .any(|verb| statement.contains(&format!("{verb} {table}")))
            };
            let Some((_, column)) = distributed.iter().find(|(table, _)| concerns(table)) else {
                continue;
            };
            seen += 1;
            let named = statement.contains(&format!("{column} = $"))
                || distributed.iter().any(|(table, column)| {
                    statement.contains(&format!("INSERT INTO {table} ({column}, "))
                });
            let known = format!("{name} {function_name}");
            if !named {
                without.push(known);
            }
        }
    }
    assert!(seen > 60, "only {seen} functions were looked at");
    without.sort();
    let mut known: Vec<_> = WITHOUT_OWNER.iter().map(|(name, _)| (*name).to_owned()).collect();
    known.sort();
    assert_eq!(without, known);
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|it| it == "rs") {
            into.push(path);
        }
    }
}
