//! `/openapi.json` says what `ROUTES` says. That it says what the answers say is checked with
//! every answer of every test, see `crates/support/src/description.rs`.

use crate::world::World;
use crate::world::description::{DOCUMENT, is_described, valid};
use contactd::routes::{Gate, ROUTES};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

fn operations() -> impl Iterator<Item = (String, &'static str, &'static Map<String, Value>)> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, verbs)| {
        let verbs = verbs.as_object().unwrap();
        verbs.iter().map(|(verb, it)| (verb.to_uppercase(), path.as_str(), it.as_object().unwrap()))
    })
}

#[test]
fn the_calls_are_the_routes() {
    let report: BTreeSet<_> = operations().map(|(verb, path, _)| (verb, path)).collect();
    let real = ROUTES
        .iter()
        .filter(|route| is_described(route))
        .map(|route| (route.verb.to_owned(), route.path));
    assert_eq!(report, real.collect());
}

#[test]
fn the_version_is_the_programs() {
    assert_eq!(DOCUMENT["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn each_call_tells_who_may() {
    for (verb, path, call) in operations() {
        let Some(route) = ROUTES.iter().find(|it| it.verb == verb && it.path == path) else {
            continue;
        };
        let (security, refusals) = match route.gate {
            Gate::Anyone(_) => (json!([]), vec![]),
            Gate::User(_) => (json!([{"signIn": []}, {"token": []}]), vec!["401"]),
            Gate::Contacts(_) => {
                (json!([{"signIn": []}, {"token": []}, {"appPassword": []}]), vec!["401", "403"])
            }
            // CardDAV and the pages are no part of the description.
            Gate::Device(_) | Gate::Visitor(_) => continue,
            Gate::Admin(_) => (json!([{"signIn": []}, {"token": ["admin"]}]), vec!["401", "403"]),
        };
        assert_eq!(call["security"], security, "{verb} {path}");
        for status in refusals {
            assert!(call["responses"].get(status).is_some(), "{verb} {path} {status}");
        }
        assert_eq!(
            call["responses"].get("429").is_some(),
            route.limit != contactd::limits::Limit::Never,
            "{verb} {path}"
        );
    }
}

#[test]
fn names_and_references_are_right() {
    let mut names = BTreeSet::new();
    for (verb, path, call) in operations() {
        assert!(names.insert(call["operationId"].as_str().unwrap()), "{verb} {path}");
        let tag = &call["tags"][0];
        assert!(DOCUMENT["tags"].as_array().unwrap().iter().any(|it| it["name"] == *tag));
        // Every placeholder is a parameter.
        let own = call.get("parameters").and_then(Value::as_array).cloned().unwrap_or_default();
        let report: BTreeSet<_> = own
            .iter()
            .map(|it| match it["$ref"].as_str() {
                Some(reference) => DOCUMENT.pointer(&reference[1..]).unwrap(),
                None => it,
            })
            .filter(|it| it["in"] == "path")
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect();
        let placeholders = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
        assert_eq!(report, placeholders.map(str::to_owned).collect(), "{verb} {path}");
    }
    each_reference(&DOCUMENT, &mut |reference| {
        assert!(DOCUMENT.pointer(&reference[1..]).is_some(), "{reference}");
    });
    for kind in ["schemas", "responses", "headers", "parameters"] {
        for name in DOCUMENT["components"][kind].as_object().unwrap().keys() {
            let wanted = format!("#/components/{kind}/{name}");
            let mut used = false;
            each_reference(&DOCUMENT, &mut |reference| used |= reference == wanted);
            assert!(used, "{wanted} is not used");
        }
    }
}

fn each_reference(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(reference) if name == "$ref" => see(reference),
                    other => each_reference(other, see),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| each_reference(item, see)),
        _ => {}
    }
}

