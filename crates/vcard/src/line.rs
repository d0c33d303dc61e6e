//! Content lines: `group.NAME;PARAM=value:value` (RFC 2426, section 4; RFC 6350, section 3.3).

use crate::folding::{fold, unfold};
use crate::value::{colon, escape, split_quoted, split_value, unescape};
use std::borrow::Cow;

/// One content line of a card. As long as it is not edited, it is written as it was read, folds
/// included.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line<'a> {
    /// The physical lines with their ends; none once the line was edited.
    raw: Option<&'a str>,
    group: Cow<'a, str>,
    name: Cow<'a, str>,
    params: Vec<Param<'a>>,
    /// Escaped; of a raw line still folded.
    value: Cow<'a, str>,
}

/// Most octets of a head. Each parameter takes many times its octets in memory.
pub const HEAD_MAX: usize = 64 << 10;

/// Name and value of a parameter as written, quotes included; a value of 2.1 without a name
/// (`TEL;HOME`) has an empty one, and counts as a TYPE.
type Param<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The lines of a card, one by one, each with its folded parts.
pub fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut end = 0;
        loop {
            let tail = rest.get(end..).filter(|tail| !tail.is_empty())?;
            end += tail.find('\n').map_or(tail.len(), |at| at + 1);
            if !rest.get(end..).is_some_and(|next| next.starts_with([' ', '\t'])) {
                break;
            }
        }
        let (line, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(Line::parse(line))
    })
}

