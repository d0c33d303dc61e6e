//! Two cards of one person: what each says, and both as one.

use crate::edit::Editor;
use crate::fold::{digits, fold};
use crate::label::Labels;
use crate::line::Line;
use crate::lists::{is_companion, is_entry};
use crate::{Address, Card, Details, online, picture, shown};
use std::collections::{HashMap, HashSet};

const PHOTO: &str = "PHOTO";
/// Lines about the card, not the person.
const ABOUT: [&str; 7] = ["BEGIN", "END", "VERSION", "PRODID", "REV", "UID", "X-ABLabel"];
/// Lines of which the JSON has one value.
const SINGLE: [&str; 7] = ["N", "FN", "NICKNAME", "ORG", "TITLE", "NOTE", "CATEGORIES"];

/// Lines that no member shows, of which a card has one, and the name that a second one is kept under.
const AT_MOST_ONE: [(&str, &str); 2] = [("BDAY", "X-BDAY"), ("SORT-STRING", "X-SORT-STRING")];

/// Lines that a card has once, of which a second one would only contradict the first.
const ONCE: [&str; 10] = [
    "CLASS",
    "GENDER",
    "GEO",
    "KIND",
    "MAILER",
    "TZ",
    "X-PHONETIC-FIRST-NAME",
    "X-PHONETIC-MIDDLE-NAME",
    "X-PHONETIC-LAST-NAME",
    "X-PHONETIC-ORG",
];

/// Apple's mark that a card is a company's: it says how the card is shown, and stays with it.
const SHOW_AS: &str = "X-ABShowAs";

impl Card {
    /// One text for each thing that the card says beside its name. Two cards that say the same have
    /// the same ones, whatever groups, spelling of numbers and order of parameters they have; an
    /// entry with a label also has the statement without it.
    pub fn statements(&self) -> Vec<String> {
        let lines: Vec<Line<'_>> = self.lines().collect();
        let labels = Labels::of(&lines);
        let details = self.details();
        let mut all = Vec::new();
        for line in &lines {
            for fact in facts(line) {
                if let Some(label) = labels.get(line).filter(|_| is_entry(line)) {
                    all.push(format!("{fact}\n{}", label.to_lowercase()));
                }
                all.push(fact);
            }
        }
        let single = [
            ("NICKNAME", &details.nickname),
            ("ORG", &details.organization),
            ("ORG;", &details.department),
            ("TITLE", &details.job_title),
            ("NOTE", &details.additional_data),
        ];
        all.extend(
            single.iter().filter_map(|(name, text)| Some(format!("{name}:{}", text.as_deref()?))),
        );
        all.extend(
            details.labels.iter().map(|label| format!("CATEGORIES:{}", label.to_lowercase())),
        );
        all.extend(details.birthday.map(|date| format!("BDAY:{date}")));
        all
    }

    /// True if nothing of `other` is new here: the same name, and every value and kept line
    /// (`files.md`, 2).
    pub fn says_all_of(&self, other: &Card) -> bool {
        let (mine, theirs) = (self.details(), other.details());
        let part = |mine: &Option<String>, theirs: &Option<String>| {
            theirs
                .as_deref()
                .is_none_or(|theirs| mine.as_deref().is_some_and(|mine| fold(mine) == fold(theirs)))
        };
        fold(&mine.display_name) == fold(&theirs.display_name)
            && part(&mine.prefix, &theirs.prefix)
            && part(&mine.first_name, &theirs.first_name)
            && part(&mine.middle_name, &theirs.middle_name)
            && part(&mine.last_name, &theirs.last_name)
            && part(&mine.suffix, &theirs.suffix)
            && {
                let mine: HashSet<String> = self.statements().into_iter().collect();
                other.statements().iter().all(|said| mine.contains(said))
            }
    }

    /// Takes over what the others say: lists are united without doubles, empty single values are
    /// filled, lines that no member shows are kept, and the photo is that of the first who has one.
    /// Of what a card says once (its zone, its place, …) this card's stands.
    pub fn merge(&mut self, others: &[Card]) {
        for other in others {
            self.merge_one(other);
        }
    }

