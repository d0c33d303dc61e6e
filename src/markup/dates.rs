//! Dates as people type them: the month a word or a number, the year known or not. A browser's own field for dates takes
//! none without a year.

use super::contact::partial;
use super::form::{Form, Input};
use super::page::Page;
use super::words::{LANGUAGES, of};
use maud::{Markup, html};
use vcard::{PartialDate, fold};

/// What says nothing in a date: `17th of May`, `17 травня 1990 р.`
const ASIDE: [&str; 3] = ["of", "р", "року"];

const UNREADABLE: &str =
    "must be a date such as 17 May 1990 or 17.05.1990, or without the year 17 May or 17.05.";
const TWO_DAYS: &str = "could be two days: write the month as a word, as in 5 June 1990";
const NO_DAY: &str = "there is no such day";

/// The date that a text says, as pages write it or as the API does; else what is wrong with the text. Numbers that can
/// be read as day and month and as month and day are not guessed.
fn typed(text: &str) -> Result<PartialDate, &'static str> {
    // In lower case, and its digits those of ASCII: keyboards have those of their language.
    let text = fold(text);
    if let Some(date) = PartialDate::parse(&text) {
        return Ok(date);
    }
    let parts = text.split(|c: char| !c.is_alphanumeric());
    let parts = parts.filter(|part| !part.is_empty() && !ASIDE.contains(part));
    let (mut months, mut numbers, mut year, mut year_first) = (Vec::new(), Vec::new(), None, false);
    for (at, part) in parts.enumerate() {
        if let Some(month) = month_named(part) {
            months.push(month);
        } else if let Some(number) = digits(part, 4).filter(|_| year.is_none()) {
            (year, year_first) = (i32::try_from(number).ok(), at == 0);
        } else {
            numbers.push(digits(part, 2).or(digits(part, 1)).ok_or(UNREADABLE)?);
        }
    }
    let (month, day) = match (&months[..], &numbers[..]) {
        (&[month], &[day]) => (month, day),
        (&[], &[month, day]) if year_first || day > 12 => (month, day),
        (&[], &[day, month]) if text.contains('.') || day > 12 || day == month => (month, day),
        (&[], &[_, _]) => return Err(TWO_DAYS),
        _ => return Err(UNREADABLE),
    };
    PartialDate::new(year, month, day).ok_or(NO_DAY)
}

/// A date as the API has it, without its year where the box "year unknown" is ticked; a text that is none stays as it
/// was typed, and is refused.
pub fn of_form(form: &Form, name: &str) -> Option<String> {
    let text = Some(form.get(name).trim()).filter(|text| !text.is_empty())?;
    let Ok(date) = typed(text) else { return Some(text.to_owned()) };
    let year = date.year.filter(|_| form.get(&format!("{name}.no_year")).is_empty());
    Some(PartialDate { year, ..date }.to_string())
}

/// Why a field for a date holds none that can be read.
pub fn why_wrong(form: &Form, name: &str) -> Option<&'static str> {
    let is_date = name == "birthday" || (name.starts_with("dates.") && name.ends_with(".value"));
    if is_date { typed(form.get(name)).err() } else { None }
}

/// A field for a date, in words as pages show it: so it is seen how it was read. The box beside it takes a year away; it
/// is not ticked for a date that has none, or a year that is typed later would go too.
pub fn field(p: &Page, form: &Form, name: &str, label: &str) -> Markup {
    let quiet = label.is_empty();
    let label = if quiet { p.w.date } else { label };
    let shown = PartialDate::parse(form.get(name)).map(|date| partial(p, date));
    let input = Input {
        name,
        label,
        hint: p.w.date_hint,
        quiet,
        value: shown.as_deref(),
        ..Input::default()
    };
    let no_year = format!("{name}.no_year");
    html! {
        div class="date" {
            (input.show(form))
            label { input type="checkbox" name=(no_year) value="1" checked[!form.get(&no_year).is_empty()]; " " (p.w.no_year) }
        }
    }
}

/// A month by its name in one of our languages, or by the beginning of it: three letters tell them apart.
fn month_named(word: &str) -> Option<u32> {
    let lists = LANGUAGES.iter().filter_map(|(tag, _)| of(tag));
    let mut lists = lists.flat_map(|words| [words.months, words.months_of]);
    let is_it = |name: &str| word.chars().count() >= 3 && fold(name).starts_with(word);
    let at = lists.find_map(|names| names.split('|').position(is_it))?;
    u32::try_from(at + 1).ok()
}

/// So many digits as a number: `17`, also of `17th`.
fn digits(part: &str, many: usize) -> Option<u32> {
    let ordinal = ["st", "nd", "rd", "th"].iter().find_map(|end| part.strip_suffix(end));
    let number = ordinal.unwrap_or(part);
    let plain = number.len() == many && number.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| number.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_as_people_write_it() {
        for (text, date) in [
            ("1990-05-17", "1990-05-17"),
            (" --05-17 ", "--05-17"),
            ("05-17", "--05-17"),
            ("17-05", "--05-17"),
            ("17.05.", "--05-17"),
            ("17.5", "--05-17"),
            ("5.6.", "--06-05"),
            ("5/5", "--05-05"),
            ("17.05.1990", "1990-05-17"),
            ("5. 6. 1990", "1990-06-05"),
            ("17.05.1990 р.", "1990-05-17"),
            ("05/17/1990", "1990-05-17"),
            ("17/05/1990", "1990-05-17"),
            ("1990/5/6", "1990-05-06"),
            ("1990 May 6", "1990-05-06"),
            ("17 May 1990", "1990-05-17"),
            ("May 17, 1990", "1990-05-17"),
            ("the 17th", ""),
            ("17th of May", "--05-17"),
            ("1 sept 1990", "1990-09-01"),
            ("17 травня 1990 року", "1990-05-17"),
            ("17 Травень", "--05-17"),
            ("29 лютого", "--02-29"),
            ("29.02.", "--02-29"),
            ("１７．０５．１９９０", "1990-05-17"),
            ("١٧/٠٥/١٩٩٠", "1990-05-17"),
            ("۱۹۹۰-۰۵-۱۷", "1990-05-17"),
            ("17 лютий", "--02-17"),
            ("0990-05-17", "0990-05-17"),
        ] {
            let read = typed(text).map_or(String::new(), |date| date.to_string());
            assert_eq!(read, date, "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_date_or_could_be_two_is_told_apart() {
        for (text, why) in [
            ("05/06/1990", TWO_DAYS),
            ("5-6", TWO_DAYS),
            ("5 6 1990", TWO_DAYS),
            ("31.02.1990", NO_DAY),
            ("29 February 1990", NO_DAY),
            ("1990-02-30", NO_DAY),
            ("17.13.1990", NO_DAY),
            ("32/01", NO_DAY),
            ("17.05.90", UNREADABLE),
            ("May 1990", UNREADABLE),
            ("1990", UNREADABLE),
            ("17", UNREADABLE),
            ("17 May June", UNREADABLE),
            ("1990 1991 May 5", UNREADABLE),
            ("in spring", UNREADABLE),
            ("17 ма 1990", UNREADABLE),
            ("..", UNREADABLE),
            ("\0", UNREADABLE),
        ] {
            assert_eq!(typed(text), Err(why), "{text:?}");
        }
    }
}
