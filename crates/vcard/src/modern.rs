//! What 4.0 (RFC 6350) says otherwise than 3.0, and what programs made of 3.0, in the form that
//! readers of 3.0 alone understand (`files.md`, 6). What has no counterpart stays as it is.

use crate::clean::{clean_phone, strip_scheme};
use crate::content::{Version, is_token};
use crate::date::date_of;
use crate::label::{self, last_item};
use crate::line::Line;
use crate::shown::names_by_uri;
use crate::value::{escape, one_line, unescape};

/// A card's lines, as they become those of 3.0.
pub struct Modern {
    version: Version,
    lines: Vec<Line<'static>>,
    /// The number of the last `itemN` that is taken.
    items: u64,
}

impl Modern {
    /// The lines of a card of that version as those of 3.0.
    pub fn translate(version: Version, lines: Vec<Line<'static>>) -> Vec<Line<'static>> {
        let items = last_item(&lines);
        let mut modern = Modern { version, lines: Vec::with_capacity(lines.len()), items };
        lines.into_iter().for_each(|line| modern.add(line));
        modern.finish()
    }

    /// Adds a line, translated.
    fn add(&mut self, mut line: Line<'static>) {
        let mut printed = None;
        if self.version == Version::Four {
            if line.is("ADR") {
                printed = line.param("LABEL").map(address_label);
                line.drop_param("LABEL");
            }
            // 3.0 has no way to write a line break or a double quote in a parameter.
            line.map_params(|value| value.contains('^').then(|| carets(value, ' ', '\'')));
            line.split_types();
        }
        match line.name().to_ascii_uppercase().as_str() {
            "TEL" => self.lines.push(phone(line)),
            "X-MS-TEL" => self.lines.push(phone(renamed(line, "TEL"))),
            "X-MS-ANNIVERSARY" => self.anniversary(line),
            "X-MS-SPOUSE" => self.outlook(line, "spouse"),
            "X-MS-CHILD" => self.outlook(line, "child"),
            "X-MS-MANAGER" => self.outlook(line, "manager"),
            "X-MS-ASSISTANT" => self.outlook(line, "assistant"),
            "PHOTO" | "LOGO" | "SOUND" | "KEY" => self.lines.push(self.binary(line)),
            "BDAY" => self.lines.push(self.birthday(line)),
            "ADR" => self.address(line, printed),
            "ANNIVERSARY" if self.version == Version::Four => self.anniversary(line),
            "SOCIALPROFILE" if self.version == Version::Four => self.lines.push(profile(line)),
            "IMPP" => self.lines.push(renamed_param(line, "SERVICE-TYPE", "X-SERVICE-TYPE")),
            "RELATED" if self.version == Version::Four => self.related(line),
            "KIND" => self.lines.push(renamed(line, "X-ADDRESSBOOKSERVER-KIND")),
            "MEMBER" => self.lines.push(renamed(line, "X-ADDRESSBOOKSERVER-MEMBER")),
            "CATEGORIES" if self.version == Version::Old => {
                let value = line.value().replace("\\;", "\\,").replace(';', ",");
                line.set_value(value);
                self.lines.push(line);
            }
            "GEO" => self.lines.push(place(line)),
            "TZ" => self.lines.push(zone(line)),
            "X-ANDROID-CUSTOM" => self.android(line),
            _ => self.lines.push(line),
        }
    }

    /// The lines, with one preferred of each name, and labels that are no TYPE in groups.
    fn finish(mut self) -> Vec<Line<'static>> {
        if self.version == Version::Four {
            for name in ["EMAIL", "TEL", "ADR", "URL", "IMPP", "FN", "N"] {
                let ranks = self.lines.iter().enumerate().filter(|(_, line)| line.is(name));
                let best = ranks.map(|(at, line)| (line.rank(), at)).min();
                if let Some((1..=100, at)) = best
                    && let Some(line) = self.lines.get_mut(at)
                    && line.param("PREF").is_some()
                {
                    line.drop_param("PREF");
                    line.add_param("TYPE", "pref");
                }
            }
        }
        let lines = std::mem::take(&mut self.lines);
        for line in lines {
            self.label(line);
        }
        self.lines
    }

    fn fresh_group(&mut self) -> String {
        self.items += 1;
        format!("item{}", self.items)
    }

    /// A TYPE in words of its own is a label for readers of 3.0 only in a group. Of words that 2.1 can
    /// have Android writes `X-` before them.
    fn label(&mut self, mut line: Line<'static>) {
        let old = self.version == Version::Old;
        let is_own =
            |word: &str| !word.is_empty() && (!is_token(word) || old && bare_label(word).is_some());
        let own = line.param_values("TYPE").find(|word| is_own(word));
        let own = own
            .and_then(|word| one_line(&unescape(bare_label(word).filter(|_| old).unwrap_or(word))));
        match own
            .filter(|_| line.is_any(&["TEL", "EMAIL", "ADR", "URL"]) && line.group().is_empty())
        {
            Some(label) => {
                line.drop_types(is_own);
                self.labelled(line, &label);
            }
            None => self.lines.push(line),
        }
    }

