//! Who edits beside the phones: a REST client, which also follows the change feed, and a page.

use super::chronicle::{Chronicle, Editor, FULL, Wish};
use super::wire::{Line, Outcome};
use crate::redis::JSON;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::dice::Dice;

/// A REST client; its requests go to the replicas in turn.
pub struct Rest {
    pub lines: Vec<Line>,
    /// The contacts of the change feed, by their uid.
    pub followed: BTreeMap<String, Value>,
    pub next: Option<String>,
    dice: Dice,
}

/// A list of contacts that a REST client reads.
pub fn list(line: &Line, path: &str) -> Option<Vec<Value>> {
    line.send("GET", path, "", "").done()?.json().as_array().cloned()
}

fn text<'a>(contact: &'a Value, name: &str) -> &'a str {
    contact[name].as_str().unwrap_or_default()
}

impl Rest {
    pub fn new(lines: Vec<Line>) -> Rest {
        Rest { lines, followed: BTreeMap::new(), next: None, dice: Dice::new(3) }
    }

    fn line(&mut self) -> Line {
        self.lines[self.dice.below(self.lines.len())].clone()
    }

    /// Some contact, read by a search so that it is a current one, and its ETag.
    fn some_contact(&mut self, fits: impl Fn(&Value) -> bool) -> Option<(Value, String)> {
        let line = self.line();
        let sort = ["name", "-name", "created_at", "-created_at", "updated_at", "-updated_at"];
        let path = format!("/api/contacts?limit=50&sort={}", sort[self.dice.below(sort.len())]);
        let contacts: Vec<_> = list(&line, &path)?.into_iter().filter(fits).collect();
        let id = contacts.get(self.dice.below(contacts.len()))?["id"].clone();
        let answer = line.send("GET", &format!("/api/contacts/{id}"), "", "").done()?;
        let etag = answer.header("ETag")?.to_owned();
        Some((answer.json(), etag))
    }

    fn edit(&mut self, chronicle: &Chronicle, stamp: &str) -> Option<Outcome> {
        let (contact, etag) = self.some_contact(|it| text(it, "additional_data").len() < FULL)?;
        let note = format!("{}\n{stamp}", text(&contact, "additional_data"));
        let names = [text(&contact, "first_name").to_owned()];
        let (path, body) = (
            format!("/api/contacts/{}", contact["id"]),
            json!({ "additional_data": note }).to_string(),
        );
        let (line, headers) = (self.line(), format!("{JSON}If-Match: {etag}\r\n"));
        let send = || line.send("PATCH", &path, &headers, &body);
        Some(chronicle.note(&names, Wish::Stamp(stamp), send))
    }

    fn delete(&mut self, chronicle: &Chronicle) -> Option<Outcome> {
        let (contact, etag) =
            self.some_contact(|it| chronicle.may_delete(text(it, "first_name")))?;
        let names = [text(&contact, "first_name").to_owned()];
        let path = format!("/api/contacts/{}", contact["id"]);
        let (line, headers) = (self.line(), format!("If-Match: {etag}\r\n"));
        let send = || line.send("DELETE", &path, &headers, "");
        Some(chronicle.note(&names, Wish::Delete, send))
    }

    fn restore(&mut self, chronicle: &Chronicle) -> Option<Outcome> {
        let line = self.line();
        let trash = list(&line, "/api/contacts/trash?limit=100")?;
        let mut wanted = trash.iter().filter(|it| chronicle.may_restore(text(it, "first_name")));
        let contact = wanted.nth(self.dice.below(5))?;
        let names = [text(contact, "first_name").to_owned()];
        let path = format!("/api/contacts/{}/restore", contact["id"]);
        Some(chronicle.note(&names, Wish::Restore, || line.send("POST", &path, "", "")))
    }