    fn merge_one(&mut self, other: &Card) {
        let mut wanted = self.details();
        let unread = wanted.birthday.is_none();
        fill(&mut wanted, &other.details());
        let birthday = unread && wanted.birthday.is_some();
        let known: HashSet<String> = self.lines().flat_map(|line| facts(&line)).collect();
        // An address of a picture gives way to a picture.
        let photo = self.photo().is_none() && other.photo().is_some();
        let lines: Vec<Line<'static>> = other.lines().map(Line::into_owned).collect();
        self.edit(|editor| {
            if photo {
                editor.remove(PHOTO);
            }
            for line in editor.lines.iter_mut().filter(|line| birthday && line.is("BDAY")) {
                // It cannot be read, and makes way for one that can.
                line.set_name("X-BDAY");
            }
            add_lines(editor, lines, known, photo);
        });
        // The lists are united in the lines; the other members of `wanted` are set.
        let united = self.details();
        let (mut emails, mut phones) = (united.emails, united.phones);
        let mut addresses = united.addresses;
        keep_primary(&wanted.emails, &mut emails, |entry| &mut entry.primary);
        keep_primary(&wanted.phones, &mut phones, |entry| &mut entry.primary);
        keep_primary(&wanted.addresses, &mut addresses, |address| &mut address.primary);
        self.set(&Details {
            emails,
            phones,
            addresses,
            urls: united.urls,
            dates: united.dates,
            relations: united.relations,
            online: united.online,
            ..wanted
        });
    }
}

/// Marks the entry that was the primary one before others were added behind it.
fn keep_primary<T: Clone>(before: &[T], now: &mut [T], mark: fn(&mut T) -> &mut bool) {
    let primary = before.iter().position(|entry| *mark(&mut entry.clone()));
    if let Some(primary) = primary {
        now.iter_mut().enumerate().for_each(|(at, entry)| *mark(entry) = at == primary);
    }
}

/// Fills the empty single values, and unites the labels.
fn fill(mine: &mut Details, theirs: &Details) {
    let pairs = [
        (&mut mine.prefix, &theirs.prefix),
        (&mut mine.first_name, &theirs.first_name),
        (&mut mine.middle_name, &theirs.middle_name),
        (&mut mine.last_name, &theirs.last_name),
        (&mut mine.suffix, &theirs.suffix),
        (&mut mine.nickname, &theirs.nickname),
        (&mut mine.organization, &theirs.organization),
        (&mut mine.department, &theirs.department),
        (&mut mine.job_title, &theirs.job_title),
        (&mut mine.additional_data, &theirs.additional_data),
    ];
    for (mine, theirs) in pairs {
        if mine.is_none() {
            mine.clone_from(theirs);
        }
    }
    mine.birthday = mine.birthday.or(theirs.birthday);
    mine.labels.extend(theirs.labels.iter().cloned());
}

/// Appends those lines that say something new, with their group lines in groups of their own.
fn add_lines<'a>(
    editor: &mut Editor<'a>,
    lines: Vec<Line<'static>>,
    mut known: HashSet<String>,
    photo: bool,
) {
    let mut groups: HashMap<String, String> = HashMap::new();
    let mut companions = Vec::new();
    let there: HashSet<String> =
        editor.lines.iter().map(|line| line.name().to_ascii_uppercase()).collect();
    let mut added = HashSet::new();
    // One PHOTO, and a picture where that is what is missing.
    let mut no_photo = photo || !known.contains(PHOTO);
    known.remove(PHOTO);
    for mut line in lines {
        if line.is(PHOTO) {
            if !no_photo || (photo && picture::read(&line).is_none()) {
                continue;
            }
            no_photo = false;
        }
        if is_companion(&line) && !line.group().is_empty() {
            companions.push(line);
            continue;
        }
        let name = line.name().to_ascii_uppercase();
        let has = there.contains(&name) || added.contains(&name);
        if line.is(SHOW_AS) || (line.is_any(&ONCE) && has) {
            continue;
        }
        // What a member shows that has one value is set by the caller.
        let readable = line.is("BDAY") && crate::date::date_of(&line).is_some();
        let new = facts(&line);
        if readable || new.is_empty() || !new.into_iter().all(|fact| known.insert(fact)) {
            continue;
        }
        // One entry is preferred: that of the card that is kept.
        if there.contains(&name) {
            line.drop_param("PREF");
            line.drop_types(|word| word.eq_ignore_ascii_case("pref"));
        }
        if let Some((_, other)) =
            AT_MOST_ONE.iter().find(|(name, _)| line.is(name) && there.contains(*name))
        {
            line.set_name(other);
        }
        regroup(editor, &mut groups, &mut line, true);
        editor.append(line);
        added.insert(name);
    }
    for mut line in companions {
        if groups.contains_key(&line.group().to_ascii_lowercase()) {
            regroup(editor, &mut groups, &mut line, false);
            editor.append(line);
        }
    }
}

