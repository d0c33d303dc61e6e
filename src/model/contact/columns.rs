//! The columns of a contact's row that are made from its card. The only place where they are made:
//! REST, CardDAV, pages, import and `contactd reindex` all come through here.

use super::birthday::key;
use super::packed::{MEMBERS, pack};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use serde::Serialize;
use vcard::{Card, Details, digits, fold};

/// Raised whenever [`Columns::of`] makes something else of a card; rows of an older one are made anew.
pub const VERSION: i16 = 6;

/// Between the parts of what is searched. No folded text has control characters, so nothing that is
/// looked for reaches over two parts.
const PART: char = '\u{1f}';
/// Between the values of a part, and around labels.
pub const ITEM: char = '\u{1e}';
/// Between folded text, digits and labels in `long_text`.
pub const GROUP: char = '\u{1d}';

/// Longest uid that a REST client gives, and that the column has as it is, in characters.
pub const UID_MAX: usize = 255;
/// Longest text that lists are sorted by, in characters: its beginning.
const SORT_MAX: usize = 100;
/// An entry of an index has room for 2,704 bytes. The two names take 800 of them, numbers and the
/// entry itself 100.
const SHORT_MAX: usize = 1_600;

/// What is stored of a contact beside its card. See `sql/001_schema.sql`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the column of its name")]
pub struct Columns {
    pub uid: String,
    pub is_group: bool,
    pub members: String,
    pub sort_name: String,
    pub sort_more: String,
    pub folded: Option<String>,
    pub digits: Option<String>,
    pub label_keys: Option<String>,
    pub long_text: Option<String>,
    /// No column: the last line of `members`.
    pub labels: Vec<String>,
    pub birthday_key: Option<i16>,
    pub birthday_year: Option<i16>,
    pub photo_type: Option<&'static str>,
}

impl Columns {
    /// What a card makes.
    pub fn of(card: &Card) -> Columns {
        let details = card.details();
        let (sort_name, sort_more) = sort_keys(&details);
        let numbers: Vec<_> = details.phones.iter().map(|it| digits(&it.value)).collect();
        let numbers = numbers.join(&ITEM.to_string());
        let (folded, labels) = (search_text(&details), label_keys(&details.labels));
        let long = folded.len() + numbers.len() + labels.len() > SHORT_MAX;
        let long_text = format!("{folded}{GROUP}{numbers}{GROUP}{labels}");
        Columns {
            uid: uid_of(card),
            is_group: card.group().is_some(),
            members: members(&details),
            sort_name,
            sort_more,
            folded: (!long).then_some(folded),
            digits: (!long && !numbers.is_empty()).then_some(numbers),
            label_keys: (!long && !labels.is_empty()).then_some(labels),
            long_text: long.then_some(long_text),
            birthday_key: details.birthday.map(|date| key(date.month, date.day)),
            birthday_year: details.birthday.and_then(|date| i16::try_from(date.year?).ok()),
            labels: details.labels,
            photo_type: card.photo().map(|photo| photo.media_type),
        }
    }
}

/// The uid of a card as the column has it; empty without one.
pub fn uid_of(card: &Card) -> String {
    uid_key(card.uid().unwrap_or_default())
}

/// A uid as the column has it. Of one that is longer, which the index may have no room for, the beginning and a
/// digest of the whole: two of them are two people.
pub fn uid_key(uid: &str) -> String {
    if uid.chars().count() <= UID_MAX {
        return uid.to_owned();
    }
    let digest = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, uid.as_bytes()));
    let most = UID_MAX - 1 - digest.len();
    let end = (0..=most).rev().find(|at| uid.is_char_boundary(*at)).unwrap_or_default();
    format!("{}-{digest}", uid.get(..end).unwrap_or_default())
}

/// A label as `label_keys` has it: ignoring case, between separators.
pub fn label_key(label: &str) -> String {
    format!("{ITEM}{}{ITEM}", label.to_lowercase())
}

fn label_keys(labels: &[String]) -> String {
    match labels {
        [] => String::new(),
        labels => label_key(&labels.join(&ITEM.to_string())),
    }
}

/// By last name, or what comes closest to one; then by first name.
fn sort_keys(details: &Details) -> (String, String) {
    let cut = |text: &str| text.chars().take(SORT_MAX).collect::<String>();
    let names = [&details.last_name, &details.first_name, &details.organization];
    let name = names.into_iter().flatten().next().unwrap_or(&details.display_name);
    (cut(name), cut(details.first_name.as_deref().unwrap_or_default()))
}