impl<'a> Line<'a> {
    /// A line without group and parameters; `value` is escaped already.
    pub fn new(name: &'a str, value: impl Into<Cow<'a, str>>) -> Line<'a> {
        Line { name: name.into(), value: value.into(), ..Line::default() }
    }

    /// The same line with one parameter more; `value` is quoted where it has to be.
    pub fn with(mut self, name: &'a str, value: &str) -> Line<'a> {
        self.add_param(name, value);
        self
    }

    /// Reads physical lines that belong together. What has no colon has an empty name.
    fn parse(raw: &'a str) -> Line<'a> {
        let text = raw.strip_suffix('\n').unwrap_or(raw);
        let text = text.strip_suffix('\r').unwrap_or(text);
        let Some(colon) = colon(text.as_bytes()).filter(|colon| *colon <= HEAD_MAX) else {
            return Line { raw: Some(raw), value: text.into(), ..Line::default() };
        };
        let (head, value) = text.split_at_checked(colon).unwrap_or((text, ""));
        let value = value.get(1..).unwrap_or_default().into();
        let (group, name, params) = match unfold(head) {
            Cow::Borrowed(head) => split_head(head),
            Cow::Owned(head) => {
                let (group, name, params) = split_head(&head);
                let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
                let params = params.into_iter().map(|(name, value)| (own(name), own(value)));
                (own(group), own(name), params.collect())
            }
        };
        Line { raw: Some(raw), group, name, params, value }
    }

    /// True if the head as it was read is its parts and nothing beside them: no blanks, no dot or
    /// semicolon for nothing.
    pub fn has_bare_head(&self) -> bool {
        let group = if self.group.is_empty() { 0 } else { self.group.len() + 1 };
        let params = self.params.iter().map(|(name, value)| name.len() + value.len() + 2);
        let head = self.raw.and_then(|raw| raw.get(..colon(raw.as_bytes())?));
        head.is_none_or(|head| {
            unfold(head).len() == group + self.name.len() + params.sum::<usize>()
        })
    }

    /// What stands before the dot, as in `item1.TEL`, or empty.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The name as written; compare with [`Line::is`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// True if this is a line of that name, in any letter case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// True if the name is one of these.
    pub fn is_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.is(name))
    }

    /// The parameters: name and value as written, quotes included.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// The values of all parameters of that name, split at commas, without quotes.
    pub fn param_values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        let named = self.params.iter().filter(move |param| is_named(param, name));
        // `TYPE="a,b"` is a list too: so RFC 6350 writes it in its own examples.
        named
            .flat_map(|(_, value)| split_quoted(value, ','))
            .flat_map(|part| part.trim().trim_matches('"').split(',').map(str::trim))
    }

    /// The first value of that parameter as a whole, without quotes.
    pub fn param(&self, name: &str) -> Option<&str> {
        let mut params = self.params.iter().filter(|param| is_named(param, name));
        params.next().map(|(_, value)| value.trim().trim_matches('"'))
    }

    /// The value as written, so still escaped, but not folded.
    pub fn value(&self) -> Cow<'_, str> {
        match self.raw {
            Some(_) => unfold(&self.value),
            None => Cow::Borrowed(&self.value),
        }
    }

    /// The value as text.
    pub fn text(&self) -> String {
        unescape(&self.value())
    }

    /// The parts of the value between `separator`s, as text.
    pub fn parts(&self, separator: char) -> Vec<String> {
        split_value(&self.value(), separator).map(unescape).collect()
    }

    /// The line with nothing after its colon (RFC 6352, section 10.4.2, `novalue`).
    pub fn without_value(mut self) -> Line<'a> {
        self.set_value(String::new());
        self
    }

    /// How many octets it takes, ends and folds included, as it was read.
    pub(crate) fn octets(&self) -> usize {
        self.raw.map_or_else(|| self.unfolded().len() + 2, str::len)
    }

    /// Appends the line: as it was read, or else folded.
    pub fn write(&self, out: &mut String) {
        let Some(raw) = self.raw else { return fold(out, &self.unfolded()) };
        out.push_str(raw);
        if !raw.ends_with('\n') {
            out.push_str("\r\n");
        }
    }

    /// The line without its folds and its end.
    pub fn unfolded(&self) -> String {
        let value = self.value();
        let mut out = self.head();
        if !self.name.is_empty() {
            out.push(':');
        }
        out.push_str(&value);
        out
    }

    /// Group, name and parameters.
    pub fn head(&self) -> String {
        let mut out = String::with_capacity(self.group.len() + self.name.len() + 16);
        if !self.group.is_empty() {
            out.push_str(&self.group);
            out.push('.');
        }
        out.push_str(&self.name);
        for (name, value) in &self.params {
            out.extend([";", name, if name.is_empty() { "" } else { "=" }, value]);
        }
        out
    }

    /// How much the card prefers this line to others of its name, 1 is most: `TYPE=pref` in 3.0,
    /// `PREF=1` to `100` in 4.0 (RFC 6350, section 5.3).
    pub fn rank(&self) -> u8 {
        const NONE: u8 = 101;
        if self.param_values("TYPE").any(|word| word.eq_ignore_ascii_case("pref")) {
            return 1;
        }
        self.param("PREF").and_then(|rank| rank.parse().ok()).unwrap_or(NONE).clamp(1, NONE)
    }

    fn edited(&mut self) {
        if self.raw.is_some() {
            self.value = Cow::Owned(unfold(&self.value).into_owned());
            self.raw = None;
        }
    }

    /// Sets the value, which is escaped already.
    pub(crate) fn set_value(&mut self, value: String) {
        self.raw = None;
        self.value = Cow::Owned(value);
    }

    pub(crate) fn set_group(&mut self, group: &str) {
        self.edited();
        self.group = Cow::Owned(group.to_owned());
    }

    pub(crate) fn set_name(&mut self, name: &'a str) {
        self.edited();
        self.name = Cow::Borrowed(name);
    }

    pub(crate) fn add_param(&mut self, name: &'a str, value: &str) {
        self.edited();
        self.params.push((Cow::Borrowed(name), Cow::Owned(param_value(value))));
    }

    /// Takes every parameter of that name away.
    pub(crate) fn drop_param(&mut self, name: &str) {
        if self.param(name).is_some() {
            self.edited();
            self.params.retain(|param| !is_named(param, name));
        }
    }

    /// Takes those TYPEs away for which `goes` is true; the others stay as they are written.
    pub(crate) fn drop_types(&mut self, goes: impl Fn(&str) -> bool) {
        if !self.param_values("TYPE").any(&goes) {
            return;
        }
        self.edited();
        for param in &mut self.params {
            if is_named(param, "TYPE") {
                let value = &mut param.1;
                let bare = value.replace('"', "");
                let kept: Vec<&str> = bare.split(',').filter(|word| !goes(word.trim())).collect();
                *value = Cow::Owned(param_list(&kept));
            }
        }
        self.params.retain(|param| !param.1.is_empty() || !is_named(param, "TYPE"));
    }

    /// Sets each parameter's value to what `map` makes of its name and value, quotes aside.
    pub(crate) fn map_params(&mut self, map: impl Fn(&str) -> Option<String>) {
        for (_, value) in &mut self.params {
            if let Some(new) = map(value.trim_matches('"')) {
                *value = Cow::Owned(param_value(&new));
            }
        }
    }

    /// Writes each TYPE as a parameter of its own: lists in quotes are one word for readers of 3.0.
    pub(crate) fn split_types(&mut self) {
        let words: Vec<String> = self.param_values("TYPE").map(str::to_owned).collect();
        if words.len() != self.params.iter().filter(|param| is_named(param, "TYPE")).count() {
            self.drop_param("TYPE");
            words
                .iter()
                .filter(|word| !word.is_empty())
                .for_each(|word| self.add_param("TYPE", word));
        }
    }

    /// The same line without what it borrows.
    pub(crate) fn into_owned<'b>(mut self) -> Line<'b> {
        self.edited();
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let params = self.params.into_iter().map(|(name, value)| (own(name), own(value)));
        Line {
            raw: None,
            group: own(self.group),
            name: own(self.name),
            params: params.collect(),
            value: own(self.value),
        }
    }

    /// A line of these parts, as a reader found them; values of parameters as written.
    pub(crate) fn of(
        group: String,
        name: String,
        params: Vec<(String, String)>,
        value: String,
    ) -> Line<'a> {
        let params = params.into_iter().map(|(name, value)| (name.into(), value.into()));
        Line {
            raw: None,
            group: group.into(),
            name: name.into(),
            params: params.collect(),
            value: value.into(),
        }
    }
}

