//! What cells say by their form alone.

use crate::fold;
use crate::value::is_forbidden;
use std::borrow::Cow;

/// The text of a cell: one kind of line ends, no characters that no card can have, no blanks at
/// its ends.
pub(super) fn clean(cell: &str) -> Cow<'_, str> {
    let cell = cell.trim();
    if !cell.contains(|c: char| is_forbidden(c) || c == '\r' || c == '\u{7f}') {
        return Cow::Borrowed(cell);
    }
    let text = cell.replace("\r\r\n", "\n").replace("\r\n", "\n").replace('\r', "\n");
    Cow::Owned(text.replace(|c| is_forbidden(c) || c == '\u{7f}', "").trim().to_owned())
}

/// Longest name that is compared with each one beside it, in octets.
const NAME_MAX: usize = 200;

/// True for names of the same words, in any order and case.
pub(super) fn same_words(one: &str, other: &str) -> bool {
    if one.len().max(other.len()) > NAME_MAX {
        return false;
    }
    let [one, other] = [one, other].map(|name| sorted(&name.to_lowercase()));
    !one.is_empty() && one == other
}

/// The words of a name without case and accents, for comparing.
pub(super) fn words(name: &str) -> Vec<String> {
    sorted(&fold(name))
}

fn sorted(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut words: Vec<String> = words.map(str::to_owned).collect();
    words.sort_unstable();
    words
}

/// Longest form of address, in octets.
const FORM_MAX: usize = 40;
/// Forms of address and what stands before a name, folded.
const FORMS: &str = "mr mrs ms miss mx dr prof professor rev reverend sir dame lady lord fr sister herr frau m mme mlle \
    monsieur madame sr sra srta don dona sig dott dottssa ing pan pani пан пані г н жа hr fru dhr mevr and und et y e";

/// True for a cell that says nothing but how a person is addressed.
pub(super) fn is_form_of_address(cell: &str) -> bool {
    cell.len() <= FORM_MAX && is_of(cell, FORMS)
}

/// Forms that are a job, or the letter of anything, as often.
const JOBS: &str = "professor sister reverend pan m e y et г н und and";

/// True for a form of address that may be a job.
pub(super) fn may_be_job(form: &str) -> bool {
    is_of(form, JOBS)
}

/// True for a cell that has words, all of them among these.
fn is_of(cell: &str, list: &str) -> bool {
    let folded = fold(cell);
    let mut words = folded.split(|c: char| !c.is_alphabetic()).filter(|it| !it.is_empty());
    let known = |word: &str| list.split(' ').any(|it| it == word);
    words.next().is_some_and(known) && words.all(known)
}

/// What programs write for a value that is not there.
const NULLS: [&str; 4] = ["\\N", "[NULL]", "(null)", "<null>"];

/// True for a cell in which a database says that there is nothing. In a column of names `NULL` may be one.
pub(super) fn says_nothing(text: &str, names: bool) -> bool {
    NULLS.contains(&text) || !names && ["NULL", "null"].contains(&text)
}

/// What a cell of this column has a person filed as. Zimbra writes the number of a form, or 8 and the name itself.
pub(super) fn file_as<'a>(header: &str, text: &'a str) -> Option<&'a str> {
    match text.as_bytes() {
        _ if header != "fileAs" => Some(text),
        [b'1'..=b'8'] => None,
        _ => Some(text.strip_prefix("8:").unwrap_or(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_address_and_jobs() {
        assert!(FORMS.split(' ').all(|form| fold(form) == form));
        for form in ["Mr", "mrs.", "Prof. Dr.", "Mr & Mrs", "Doña", "г-жа", "M.", "Herr Dr."] {
            assert!(is_form_of_address(form), "{form}");
        }
        for job in ["", "-", "Master", "Mr. Fix-it", "Sister in charge", "Doctor", "CEO", "12"] {
            assert!(!is_form_of_address(job), "{job}");
        }
    }
}
