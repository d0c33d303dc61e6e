//! Who changes the book: REST in every way there is, and a phone.

use super::{LABELS, MANY, NAMES, Past, UIDS};
use crate::phone::{DAV, Phone, card};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use support::dice::Dice;
use support::world::{Actor, Answer};

/// Statuses that a client must reckon with when others write too.
pub fn fine(answer: &Answer, refused: &AtomicUsize) {
    assert!([200, 201, 204, 404, 409, 422, 503].contains(&answer.status), "{answer:?}");
    refused.fetch_add(usize::from(answer.status > 204), SeqCst);
}

/// A change by REST.
pub fn change(ann: &Actor, past: &Past, dice: &mut Dice) -> Answer {
    let list = |path: &str| -> Vec<i64> {
        let list = ann.get(path).expect(200).json();
        list.as_array().unwrap().iter().map(|it| it["id"].as_i64().unwrap()).collect()
    };
    let live = list("/api/contacts?limit=100");
    let some = |dice: &mut Dice| -> Vec<i64> {
        (0..1 + dice.below(4)).filter_map(|_| dice.one(&live)).collect()
    };
    let body = |dice: &mut Dice| {
        let labels: Vec<_> = (0..dice.below(3)).map(|_| dice.pick(&LABELS)).collect();
        json!({
            "first_name": dice.pick(&NAMES), "labels": labels,
            "email": format!("{}@x.org", dice.below(9)), "nickname": dice.below(9).to_string(),
        })
    };
    let one = dice.one(&live).unwrap_or(0);
    let path = format!("/api/contacts/{one}");
    match dice.below(if live.len() > MANY { 14 } else { 18 }) {
        0 | 1 => ann.delete(&path),
        2 => {
            let (one, action) =
                (some(dice), ["delete", "remove_label", "add_label"][dice.below(3)]);
            let label = (action != "delete").then(|| dice.pick(&LABELS));
            ann.post("/api/contacts/bulk", json!({"action": action, "ids": one, "label": label}))
        }
        3 => {
            let (keep, merge) = (one, some(dice));
            ann.post(
                "/api/contacts/merge",
                json!({"keep": keep, "merge": merge, "set": {"nickname": "M"}}),
            )
        }
        4 => {
            let to = [Some("red"), Some("green"), Some("blue"), None][dice.below(4)];
            ann.patch("/api/contacts/labels", json!({"from": dice.pick(&LABELS), "to": to}))
        }
        5 => {
            let history = ann.get(&format!("{path}/history"));
            let history = if history.status == 200 { history.json() } else { json!([]) };
            let revisions: Vec<_> = history
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["revision"].as_i64().unwrap())
                .collect();
            let revision = dice.one(&revisions).unwrap_or(1);
            ann.post(&format!("{path}/revert"), json!({"revision": revision}))
        }
        6 => {
            let last = past.last();
            let to = last - dice.below(30.min(last as usize)) as i64;
            ann.post("/api/contacts/rewind", json!({"to": to}))
        }
        7..10 => ann.patch(&path, body(dice)),
        10..14 => match dice.one(&list("/api/contacts/trash?limit=100")) {
            Some(trashed) if dice.below(2) == 0 => {
                ann.post(&format!("/api/contacts/{trashed}/restore"), json!({}))
            }
            Some(trashed) => {
                ann.post("/api/contacts/bulk", json!({"action": "restore", "ids": [trashed, one]}))
            }
            None => ann.post("/api/contacts", body(dice)),
        },
        14 | 15 => {
            let cards = (0..1 + dice.below(4)).map(|_| {
                let uid = format!("u{}", dice.below(UIDS));
                card(&uid, dice.pick(&NAMES), &[&format!("NICKNAME:{}", dice.below(9))])
            });
            let file: String = cards.collect();
            let existing = ["skip", "update", "add"][dice.below(3)];
            let path = format!("/api/contacts/import?existing={existing}&label=red");
            ann.send("POST", &path, &[("Content-Type", "text/vcard")], file.as_bytes())
        }
        _ => ann.post("/api/contacts", body(dice)),
    }
}

/// The entity tags of all cards by name, as a client lists them.
pub fn listed(phone: &Phone) -> BTreeMap<String, String> {
    let all = phone.propfind(&phone.book(), "1", "<D:getetag/>");
    let cards = all.responses.iter().filter(|it| it.href != phone.book());
    cards.map(|it| (phone.name_of(&it.href), it.get(DAV, "getetag").text)).collect()
}

/// A change by CardDAV.
pub fn put(phone: &Phone, dice: &mut Dice) -> u16 {
    let names: Vec<String> = listed(phone).into_keys().collect();
    let name = names.get(dice.below(names.len())).cloned().unwrap_or_else(|| "x.vcf".to_owned());
    // Names that follow from a uid, and others.
    let free = format!("{}{}.vcf", dice.pick(&["u", "n"]), dice.below(UIDS));
    let uid = format!("u{}", dice.below(UIDS));
    let labels = format!("CATEGORIES:{}", dice.pick(&LABELS));
    match dice.below(if names.len() > MANY { 9 } else { 12 }) {
        0..3 => phone.delete(&name).status,
        3 => {
            let to = format!("http://{}{}", phone.address, phone.path(&free));
            phone
                .send("MOVE", &phone.path(&name), &[("Destination", &to), ("Overwrite", "F")], b"")
                .status
        }
        4..7 => {
            let old = phone.get(&name);
            let lines: Vec<String> = old.text().split("\r\n").map(str::to_owned).collect();
            let note = format!("NOTE:{}", dice.below(99));
            let kept = lines.iter().filter(|line| !line.starts_with("NOTE") && !line.is_empty());
            let text: String = kept
                .map(|line| match line.as_str() {
                    "END:VCARD" => format!("{note}\r\nEND:VCARD\r\n"),
                    line => format!("{line}\r\n"),
                })
                .collect();
            if old.status == 200 { phone.put(&name, &text).status } else { 404 }
        }
        7 => {
            let label = dice.pick(&LABELS).to_lowercase();
            let member = format!("X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:{uid}");
            let kind = "X-ADDRESSBOOKSERVER-KIND:group";
            phone
                .put(
                    &format!("g-{label}.vcf"),
                    &card(&format!("g-{label}"), &label, &[kind, &member]),
                )
                .status
        }
        8 => {
            // A contact becomes a group, or a group a contact.
            let old = phone.get(&name);
            let own =
                old.text().lines().find_map(|line| line.strip_prefix("UID:").map(str::to_owned));
            let kind = match old.text().contains(":group") {
                true => "NOTE:no group",
                false => "X-ADDRESSBOOKSERVER-KIND:group",
            };
            match own {
                Some(own) => phone.put(&name, &card(&own, dice.pick(&LABELS), &[kind])).status,
                None => 404,
            }
        }
        _ => phone.put(&free, &card(&uid, dice.pick(&NAMES), &[&labels])).status,
    }
}