/// What filters look in, folded: first name, last name, addresses, organisation, and in a last part
/// whatever else `search` finds, but for what it finds in the digits and the labels: each text stands in
/// the row and in the index.
fn search_text(details: &Details) -> String {
    let one = |text: &Option<String>| fold(text.as_deref().unwrap_or_default());
    let emails: Vec<_> = details.emails.iter().map(|it| fold(&it.value)).collect();
    let mut text = [
        one(&details.first_name),
        one(&details.last_name),
        emails.join(&ITEM.to_string()),
        one(&details.organization),
    ]
    .join(&PART.to_string());
    text.push(PART);
    let one_word = in_one_word(details);
    for more in others(details).chain(one_word.as_deref()) {
        let more = fold(more);
        // A full name that only repeats the names would double what the index holds of most people. What
        // is too long for the index is not looked through for each word: that takes the square of its length.
        let is_short = text.len() <= SHORT_MAX && more.len() <= SHORT_MAX;
        if !(is_short && more.split(' ').all(|word| text.contains(word))) {
            text.push_str(&more);
            text.push(ITEM);
        }
    }
    text
}

/// Last and first name as they are written in Chinese, Japanese and Korean, where no space stands between them.
fn in_one_word(details: &Details) -> Option<String> {
    let (last, first) = (details.last_name.as_ref()?, details.first_name.as_ref()?);
    let has_no_spaces = |c| {
        matches!(c, '\u{1100}'..='\u{11ff}' | '\u{3005}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
    };
    let is_one = last.chars().chain(first.chars()).all(has_no_spaces);
    is_one.then(|| format!("{last}{first}"))
}

fn others(details: &Details) -> impl Iterator<Item = &str> {
    let single = [
        &details.prefix,
        &details.middle_name,
        &details.suffix,
        &details.nickname,
        &details.department,
        &details.job_title,
        &details.additional_data,
    ];
    let postal = details.addresses.iter().flat_map(|it| {
        [&it.street, &it.extended, &it.po_box, &it.postal_code, &it.city, &it.region, &it.country]
    });
    single
        .into_iter()
        .chain(postal)
        .flatten()
        .map(String::as_str)
        .chain([details.display_name.as_str()])
        .chain(details.phones.iter().map(|it| it.value.as_str()).filter(|it| !is_digits(it)))
        .chain(details.urls.iter().map(|it| it.value.as_str()))
        .chain(details.online.iter().map(|it| it.value.as_str()))
        .chain(details.labels.iter().map(String::as_str).filter(|it| fold(it) != it.to_lowercase()))
}

/// A number that is found by its digits alone.
fn is_digits(phone: &str) -> bool {
    phone.chars().all(|c| c.is_ascii_digit() || " +-()./".contains(c))
}

/// The members of the JSON that come from the card, each on a line, in the order of [`MEMBERS`]; an
/// empty line for what is null or an empty list. Packed, so that a small contact takes little room.
pub fn members(details: &Details) -> String {
    let flat = |list: &[vcard::Entry]| list.iter().find(|it| it.primary).map(|it| it.value.clone());
    let lines = [
        json(&details.display_name),
        json(&details.prefix),
        json(&details.first_name),
        json(&details.middle_name),
        json(&details.last_name),
        json(&details.suffix),
        json(&details.nickname),
        json(&details.organization),
        json(&details.department),
        json(&details.job_title),
        json(&flat(&details.emails)),
        json(&details.emails),
        json(&flat(&details.phones)),
        json(&details.phones),
        json(&details.addresses),
        json(&details.urls),
        json(&details.birthday),
        json(&details.dates),
        json(&details.relations),
        json(&details.online),
        json(&details.additional_data),
        json(&details.labels),
    ];
    debug_assert_eq!(lines.len(), MEMBERS.len());
    pack(&lines)
}

/// JSON without line breaks; nothing for null and the empty list.
fn json(value: &impl Serialize) -> String {
    // Our own types always serialize: they have no maps with keys other than strings.
    let text = serde_json::to_string(value).unwrap_or_default();
    if ["null", "[]"].contains(&text.as_str()) { String::new() } else { text }
}
