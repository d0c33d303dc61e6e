//! Apple's lists: cards that are no persons and name their members (`carddav.md`, rule 41).

use crate::clean::strip_scheme;
use crate::line::Line;
use crate::value::{escape, label};
use crate::{Card, names};
use std::collections::{BTreeSet, HashSet};

const KIND: &str = "X-ADDRESSBOOKSERVER-KIND";
const MEMBER: &str = "X-ADDRESSBOOKSERVER-MEMBER";

/// What a card says that is a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// FN, the name of the label.
    pub name: String,
    /// The members' UIDs without `urn:uuid:`, each once, in the card's order. A contact is meant
    /// whose [`bare_uid`] is the same.
    pub members: Vec<String>,
}

/// A UID without `urn:uuid:`, as cards and lists write it now with it and now without.
pub fn bare_uid(uid: &str) -> &str {
    let uid = uid.trim();
    strip_scheme(uid, "urn:uuid:").unwrap_or(uid)
}

impl Card {
    /// The list that the card is, if it is one.
    pub fn group(&self) -> Option<Group> {
        let is_list = |line: &Line<'_>| {
            line.is_any(&[KIND, "KIND"]) && line.value().trim().eq_ignore_ascii_case("group")
        };
        if !self.lines().any(|line| is_list(&line)) {
            return None;
        }
        let lines: Vec<Line<'_>> = self.lines().collect();
        let name = match names::full(&lines) {
            Some((_, name)) => name,
            None => self.details().display_name,
        };
        let name = label(&name).unwrap_or_default();
        let mut seen = HashSet::new();
        let members = lines.iter().filter(|line| line.is_any(&[MEMBER, "MEMBER"]));
        let members = members.map(|line| bare_uid(&line.text()).to_owned());
        let members = members.filter(|uid| !uid.is_empty() && seen.insert(uid.clone()));
        Some(Group { name, members: members.collect() })
    }

    /// Renames a list: FN, and N where it is the same name.
    pub fn set_group_name(&mut self, name: &str) {
        let Some(old) = self.group().map(|group| group.name) else { return };
        if old == name {
            return;
        }
        self.edit(|editor| {
            let mut full = false;
            for line in &mut editor.lines {
                if line.is("FN") {
                    full = true;
                    line.set_value(escape(name));
                } else if line.is("N")
                    && line.parts(';').iter().filter_map(|part| label(part)).eq([old.clone()])
                {
                    line.set_value(format!("{};;;;", escape(name)));
                }
            }
            if !full {
                editor.insert_head(Line::new("FN", escape(name)));
            }
        });
    }

    /// Of these UIDs (without `urn:uuid:`) those that a list has as members go, and the others come.
    pub fn toggle_members(&mut self, uids: &BTreeSet<String>) {
        self.edit(|editor| {
            let mut there = HashSet::new();
            let mut gone = Vec::new();
            for (at, line) in editor.lines.iter().enumerate() {
                if line.is_any(&[MEMBER, "MEMBER"]) {
                    let uid = bare_uid(&line.text()).to_owned();
                    if uids.contains(&uid) {
                        gone.push(at);
                        there.insert(uid);
                    }
                }
            }
            editor.remove_at(gone);
            let new = uids.iter().filter(|uid| !uid.is_empty() && !there.contains(*uid));
            let name =
                if editor.lines.iter().any(|line| line.is(KIND)) { MEMBER } else { "MEMBER" };
            let line = |uid: &String| Line::new(name, format!("urn:uuid:{}", escape(uid)));
            editor.insert_all(new.map(line).collect());
        });
    }
}