fn is_named(param: &Param<'_>, name: &str) -> bool {
    param.0.eq_ignore_ascii_case(name) || (param.0.is_empty() && name.eq_ignore_ascii_case("TYPE"))
}

/// Group, name and parameters of an unfolded head.
fn split_head(head: &str) -> (Cow<'_, str>, Cow<'_, str>, Vec<Param<'_>>) {
    let mut pieces = split_quoted(head, ';');
    let first = pieces.next().unwrap_or_default().trim();
    let (group, name) = first.rsplit_once('.').unwrap_or(("", first));
    let params = pieces.filter(|piece| !piece.trim().is_empty()).map(|piece| {
        let (name, value) = piece.split_once('=').unwrap_or(("", piece));
        (Cow::Borrowed(name.trim()), Cow::Borrowed(value.trim()))
    });
    (Cow::Borrowed(group), Cow::Borrowed(name), params.collect())
}

/// True for a parameter's value as it may be written: each part of it is quoted as a whole, or needs no quotes.
pub fn is_param_value(value: &str) -> bool {
    split_quoted(value, ',').all(|part| {
        let inner = part.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        !inner.unwrap_or(part).contains('"') && (inner.is_some() || !part.contains([';', ':']))
    })
}

/// A parameter's value as it may be written: quoted if it has to be.
pub fn param_value(value: &str) -> String {
    let value: String = value.chars().filter(|c| !c.is_control() && *c != '"').collect();
    let value = value.trim();
    if value.contains([';', ':', ',']) { format!("\"{value}\"") } else { value.to_owned() }
}

fn param_list(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| param_value(word)).collect();
    words.join(",")
}

/// Text as a line of that name: `NAME:text`, escaped.
pub fn text_line<'a>(name: &'a str, text: &str) -> Line<'a> {
    Line::new(name, escape(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line<'_> {
        lines(text).next().unwrap_or_default()
    }

    #[test]
    fn a_line_is_written_as_it_was_read() {
        let text = "item1.X-ABLabel:_$!<HomePage>!$_\r\n\
            ADR;LABEL=\"1 Rue: x; y\";TYPE=home:;;1 Rue;Par\r\n is;;75001;\r\n\tFrance\r\n\
            no colon\r\nTEL;TY\r\n PE=home:1\r\nEND:VCARD";
        let mut out = String::new();
        lines(text).for_each(|line| line.write(&mut out));
        assert_eq!(out, format!("{text}\r\n"));
        let adr = lines(text).nth(1).unwrap();
        assert_eq!(adr.value(), ";;1 Rue;Paris;;75001;France");
        assert_eq!(adr.param("label"), Some("1 Rue: x; y"));
        let tel = lines(text).nth(3).unwrap();
        assert_eq!((tel.name(), tel.param("TYPE")), ("TEL", Some("home")));
    }

    #[test]
    fn an_edit_unfolds_and_folds_anew() {
        let text = format!("NOTE;X-A=b:{}\r\n {}\r\n", "x".repeat(20), "y".repeat(80));
        let mut note = line(&text);
        note.set_group("item1");
        let mut out = String::new();
        note.write(&mut out);
        assert!(out.starts_with("item1.NOTE;X-A=b:xxxx") && out.contains("xyyy"));
        assert!(out.split("\r\n").all(|line| line.len() <= 75));
        assert_eq!(line(&out).value(), note.value());
    }

    #[test]
    fn types_are_lists() {
        let tel = line("TEL;TYPE=home,PREF;TYPE=\"voice,cell\";X:1");
        assert_eq!(
            tel.param_values("TYPE").collect::<Vec<_>>(),
            ["home", "PREF", "voice", "cell", "X"]
        );
        assert_eq!(tel.rank(), 1);
        assert_eq!(line("TEL;PREF=2:1").rank(), 2);
        assert_eq!(line("TEL:1").rank(), 101);
        let mut tel = tel;
        tel.drop_types(|word| word != "voice");
        assert_eq!(tel.unfolded(), "TEL;TYPE=voice:1");
    }
}