    /// Three contacts in one transaction.
    fn import(&mut self, chronicle: &Chronicle, number: usize, stamp: &str) -> Outcome {
        let names: Vec<_> = (0..3).map(|n| format!("import{number}-{n}")).collect();
        let card = |name: &String| super::phone::new_card(name, stamp);
        let cards: String = names.iter().map(card).collect();
        let (line, kind) = (self.line(), "Content-Type: text/vcard\r\n");
        let send = || line.send("POST", "/api/contacts/import", kind, &cards);
        chronicle.note(&names, Wish::Create(stamp), send)
    }

    /// A label on many contacts at once, or renamed on all that have it.
    fn label(&mut self, chronicle: &Chronicle, number: usize) -> Option<Outcome> {
        let line = self.line();
        let (path, body) = if number.is_multiple_of(2) {
            let some = list(&line, "/api/contacts?limit=20&sort=-updated_at")?;
            let ids: Vec<_> = some.iter().map(|it| it["id"].clone()).collect();
            let body = json!({"action": "add_label", "label": "round", "ids": ids});
            ("/api/contacts/bulk", body)
        } else {
            ("/api/contacts/labels", json!({"from": "round", "to": format!("n{}", number % 10)}))
        };
        let method = if path.ends_with("bulk") { "POST" } else { "PATCH" };
        let send = || line.send(method, path, JSON, &body.to_string());
        Some(chronicle.note(&[], Wish::Touch, send))
    }
}

impl Editor for Rest {
    fn look(&mut self, _: &Chronicle) -> bool {
        loop {
            let path = match &self.next {
                Some(next) => format!("/api/contacts/changes?limit=100&since={next}"),
                None => "/api/contacts/changes?limit=100".to_owned(),
            };
            let line = self.line();
            let Some(answer) = line.send("GET", &path, "", "").done() else { return false };
            let page = answer.json();
            for change in page["changes"].as_array().into_iter().flatten() {
                let uid = text(change, "uid").to_owned();
                match change["contact"].is_null() {
                    true => drop(self.followed.remove(&uid)),
                    false => drop(self.followed.insert(uid, change["contact"].clone())),
                }
            }
            self.next = page["next"].as_str().map(str::to_owned);
            if page["more"] != true {
                return true;
            }
        }
    }

    fn change(&mut self, chronicle: &Chronicle, number: usize) -> Option<Outcome> {
        let stamp = format!("r.{number}");
        match self.dice.below(20) {
            0..=2 => {
                let name = format!("rest-{number}");
                let body = json!({"first_name": name, "additional_data": stamp}).to_string();
                let line = self.line();
                let send = || line.send("POST", "/api/contacts", JSON, &body);
                Some(chronicle.note(&[name], Wish::Create(&stamp), send))
            }
            3 | 4 => self.delete(chronicle),
            5 | 6 => self.restore(chronicle),
            7 => Some(self.import(chronicle, number, &stamp)),
            8 => self.label(chronicle, number),
            9..=11 => {
                self.look(chronicle);
                None
            }
            _ => self.edit(chronicle, &stamp),
        }
    }
}

/// A browser with a session's cookie, which fills in the form of a contact as it came.
pub struct Page {
    pub lines: Vec<Line>,
    dice: Dice,
}

impl Page {
    /// Signed in by the form of `/login`.
    pub fn signed_in(addresses: &[String], username: &str, password: &str) -> Page {
        let line = Line { address: addresses[0].clone(), headers: String::new() };
        let form = form_body(&[("username", username), ("password", password)]);
        let answer = line.send("POST", "/login", FORM, &form).done().expect("signed in");
        let cookie = answer.header("Set-Cookie").expect("a cookie").split(';').next().unwrap();
        let headers = format!("Cookie: {cookie}\r\nAccept: text/html\r\n");
        let lines = addresses
            .iter()
            .map(|address| Line { address: address.clone(), headers: headers.clone() });
        Page { lines: lines.collect(), dice: Dice::new(5) }
    }

    fn line(&mut self) -> Line {
        self.lines[self.dice.below(self.lines.len())].clone()
    }

