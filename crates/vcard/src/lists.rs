//! Lists of entries: an edit finds the line that an entry has already, moves, labels and removes
//! lines, and leaves the others alone.

use crate::edit::Editor;
use crate::label::{self, Labels};
use crate::line::Line;
use crate::value::{escape, escape_uri};
use crate::{Address, DateEntry, Entry, Labelled, Online, online, shown};
use std::collections::{HashMap, HashSet, VecDeque};

/// An entry of a list as an edit sees it.
pub trait Item: Clone + PartialEq {
    /// What makes two entries the same: all but label and preference.
    fn key(&self) -> String;
    fn label(&self) -> Option<&str>;
    /// The entry as a line of that name, without its label.
    fn line(&self, name: &'static str) -> Line<'static>;
    fn is_primary(&self) -> bool {
        false
    }
}

/// Finds the entries of a list, each with the place of its line.
pub type Find<T> = fn(&[Line<'_>], &Labels) -> Vec<(usize, T)>;

impl<'a> Editor<'a> {
    /// Makes one list what is wanted. An entry whose value was there keeps its line.
    pub(crate) fn list<T: Item>(&mut self, find: Find<T>, wanted: &[T], name: &'static str) {
        let labels = Labels::of(&self.lines);
        let found = find(&self.lines, &labels);
        if found.iter().map(|(_, item)| item).eq(wanted) {
            return;
        }
        let kept = self.matched(&found, wanted);
        let items: HashMap<usize, &T> = found.iter().map(|(at, item)| (*at, item)).collect();
        let before_all = found.first().map_or_else(|| self.end(), |(at, _)| at.saturating_sub(1));
        let mut last: Option<usize> = None;
        let mut stay = HashSet::new();
        for (item, old) in wanted.iter().zip(&kept) {
            let anchor = last.unwrap_or(before_all);
            match old.and_then(|at| Some((at, items.get(&at)?))) {
                Some((at, now)) => {
                    if now.label() != item.label() {
                        self.relabel(at, item.label());
                    }
                    stay.insert(at);
                    if last.is_none_or(|last| at > last) {
                        last = Some(at);
                    } else if let Some(line) = self.lines.get(at).cloned() {
                        self.gone.insert(at);
                        self.after.entry(anchor).or_default().push(line);
                    }
                }
                None => {
                    let mut line = item.line(name);
                    let label = self.labelled(&mut line, item.label());
                    let place = self.after.entry(anchor).or_default();
                    place.push(line);
                    place.extend(label);
                }
            }
        }
        self.drop_entries(
            found.iter().map(|(at, _)| *at).filter(|at| !stay.contains(at)).collect(),
        );
        self.flush();
        self.prefer(find, wanted);
    }

    /// For each wanted entry the line that has its value already.
    fn matched<T: Item>(&self, found: &[(usize, T)], wanted: &[T]) -> Vec<Option<usize>> {
        let mut exact: HashMap<(String, Option<String>), VecDeque<usize>> = HashMap::new();
        let mut by_key: HashMap<String, VecDeque<usize>> = HashMap::new();
        for (at, item) in found {
            exact.entry((item.key(), item.label().map(str::to_owned))).or_default().push_back(*at);
            // The label of such a line is in its name.
            if self.lines.get(*at).is_none_or(|line| label::implied(line).is_none()) {
                by_key.entry(item.key()).or_default().push_back(*at);
            }
        }
        let take =
            |item: &T| exact.get_mut(&(item.key(), item.label().map(str::to_owned)))?.pop_front();
        let mut kept: Vec<Option<usize>> = wanted.iter().map(take).collect();
        let mut used: HashSet<usize> = kept.iter().flatten().copied().collect();
        for (item, place) in wanted.iter().zip(&mut kept).filter(|(_, place)| place.is_none()) {
            let Some(queue) = by_key.get_mut(&item.key()) else { continue };
            while let Some(at) = queue.pop_front() {
                if used.insert(at) {
                    *place = Some(at);
                    break;
                }
            }
        }
        kept
    }

    /// Removes the lines of entries, and what stands in their groups beside them.
    fn drop_entries(&mut self, places: Vec<usize>) {
        let group = |at: &usize| {
            let group = self.lines.get(*at).map_or("", Line::group);
            Some(group.to_ascii_lowercase()).filter(|group| !group.is_empty())
        };
        let mut groups: HashSet<String> = places.iter().filter_map(group).collect();
        self.gone.extend(places);
        let moved = self.after.values().flatten();
        let stays = self.lines.iter().enumerate().filter(|(at, _)| !self.gone.contains(at));
        for line in stays.map(|(_, line)| line).chain(moved).filter(|line| is_entry(line)) {
            groups.remove(&line.group().to_ascii_lowercase());
        }
        if !groups.is_empty() {
            let of_group = |line: &Line<'_>| {
                is_companion(line) && groups.contains(&line.group().to_ascii_lowercase())
            };
            let all = self.lines.iter().enumerate().filter(|(_, line)| of_group(line));
            self.gone.extend(all.map(|(at, _)| at));
        }
    }

    /// Marks the wanted primary entry, if the card shows another one.
    fn prefer<T: Item>(&mut self, find: Find<T>, wanted: &[T]) {
        let found = find(&self.lines, &Labels::of(&self.lines));
        let Some(primary) = wanted.iter().position(T::is_primary) else { return };
        if found.get(primary).is_none_or(|(_, item)| item.is_primary()) {
            return;
        }
        for (place, (at, _)) in found.iter().enumerate() {
            let Some(line) = self.lines.get_mut(*at) else { continue };
            line.drop_param("PREF");
            line.drop_types(|word| word.eq_ignore_ascii_case("pref"));
            if place == primary && place > 0 {
                line.add_param("TYPE", "pref");
            }
        }
    }

    /// Gives a new line its label; a label of one's own is a line that goes after it.
    fn labelled(&mut self, line: &mut Line<'a>, label: Option<&str>) -> Option<Line<'a>> {
        let label = label?;
        if let Some(types) = label::types(label) {
            types.iter().for_each(|word| line.add_param("TYPE", word));
            return None;
        }
        let group = self.fresh_group();
        line.set_group(&group);
        Some(label::line(&group, label))
    }

    /// Gives the line at that place another label.
    fn relabel(&mut self, at: usize, label: Option<&str>) {
        let Some(mut line) = self.lines.get(at).cloned() else { return };
        label::take(&mut line);
        let group = line.group().to_owned();
        let in_group = |it: &Line<'_>| !group.is_empty() && it.group().eq_ignore_ascii_case(&group);
        let same = self.lines.iter().enumerate().filter(|(it, line)| in_group(line) && *it != at);
        let shared = same.clone().any(|(_, line)| is_entry(line));
        let mut own: Vec<usize> =
            same.filter(|(_, line)| line.is("X-ABLabel")).map(|(at, _)| at).collect();
        if shared && !own.is_empty() {
            line.set_group("");
            own.clear();
        }
        let custom = label.filter(|label| label::types(label).is_none());
        match (custom, own.first().copied()) {
            (Some(label), Some(first)) => {
                self.write(first, escape(&label::write_apple(label)));
                self.gone.extend(own.into_iter().skip(1));
            }
            _ => {
                self.gone.extend(own);
                let new = self.labelled(&mut line, label);
                self.after.entry(at).or_default().extend(new);
            }
        }
        if let Some(place) = self.lines.get_mut(at) {
            *place = line;
        }
    }
}

/// True for a line that has a label.
pub fn is_entry(line: &Line<'_>) -> bool {
    line.is_any(&["EMAIL", "TEL", "ADR", "URL"])
        || line.is_any(&shown::DATES)
        || line.is_any(&shown::RELATIONS)
        || online::is_account(line)
}

/// True for a line that says something of the entry in its group.
pub fn is_companion(line: &Line<'_>) -> bool {
    line.is_any(&["X-ABLabel", "X-ABADR", "LABEL"])
}

impl Item for Entry {
    fn key(&self) -> String {
        self.value.clone()
    }

    fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    fn line(&self, name: &'static str) -> Line<'static> {
        let line = Line::new(name, escape(&self.value));
        if name == "EMAIL" { line.with("TYPE", "INTERNET") } else { line }
    }

    fn is_primary(&self) -> bool {
        self.primary
    }
}

impl Item for Address {
    /// The value of an ADR.
    fn key(&self) -> String {
        self.parts().map(|part| escape(part.unwrap_or_default())).join(";")
    }

    fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    fn line(&self, name: &'static str) -> Line<'static> {
        Line::new(name, self.key())
    }

    fn is_primary(&self) -> bool {
        self.primary
    }
}

impl Item for Labelled {
    fn key(&self) -> String {
        self.value.clone()
    }

    fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    fn line(&self, name: &'static str) -> Line<'static> {
        Line::new(name, if name == "URL" { escape_uri(&self.value) } else { escape(&self.value) })
    }
}

impl Item for DateEntry {
    fn key(&self) -> String {
        self.value.to_string()
    }

    fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    fn line(&self, name: &'static str) -> Line<'static> {
        self.value.line(name)
    }
}

impl Item for Online {
    fn key(&self) -> String {
        format!("{}\n{}", self.service.as_deref().unwrap_or_default(), self.value)
    }

    fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    fn line(&self, _name: &'static str) -> Line<'static> {
        online::write(self)
    }
}