#[test]
fn the_examples_fit_their_schemas() {
    let schemas = DOCUMENT["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        for example in schema.get("examples").and_then(Value::as_array).into_iter().flatten() {
            valid(&format!("/components/schemas/{name}"), example).expect(name);
        }
    }
    for (name, response) in DOCUMENT["components"]["responses"].as_object().unwrap() {
        for (media, content) in response["content"].as_object().unwrap() {
            for example in content.get("examples").and_then(Value::as_object).into_iter().flatten()
            {
                let schema = format!(
                    "/components/responses/{name}/content/{}/schema",
                    media.replace('/', "~1")
                );
                valid(&schema, &example.1["value"]).expect(name);
            }
        }
    }
}

/// Generators of clients make one class of each alternative then, without the members beside them.
#[test]
fn no_schema_with_members_has_alternatives_too() {
    for (name, schema) in DOCUMENT["components"]["schemas"].as_object().unwrap() {
        let has = |key: &str| schema.get(key).is_some();
        let alternatives = ["anyOf", "oneOf", "allOf"].into_iter().any(has);
        assert!(!(has("properties") && alternatives), "{name}");
    }
}

#[test]
fn a_page_of_another_origin_can_read_each_header_that_is_described() {
    let world = World::with(|config| config.cors_origins = vec!["https://app.example".to_owned()]);
    let answer = world.nobody().send("GET", "/healthz", &[("Origin", "https://app.example")], b"");
    let readable: Vec<_> = answer.header("Access-Control-Expose-Headers").split(", ").collect();
    for (verb, path, call) in operations() {
        for response in call["responses"].as_object().unwrap().values() {
            let response = match response["$ref"].as_str() {
                Some(reference) => DOCUMENT.pointer(&reference[1..]).unwrap(),
                None => response,
            };
            for name in response["headers"].as_object().unwrap().keys() {
                // The one is readable by itself (CORS-safelisted), the other says always the same.
                let known = ["Cache-Control", "WWW-Authenticate"].contains(&name.as_str());
                assert!(known || readable.contains(&name.as_str()), "{verb} {path}: {name}");
            }
        }
    }
}

#[test]
fn a_list_of_faults_is_as_long_as_it_may_be() {
    let errors = "/components/schemas/InvalidProblem/properties/errors/maxItems";
    assert_eq!(DOCUMENT.pointer(errors), Some(&json!(contactd::error::FAULTS_MAX)));
    let world = World::new();
    let wrong: Map<_, _> = (0..30).map(|number| (format!("m{number}"), json!(1))).collect();
    let answer = world.user("ann").post("/api/contacts", Value::Object(wrong)).expect(422);
    assert_eq!(answer.json()["errors"].as_array().unwrap().len(), contactd::error::FAULTS_MAX);
}

#[test]
fn the_document_and_the_page_are_served() {
    let world = World::new();
    let nobody = world.nobody();
    let served = nobody.get("/openapi.json").expect(200);
    assert_eq!(served.json(), *DOCUMENT);
    for path in ["/openapi.json", "/docs.js", "/docs.css", "/style.css", "/icon.svg"] {
        let answer = nobody.get(path).expect(200);
        // Weak, so that the server may compress it.
        let tag = answer.header("ETag");
        assert!(tag.starts_with("W/\""), "{path}: {tag}");
        for known in [tag, &tag[2..], "\"other\", *"] {
            let again = nobody.send("GET", path, &[("If-None-Match", known)], b"").expect(304);
            assert!(again.body.is_empty() && again.header("ETag") == tag, "{path}");
        }
        let longer = tag.replace("W/\"", "W/\"x");
        nobody.send("GET", path, &[("If-None-Match", &longer)], b"").expect(200);
    }
}

#[test]
fn the_page_asks_nobody_else_and_has_no_script_inside() {
    let world = World::new();
    let page = world.nobody().get("/docs").expect(200);
    let policy = page.header("Content-Security-Policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"));
    assert!(!policy.contains("unsafe") && !policy.contains('*'));
    let page = page.text();
    assert!(page.contains("<script src=\"/docs.js\"") && !page.contains(" style="));
    for path in ["/docs", "/docs.js", "/docs.css"] {
        let text = world.nobody().get(path).expect(200).text();
        let elsewhere = ["http://", "https://", "src=\"//", "@import", "innerHTML", "eval("];
        for forbidden in elsewhere {
            let namespace = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!namespace.contains(forbidden), "{path}: {forbidden}");
        }
    }
}