    /// The form of a contact of the list.
    fn some_form(&mut self) -> Option<(String, Vec<(String, String)>)> {
        let line = self.line();
        let skip = self.dice.below(3) * 20;
        let page = line.send("GET", &format!("/contacts?skip={skip}"), "", "").done()?.body;
        let ids: Vec<_> = page
            .split("href=\"/contacts/")
            .filter_map(|rest| rest.split(['"', '?']).next()?.parse::<i64>().ok())
            .collect();
        let path = format!("/contacts/{}/edit", ids.get(self.dice.below(ids.len()))?);
        let form = fields(&line.send("GET", &path, "", "").done()?.body);
        Some((path, form))
    }
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\nOrigin: http://127.0.0.1\r\n\
    Sec-Fetch-Site: same-origin\r\n";

impl Editor for Page {
    fn look(&mut self, _: &Chronicle) -> bool {
        true
    }

    fn change(&mut self, chronicle: &Chronicle, number: usize) -> Option<Outcome> {
        let stamp = format!("w.{number}");
        let (line, wish) = (self.line(), self.dice.below(6));
        if wish == 0 {
            let page = line.send("GET", "/contacts/new", "", "").done()?.body;
            let name = format!("page-{number}");
            let mut form = fields(&page);
            set(&mut form, "first_name", &name);
            set(&mut form, "additional_data", &stamp);
            let send = || line.send("POST", "/contacts/new", FORM, &form_body(&form));
            return Some(chronicle.note(&[name], Wish::Create(&stamp), send));
        }
        let (path, mut form) = self.some_form()?;
        let name = value(&form, "first_name").to_owned();
        let note = format!("{}\n{stamp}", value(&form, "additional_data"));
        if note.len() > FULL {
            return None;
        }
        set(&mut form, "additional_data", &note);
        let send = || line.send("POST", &path, FORM, &form_body(&form));
        Some(chronicle.note(&[name], Wish::Stamp(&stamp), send))
    }
}

fn value<'a>(form: &'a [(String, String)], name: &str) -> &'a str {
    form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

fn set(form: &mut Vec<(String, String)>, name: &str, value: &str) {
    form.retain(|(known, _)| known != name);
    form.push((name.to_owned(), value.to_owned()));
}

fn form_body<T: AsRef<str>>(fields: &[(T, T)]) -> String {
    let encode = |text: &T| utf8_percent_encode(text.as_ref(), NON_ALPHANUMERIC).to_string();
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    fields.join("&")
}

/// The fields of the form that edits a contact, as a browser would send them.
fn fields(page: &str) -> Vec<(String, String)> {
    let form = page.split("<form").find(|it| it.contains("class=\"edit\"")).unwrap_or_default();
    let form = form.split("</form").next().unwrap_or_default();
    let mut found = Vec::new();
    for (at, _) in form.match_indices('<') {
        let Some((tag, rest)) = form[at + 1..].split_once('>') else { continue };
        let name = attribute(tag, "name");
        let kind = attribute(tag, "type");
        let chosen = match kind.as_str() {
            "checkbox" | "radio" => tag.contains(" checked"),
            "file" => false,
            _ => true,
        };
        if name.is_empty() || !chosen {
            continue;
        }
        if tag.starts_with("input ") {
            found.push((name, attribute(tag, "value")));
        } else if tag.starts_with("textarea ") {
            let text = rest.split("</textarea").next().unwrap_or_default();
            found.push((name, unescaped(text)));
        } else if tag.starts_with("select ") {
            let options = rest.split("</select").next().unwrap_or_default();
            let chosen = options.split("<option").find(|it| it.contains(" selected"));
            found.push((name, chosen.map_or(String::new(), |it| attribute(it, "value"))));
        }
    }
    found
}

fn attribute(tag: &str, name: &str) -> String {
    let after = tag.split_once(&format!(" {name}=\"")).map_or("", |(_, rest)| rest);
    unescaped(after.split('"').next().unwrap_or_default())
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