    /// Adds a line with the label in its group.
    fn labelled(&mut self, mut line: Line<'static>, label: &str) {
        let group = match line.group() {
            "" => self.fresh_group(),
            group => group.to_owned(),
        };
        line.set_group(&group);
        self.lines.extend([line, label::line(&group, label)]);
    }

    /// `data:` URIs are base64 in 3.0; other URIs are marked.
    fn binary(&self, mut line: Line<'static>) -> Line<'static> {
        let value = line.text();
        if let Some(rest) = strip_scheme(value.trim(), "data:") {
            let (head, body) = rest.split_once(',').unwrap_or((rest, ""));
            let kind = head.split(';').next().unwrap_or_default();
            let kind = kind.rsplit('/').next().unwrap_or_default().to_ascii_uppercase();
            let plain = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
            let base64 = body.chars().filter(|c| !c.is_whitespace());
            // Base64 for URLs (RFC 4648, section 5).
            let base64: String = base64
                .map(|c| match c {
                    '-' => '+',
                    '_' => '/',
                    c => c,
                })
                .collect();
            let base64 =
                match base64.chars().all(plain) && head.to_ascii_lowercase().ends_with(";base64") {
                    true => crate::picture::padded(&base64),
                    false => crate::picture::data(value.trim())
                        .map(|(_, bytes)| crate::picture::encode(&bytes)),
                };
            if let Some(base64) = base64 {
                line.set_value(base64);
                for name in ["VALUE", "MEDIATYPE", "ENCODING", "TYPE"] {
                    line.drop_param(name);
                }
                line.add_param("ENCODING", "b");
                if is_token(&kind) {
                    line.add_param("TYPE", &kind);
                }
            }
        } else if line.param("VALUE").is_none()
            && line.param("ENCODING").is_none()
            && value.contains("://")
        {
            line.add_param("VALUE", "uri");
        }
        line
    }

    /// A date without a year as Apple writes it, midnight as a date.
    fn birthday(&self, mut line: Line<'static>) -> Line<'static> {
        let text = line.text();
        let Some(date) = date_of(&line) else { return line };
        let has_time = text.trim().contains(['T', 't']);
        let midnight = text.split_once(['T', 't']).is_some_and(|(_, time)| {
            !time.contains(|c: char| matches!(c, '1'..='9')) && !time.contains('+')
        });
        let is_apples = date.year.is_some() || text.trim().starts_with("1604");
        if !is_apples || self.version == Version::Four && (midnight || !has_time) {
            line.set_value(date.value());
            line.drop_param("VALUE");
        }
        if date.year.is_none() && line.param("X-APPLE-OMIT-YEAR").is_none() {
            line.add_param("X-APPLE-OMIT-YEAR", "1604");
        }
        line
    }

    /// The address as it is printed is a line of its own in 3.0.
    fn address(&mut self, mut line: Line<'static>, printed: Option<String>) {
        if is_one_part(&line) {
            line.set_value(format!(";;{};;;;", line.value()));
        }
        let Some(printed) = printed else { return self.lines.push(line) };
        if line.group().is_empty() {
            let group = self.fresh_group();
            line.set_group(&group);
        }
        let mut label = Line::new("LABEL", escape(&printed));
        label.set_group(line.group());
        line.param_values("TYPE").for_each(|word| label.add_param("TYPE", word));
        self.lines.extend([line, label]);
    }

    fn anniversary(&mut self, line: Line<'static>) {
        match date_of(&line) {
            Some(date) => self.labelled(date.line("X-ABDATE"), "anniversary"),
            None => self.lines.push(line),
        }
    }

    /// A relation as Outlook writes it, `X-MS-SPOUSE;N:Eva`.
    fn outlook(&mut self, mut line: Line<'static>, label: &str) {
        line.drop_param("TYPE");
        line.set_name("X-ABRELATEDNAMES");
        self.labelled(line, label);
    }

    fn related(&mut self, mut line: Line<'static>) {
        if names_by_uri(&line) {
            return self.lines.push(line);
        }
        line.drop_param("VALUE");
        let kind = line.param_values("TYPE").find(|word| !word.is_empty());
        let kind = kind.map(str::to_ascii_lowercase);
        line.drop_param("TYPE");
        line.set_name("X-ABRELATEDNAMES");
        match kind {
            Some(kind) => self.labelled(line, &kind),
            None => self.lines.push(line),
        }
    }

    /// What Android has no name of 2.1 for: `vnd.android.cursor.item/nickname;Jo;1;;…`.
    fn android(&mut self, line: Line<'static>) {
        let parts = line.parts(';');
        let mut parts = parts.iter().map(String::as_str);
        let kind = parts.next().unwrap_or_default().trim();
        let value = parts.next().unwrap_or_default().to_owned();
        let code = parts.next().unwrap_or_default().trim().to_owned();
        let own = parts.next().unwrap_or_default().trim().to_owned();
        match kind.rsplit('/').next().unwrap_or_default() {
            _ if value.trim().is_empty() => self.lines.push(line),
            "nickname" => self.lines.push(Line::new("NICKNAME", escape(&value))),
            "contact_event" => {
                let date = Line::new("X-ABDATE", escape(&value));
                let label = match code.as_str() {
                    "1" => "anniversary",
                    "3" => {
                        let born = self.birthday(Line::new("BDAY", escape(&value)));
                        return self.lines.push(born);
                    }
                    _ if own.is_empty() => "other",
                    _ => &own,
                };
                match date_of(&date) {
                    Some(date) => self.labelled(date.line("X-ABDATE"), label),
                    None => self.lines.push(line),
                }
            }
            "relation" => {
                const KINDS: [&str; 14] = [
                    "assistant",
                    "brother",
                    "child",
                    "domestic partner",
                    "father",
                    "friend",
                    "manager",
                    "mother",
                    "parent",
                    "partner",
                    "referred by",
                    "relative",
                    "sister",
                    "spouse",
                ];
                let known =
                    code.parse::<usize>().ok().and_then(|code| KINDS.get(code.checked_sub(1)?));
                let label = known.map_or(own.as_str(), |word| word);
                let line = Line::new("X-ABRELATEDNAMES", escape(&value));
                if label.is_empty() { self.lines.push(line) } else { self.labelled(line, label) }
            }
            _ => self.lines.push(line),
        }
    }
}

/// True for an address that is written as a whole, as scanners of visiting cards do: in its first part, which is
/// the post office box.
pub fn is_one_part(line: &Line<'_>) -> bool {
    line.is("ADR") && !line.value().contains(';') && !line.value().trim().is_empty()
}

/// RFC 9554's `SOCIALPROFILE` as Apple's.
fn profile(line: Line<'static>) -> Line<'static> {
    let line = renamed_param(renamed(line, "X-SOCIALPROFILE"), "SERVICE-TYPE", "TYPE");
    renamed_param(line, "USERNAME", "X-USER")
}

fn renamed_param(mut line: Line<'static>, from: &str, to: &'static str) -> Line<'static> {
    if let Some(value) = line.param(from).map(str::to_owned) {
        line.drop_param(from);
        line.add_param(to, &value);
    }
    line
}

/// `tel:` URIs (RFC 3966) as numbers.
fn phone(mut line: Line<'static>) -> Line<'static> {
    let text = line.text();
    if strip_scheme(text.trim(), "tel:").is_some() {
        line.set_value(escape(&clean_phone(&text)));
        line.drop_param("VALUE");
    } else if line.param("VALUE").is_some_and(|value| value.eq_ignore_ascii_case("text")) {
        line.drop_param("VALUE");
    }
    line
}

/// A zone is an offset in 3.0, unless it says that it is text.
fn zone(mut line: Line<'static>) -> Line<'static> {
    if line.param("VALUE").is_none() && line.value().contains(char::is_alphabetic) {
        line.add_param("VALUE", "text");
    }
    line
}

/// `geo:1.5,2.5` as `1.5;2.5`.
fn place(mut line: Line<'static>) -> Line<'static> {
    let text = line.text();
    if let Some(place) = strip_scheme(text.trim(), "geo:") {
        let numbers: Vec<&str> = place.split(';').next().unwrap_or_default().split(',').collect();
        if let [latitude, longitude, ..] = numbers.as_slice() {
            line.set_value(format!("{latitude};{longitude}"));
            line.drop_param("VALUE");
        }
    }
    line
}

/// The label in a TYPE like `X-Boat`.
fn bare_label(word: &str) -> Option<&str> {
    let (mark, label) = word.split_at_checked(2)?;
    let own = mark.eq_ignore_ascii_case("X-") && !label.eq_ignore_ascii_case("INTERNET");
    Some(label).filter(|label| own && !label.is_empty())
}

fn renamed(mut line: Line<'static>, name: &'static str) -> Line<'static> {
    line.set_name(name);
    line
}

/// An address as it is printed, of a parameter: RFC 6868 writes its line breaks as `^n`, the example of
/// RFC 6350 and many programs as `\n`.
fn address_label(value: &str) -> String {
    carets(value, '\n', '"').replace("\\n", "\n").replace("\\N", "\n")
}

/// A parameter's value without RFC 6868's carets.
fn carets(value: &str, line_break: char, quote: char) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('^', Some('n')) => out.push(line_break),
            ('^', Some('\'')) => out.push(quote),
            ('^', Some('^')) => out.push('^'),
            _ => {
                out.push(c);
                continue;
            }
        }
        chars.next();
    }
    out
}
