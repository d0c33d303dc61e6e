//! Holds every answer against `/openapi.json`: is its status described there, its type, its headers,
//! and does its body fit the schema? `Actor::send` asks, so every test of the API is a test of the
//! description too.

use crate::answer::Answer;
use contactd::openapi;
use contactd::routes::{self, Gate, Route};
use jsonschema::{Registry, Validator};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

/// The document.
pub static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(openapi::DOCUMENT).unwrap());

/// Headers that any answer may have, which need no word in the description of a call.
const ANYWHERE: [&str; 13] = [
    "content-type",
    "content-encoding",
    "content-security-policy",
    "x-frame-options",
    "x-content-type-options",
    "referrer-policy",
    "strict-transport-security",
    "cache-control",
    "vary",
    "x-robots-tag",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
];

/// Fails the test when the answer to this request is not one that the description allows.
pub fn check(method: &str, target: &str, answer: &Answer) {
    if let Err(why) = allows(method, target, answer) {
        panic!(
            "/openapi.json does not allow this answer: {why}\n{} → {} {}\n{}",
            answer.asked,
            answer.status,
            answer.header("Content-Type"),
            answer.text().chars().take(1_000).collect::<String>()
        );
    }
}

/// True for what the description is about: the API, and not CardDAV and the pages.
pub fn is_described(route: &Route) -> bool {
    let other = matches!(route.gate, Gate::Device(_) | Gate::Visitor(_));
    !other && !["/.well-known/carddav", "/app.js"].contains(&route.path)
}

fn allows(method: &str, target: &str, answer: &Answer) -> Result<(), String> {
    if target == "*" {
        return Ok(()); // about the server as a whole, and no path that OpenAPI could describe
    }
    let path = target.split('?').next().unwrap();
    let verb = if method == "HEAD" { "GET" } else { method };
    if answer.status == 404 && answer.header("Content-Type").starts_with("text/html") {
        return Ok(()); // to a browser
    }
    let (found, _) = routes::find(path);
    if found.is_empty() {
        return refusal(answer, 404);
    }
    let Some(route) = found.iter().find(|route| route.verb == verb) else {
        if !found.iter().any(|route| is_described(route)) {
            return Ok(());
        }
        if verb == "OPTIONS" {
            return if answer.status == 204 { Ok(()) } else { Err("must be 204".to_owned()) };
        }
        // At a page it is a page.
        let page = found.iter().any(|route| matches!(route.gate, Gate::Visitor(_)));
        return if page { Ok(()) } else { refusal(answer, 405) };
    };
    if !is_described(route) {
        return Ok(());
    }
    let call = format!(
        "/paths/{}/{}/responses/{}",
        route.path.replace('/', "~1"),
        verb.to_lowercase(),
        answer.status
    );
    let (pointer, response) = follow(&call).ok_or_else(|| format!("nothing at {call}"))?;
    headers(&pointer, response, answer)?;
    body(&pointer, response, answer)
}

/// What is answered to requests that belong to no call.
fn refusal(answer: &Answer, status: u16) -> Result<(), String> {
    // Past the limit of its address 429 takes its place.
    if ![status, 429].contains(&answer.status) {
        return Err(format!("must be {status}"));
    }
    match answer.header("Content-Type") {
        "application/problem+json" => valid("/components/schemas/Problem", &parsed(&answer.body)?),
        _ => Err("must be a problem".to_owned()),
    }
}

/// What stands at a pointer, and where it really stands if that is a reference.
fn follow(pointer: &str) -> Option<(String, &'static Value)> {
    let found = DOCUMENT.pointer(pointer)?;
    match found["$ref"].as_str() {
        Some(reference) => follow(reference.trim_start_matches('#')),
        None => Some((pointer.to_owned(), found)),
    }
}

fn headers(pointer: &str, response: &Value, answer: &Answer) -> Result<(), String> {
    let described = response["headers"].as_object().ok_or("no headers are described")?;
    for name in described.keys() {
        let (place, header) = follow(&format!("{pointer}/headers/{name}")).unwrap();
        let value = answer.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let Some((_, value)) = value else {
            if header["required"] == true {
                return Err(format!("{name} is missing"));
            }
            continue;
        };
        let value = match header["schema"]["type"].as_str() {
            Some("integer") => value.parse::<i64>().map_or(json!(value), |number| json!(number)),
            _ => json!(value),
        };
        valid(&format!("{place}/schema"), &value).map_err(|why| format!("{name}: {why}"))?;
    }
    let known = |name: &str| {
        described.keys().any(|known| known.eq_ignore_ascii_case(name))
            || ANYWHERE.contains(&name.to_lowercase().as_str())
    };
    match answer.headers.iter().find(|(name, _)| !known(name)) {
        Some((name, value)) => Err(format!("the header {name}: {value} is not described")),
        None => Ok(()),
    }
}

fn body(pointer: &str, response: &Value, answer: &Answer) -> Result<(), String> {
    let Some(content) = response["content"].as_object() else {
        return if answer.body.is_empty() { Ok(()) } else { Err("must have no body".to_owned()) };
    };
    let media = answer.header("Content-Type").split(';').next().unwrap().trim();
    if !content.contains_key(media) {
        return Err(format!("{media} is not among its content types"));
    }
    if !media.ends_with("json") || !answer.header("Content-Encoding").is_empty() {
        return Ok(());
    }
    let schema = format!("{pointer}/content/{}/schema", media.replace('/', "~1"));
    valid(&schema, &parsed(&answer.body)?)
}

fn parsed(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| format!("no JSON: {error}"))
}

/// Whether a value fits the schema at a pointer. Each schema is compiled once.
pub fn valid(pointer: &str, value: &Value) -> Result<(), String> {
    static REGISTRY: LazyLock<Registry<'static>> = LazyLock::new(|| {
        let document = jsonschema::Draft::Draft202012.create_resource(DOCUMENT.clone());
        Registry::new().add("urn:contactd", document).unwrap().prepare().unwrap()
    });
    static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> =
        LazyLock::new(Mutex::default);
    let compile = || {
        let schema = json!({"$ref": format!("urn:contactd#{}", pointer.replace('{', "%7B").replace('}', "%7D"))});
        let options = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .with_registry(&REGISTRY)
            .should_validate_formats(true);
        Arc::new(options.build(&schema).unwrap_or_else(|error| panic!("{pointer}: {error}")))
    };
    let validator = {
        let mut compiled = COMPILED.lock().unwrap_or_else(|poison| poison.into_inner());
        Arc::clone(compiled.entry(pointer.to_owned()).or_insert_with(compile))
    };
    let faults: Vec<_> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
}