/// Gives the line a group that is free here, the same for all lines of its group.
fn regroup(
    editor: &mut Editor<'_>,
    groups: &mut HashMap<String, String>,
    line: &mut Line<'_>,
    fresh: bool,
) {
    let old = line.group().to_ascii_lowercase();
    if old.is_empty() || !(fresh || groups.contains_key(&old)) {
        return;
    }
    let new = groups.entry(old).or_insert_with(|| editor.fresh_group());
    line.set_group(new);
}

/// What a line says, without its label: a text that is the same for the same fact. Nothing for lines
/// about the card and those whose one value the JSON shows.
fn facts(line: &Line<'_>) -> Vec<String> {
    if line.is_any(&ABOUT) || line.is_any(&SINGLE) || line.name().is_empty() {
        return Vec::new();
    }
    let alone = std::slice::from_ref(line);
    let labels = Labels::of(&[]);
    let entry = |name: &str, value: String| vec![format!("{name}:{value}")];
    if let Some((_, email)) = shown::emails(alone, &labels).first() {
        return entry("EMAIL", email.value.to_lowercase());
    }
    if let Some((_, phone)) = shown::phones(alone, &labels).first() {
        return entry("TEL", number(&phone.value));
    }
    if let Some((_, address)) = shown::addresses(alone, &labels).first() {
        return entry("ADR", place(address));
    }
    if let Some((_, url)) = shown::urls(alone, &labels).first() {
        return entry("URL", url.value.clone());
    }
    if let Some((_, date)) = shown::dates(alone, &labels).first() {
        return entry("X-ABDATE", date.value.to_string());
    }
    if let Some((_, relation)) = shown::relations(alone, &labels).first() {
        return entry("X-ABRELATEDNAMES", fold(&relation.value));
    }
    if let Some(account) = online::read(line, &labels) {
        return entry("IMPP", format!("{} {}", account.service.unwrap_or_default(), account.value));
    }
    if line.is(PHOTO) {
        return vec![PHOTO.to_owned()];
    }
    if line.is("BDAY") && crate::date::date_of(line).is_some() {
        return Vec::new();
    }
    let value = line.value();
    if value.trim_matches([' ', ';', ',']).is_empty() {
        return Vec::new();
    }
    let mut params: Vec<String> = line
        .params()
        .map(|(name, value)| format!(";{}={value}", name.to_ascii_uppercase()))
        .collect();
    params.sort_unstable();
    let second = AT_MOST_ONE.iter().find(|(_, other)| line.is(other));
    let name = second.map_or(line.name(), |(name, _)| name).to_ascii_uppercase();
    vec![format!("{name}{}:{value}", params.concat())]
}

/// A number by its digits, where it has some; letters and signs count beside them.
fn number(value: &str) -> String {
    let signs: String = value.chars().filter(|c| !" -().".contains(*c)).collect();
    if digits(value).len() < 3 { value.to_owned() } else { signs.to_lowercase() }
}

fn place(address: &Address) -> String {
    address.parts().map(|part| fold(part.unwrap_or_default())).join("\u{1f}")
}
