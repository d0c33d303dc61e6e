//! Edits of a card's lines: as few as make it say what is wanted.

use crate::label::last_item;
use crate::line::Line;
use crate::value::{escape, split_value};
use crate::{Details, names, shown};
use std::collections::{BTreeMap, HashSet};

/// The lines while they are edited. Places stay what they are until [`Editor::flush`].
pub struct Editor<'a> {
    /// The lines, in their order.
    pub lines: Vec<Line<'a>>,
    /// Places of lines that go.
    pub gone: HashSet<usize>,
    /// New lines by the place after which they go.
    pub after: BTreeMap<usize, Vec<Line<'a>>>,
    /// The number of the last `itemN` that is taken; none: not counted yet.
    items: Option<u64>,
}

impl<'a> Editor<'a> {
    /// An editor of these lines.
    pub fn new(lines: Vec<Line<'a>>) -> Editor<'a> {
        Editor { lines, gone: HashSet::new(), after: BTreeMap::new(), items: None }
    }

    /// Edits the lines so that they show `wanted`, which is [`Details::normal`].
    pub fn set(&mut self, wanted: &Details) {
        let old = shown::details(&self.lines);
        self.names(&old, wanted);
        self.text("NICKNAME", shown::first(&self.lines, "NICKNAME"), wanted.nickname.as_deref());
        self.text("TITLE", shown::first(&self.lines, "TITLE"), wanted.job_title.as_deref());
        self.text("NOTE", shown::note(&self.lines), wanted.additional_data.as_deref());
        self.organization(&old, wanted);
        self.birthday(&old, wanted);
        self.categories(&old, wanted);
        self.flush();
        self.list(shown::emails, &wanted.emails, "EMAIL");
        self.list(shown::phones, &wanted.phones, "TEL");
        self.list(shown::addresses, &wanted.addresses, "ADR");
        self.list(shown::urls, &wanted.urls, "URL");
        self.list(shown::dates, &wanted.dates, "X-ABDATE");
        self.list(shown::relations, &wanted.relations, "X-ABRELATEDNAMES");
        self.list(shown::accounts, &wanted.online, "IMPP");
    }

    /// Carries the edits out.
    pub fn flush(&mut self) {
        if self.gone.is_empty() && self.after.is_empty() {
            return;
        }
        let mut after = std::mem::take(&mut self.after);
        let gone = std::mem::take(&mut self.gone);
        let mut lines = Vec::with_capacity(self.lines.len() + after.len());
        for (at, line) in std::mem::take(&mut self.lines).into_iter().enumerate() {
            if !gone.contains(&at) {
                lines.push(line);
            }
            lines.extend(after.remove(&at).into_iter().flatten());
        }
        lines.extend(after.into_values().flatten());
        self.lines = lines;
    }

    /// Marks all lines of that name as gone.
    pub fn remove(&mut self, name: &str) {
        let named = self.lines.iter().enumerate().filter(|(_, line)| line.is(name));
        self.gone.extend(named.map(|(at, _)| at));
    }

    /// Marks the lines at these places as gone.
    pub fn remove_at(&mut self, places: Vec<usize>) {
        self.gone.extend(places);
    }

    /// Puts a line at the end of the card.
    pub fn append(&mut self, line: Line<'a>) {
        self.after.entry(self.end()).or_default().push(line);
    }

    /// Puts a line after the last one of its name, or at the end of the card.
    pub fn insert(&mut self, line: Line<'a>) {
        self.insert_all(vec![line]);
    }

    /// The same for lines of one name. The place is looked for once, however many they are.
    pub fn insert_all(&mut self, new: Vec<Line<'a>>) {
        let Some(first) = new.first() else { return };
        let place = self.lines.iter().rposition(|it| it.is(first.name()));
        let place = place.unwrap_or_else(|| self.end());
        self.after.entry(place).or_default().extend(new);
    }

    /// Puts a line after VERSION.
    pub fn insert_head(&mut self, line: Line<'a>) {
        let place = self.lines.iter().position(|it| it.is("VERSION")).unwrap_or(0);
        self.after.entry(place).or_default().push(line);
    }

    /// The place before END.
    pub fn end(&self) -> usize {
        let end = self.lines.iter().rposition(|line| line.is("END"));
        end.unwrap_or(self.lines.len()).saturating_sub(1)
    }

    /// Sets the value of the line at that place; what is said of the old value's form goes.
    pub fn write(&mut self, at: usize, value: String) {
        if let Some(line) = self.lines.get_mut(at) {
            line.set_value(value);
            for name in ["VALUE", "ENCODING", "CHARSET"] {
                line.drop_param(name);
            }
        }
    }

    fn names(&mut self, old: &Details, wanted: &Details) {
        let now = names::parts(&self.lines);
        let want = [
            &wanted.last_name,
            &wanted.first_name,
            &wanted.middle_name,
            &wanted.prefix,
            &wanted.suffix,
        ];
        let place = self.lines.iter().position(|line| line.is("N"));
        let differs = now.iter().zip(want).any(|(now, want)| now != want);
        match place {
            None => {
                let parts = want.map(|part| escape(part.as_deref().unwrap_or_default()));
                self.insert_head(Line::new("N", parts.join(";")));
            }
            Some(first) if differs => {
                let says = |line: &Line<'_>| names::parts(std::slice::from_ref(line)) == now;
                let shown = self.lines.iter().position(|line| line.is("N") && says(line));
                let at = shown.unwrap_or(first);
                let value = self.lines.get(at).map(Line::value).unwrap_or_default();
                let mut parts: Vec<String> = split_value(&value, ';').map(str::to_owned).collect();
                parts.resize(parts.len().max(5), String::new());
                for (part, (now, want)) in parts.iter_mut().zip(now.iter().zip(want)) {
                    if now != want {
                        *part = escape(want.as_deref().unwrap_or_default());
                    }
                }
                self.write(at, parts.join(";"));
                // A second N would come to light.
                if want.iter().all(|part| part.is_none()) {
                    self.remove("N");
                    self.gone.remove(&at);
                }
            }
            Some(_) => {}
        }
        self.full(old, wanted);
    }

    fn full(&mut self, old: &Details, wanted: &Details) {
        let now = names::full(&self.lines);
        let given = Some(&wanted.display_name)
            .filter(|name| !name.is_empty() && **name != old.display_name)
            .cloned();
        let text = match (given, &now) {
            (Some(given), _) => given,
            (None, Some((_, full))) => match names::follow(full, old, wanted) {
                Some(text) => text,
                None => return,
            },
            (None, None) => names::derive(wanted, &self.lines),
        };
        let blank = || self.lines.iter().position(|line| line.is("FN"));
        match now.map(|(at, _)| at).or_else(blank) {
            Some(at) => self.write(at, escape(&text)),
            None => self.insert_head(Line::new("FN", escape(&text))),
        }
    }

    /// Sets the line that is shown; without a text all lines of that name go, since the next one
    /// would be shown.
    fn text(&mut self, name: &'a str, now: Option<(usize, String)>, wanted: Option<&str>) {
        match (now, wanted) {
            (Some((_, now)), Some(wanted)) if now == wanted => {}
            (None, None) => {}
            (Some(_), None) => self.remove(name),
            (Some((at, _)), Some(wanted)) => self.write(at, escape(wanted)),
            (None, Some(wanted)) => self.insert(Line::new(name, escape(wanted))),
        }
    }

    fn organization(&mut self, old: &Details, wanted: &Details) {
        let want = [&wanted.organization, &wanted.department];
        if [&old.organization, &old.department] == want {
            return;
        }
        let found = shown::organization(&self.lines);
        let parts = want.map(|part| escape(part.as_deref().unwrap_or_default()));
        let Some((at, now)) = found else {
            let [name, unit] = &parts;
            let value = if unit.is_empty() { name.clone() } else { format!("{name};{unit}") };
            return self.insert(Line::new("ORG", value));
        };
        let value = self.lines.get(at).map(Line::value).unwrap_or_default();
        let mut units: Vec<String> = split_value(&value, ';').map(str::to_owned).collect();
        units.resize(units.len().max(2), String::new());
        for (unit, (now, want)) in units.iter_mut().zip(now.iter().zip(want)) {
            if now != want {
                *unit = escape(want.as_deref().unwrap_or_default());
            }
        }
        if want.iter().all(|part| part.is_none()) {
            self.remove("ORG");
            if units.iter().all(|unit| unit.trim().is_empty()) {
                return;
            }
            self.gone.remove(&at);
        }
        while units.last().is_some_and(|unit| unit.is_empty()) {
            units.pop();
        }
        self.write(at, units.join(";"));
    }

    /// A birthday that changes replaces every BDAY with all it says beside.
    fn birthday(&mut self, old: &Details, wanted: &Details) {
        if old.birthday == wanted.birthday {
            return;
        }
        self.remove("BDAY");
        if let Some(date) = wanted.birthday {
            self.insert(date.line("BDAY"));
        }
    }

    /// Takes labels out of the lines where they are, and puts new ones into the first line.
    fn categories(&mut self, old: &Details, wanted: &Details) {
        if old.labels == wanted.labels {
            return;
        }
        let (had, want): (HashSet<&String>, HashSet<&String>) =
            (old.labels.iter().collect(), wanted.labels.iter().collect());
        let kept: Vec<&String> = wanted.labels.iter().filter(|label| had.contains(label)).collect();
        let new = wanted.labels.iter().skip_while(|label| had.contains(label));
        let in_order = kept.iter().zip(wanted.labels.iter()).all(|(kept, label)| *kept == label)
            && old.labels.iter().filter(|label| want.contains(label)).eq(kept.iter().copied());
        let places: Vec<usize> = self
            .lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.is("CATEGORIES"))
            .map(|(at, _)| at)
            .collect();
        let Some(at) = places.first() else {
            return self.insert(Line::new("CATEGORIES", joined(&wanted.labels)));
        };
        if !in_order || places.len() > 1 {
            // In another order, or over several lines: all of them into the first one.
            self.remove("CATEGORIES");
            if !wanted.labels.is_empty() {
                self.gone.remove(at);
                self.write(*at, joined(&wanted.labels));
            }
            return;
        }
        let value = self.lines.get(*at).map(Line::value).unwrap_or_default();
        let mut seen = HashSet::new();
        let mut parts: Vec<String> = split_value(&value, ',')
            .filter(|part| {
                let label = crate::value::label(&crate::value::unescape(part));
                label.is_some_and(|label| want.contains(&label) && seen.insert(label))
            })
            .map(str::to_owned)
            .collect();
        parts.extend(new.map(|label| escape(label)));
        match parts.is_empty() {
            true => self.remove("CATEGORIES"),
            false => self.write(*at, parts.join(",")),
        }
    }

    /// A group that no line is in.
    pub fn fresh_group(&mut self) -> String {
        let last = self.items.unwrap_or_else(|| last_item(&self.lines));
        self.items = Some(last + 1);
        format!("item{}", last + 1)
    }
}

/// The value of a CATEGORIES.
fn joined(labels: &[String]) -> String {
    labels.iter().map(|label| escape(label)).collect::<Vec<_>>().join(",")
}
