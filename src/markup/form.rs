//! Forms: what was typed, what is wrong with it, and the fields that show both.

use super::page::some;
use maud::{Markup, html};

/// A form as it was sent, or as it stands before somebody writes in it. Names are the JSON members
/// of the contract; those inside lists have a number: `emails.0.value`.
#[derive(Default, Clone)]
pub struct Form {
    values: Vec<(String, String)>,
    faults: Vec<(String, String)>,
}

impl Form {
    /// A form of these fields.
    pub fn of(values: Vec<(String, String)>) -> Form {
        Form { values, faults: Vec::new() }
    }

    /// The value of a field; an empty text when it was not sent.
    pub fn get(&self, name: &str) -> &str {
        let found = self.values.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// True when a field was sent.
    pub fn has(&self, name: &str) -> bool {
        self.values.iter().any(|(known, _)| known == name)
    }

    /// Every value of a field that may be there more than once.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.values.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All fields, in order.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.values
    }

    /// Sets a field.
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.retain(|(known, _)| known != name);
        self.values.push((name.to_owned(), value.to_owned()));
    }

    /// Keeps the fields whose names pass.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.values.retain(|(name, _)| keep(name));
    }

    /// Notes what is wrong with a field.
    pub fn fault(&mut self, name: &str, detail: String) {
        self.faults.push((name.to_owned(), detail));
    }

    /// Entries of a list, those left out counted too: one more than the largest number.
    pub fn rows(&self, list: &str) -> usize {
        let numbers = self.values.iter().filter_map(|(name, _)| row_number(name, list));
        numbers.max().map_or(0, |most| most + 1)
    }

    /// What is wrong with a field.
    pub fn fault_of(&self, name: &str) -> Option<&str> {
        self.faults.iter().find(|(known, _)| known == name).map(|(_, detail)| detail.as_str())
    }

    /// Faults of none of these fields, to be shown above the form.
    fn other_faults<'a>(
        &'a self,
        shown: impl Fn(&str) -> bool + 'a,
    ) -> impl Iterator<Item = &'a str> {
        self.faults.iter().filter(move |(name, _)| !shown(name)).map(|(_, detail)| detail.as_str())
    }

    /// True when something is wrong.
    pub fn is_faulty(&self) -> bool {
        !self.faults.is_empty()
    }

    fn is_first_fault(&self, name: &str) -> bool {
        self.faults.first().is_some_and(|(known, _)| known == name)
    }
}

/// The number in `list.7.value`.
pub fn row_number(name: &str, list: &str) -> Option<usize> {
    let rest = name.strip_prefix(list)?.strip_prefix('.')?;
    // A client's list has at most 50 entries, one that came in a card may have more. A form has at most
    // 1,000 fields and a row two or more: whatever has more rows than these is refused, and none is left out.
    rest.split('.').next()?.parse().ok().filter(|number| *number < 500)
}

/// A field of one line with its label, its hint and its fault.
#[derive(Default, Clone, Copy)]
pub struct Input<'a> {
    pub name: &'a str,
    pub label: &'a str,
    /// `text` when empty.
    pub kind: &'a str,
    pub hint: &'a str,
    pub autocomplete: &'a str,
    pub required: bool,
    pub focus: bool,
    /// Tells ids apart where a page has two fields of this name.
    pub form: &'a str,
    /// The id of a list of suggestions.
    pub list: &'a str,
    /// The label stands in the field while that is empty, and is there for screen readers.
    pub quiet: bool,
    pub class: &'a str,
    pub inputmode: &'a str,
    /// Shown in place of what the form holds.
    pub value: Option<&'a str>,
}

impl<'a> Input<'a> {
    /// For the address of an account. No `type=email`: a browser would send another spelling of `a@münchen.example`, and
    /// nothing for `müller@example.com`.
    pub fn email(label: &'a str) -> Input<'a> {
        let (inputmode, autocomplete) = ("email", "email");
        Input { name: "email", label, inputmode, autocomplete, required: true, ..Input::default() }
    }

    /// For a password: the one that an account has, or a new one, with its rules as a hint.
    pub fn password(name: &'a str, label: &'a str, rules: &'a str) -> Input<'a> {
        let autocomplete = if rules.is_empty() { "current-password" } else { "new-password" };
        let password = Input { name, label, kind: "password", hint: rules, ..Input::default() };
        Input { autocomplete, required: true, ..password }
    }

    /// For a code of the second factor.
    pub fn code(label: &'a str, hint: &'a str) -> Input<'a> {
        let autocomplete = "one-time-code";
        Input { name: "code", label, hint, autocomplete, required: true, ..Input::default() }
    }

    /// The field as HTML.
    pub fn show(self, form: &Form) -> Markup {
        let value =
            if self.kind == "password" { "" } else { self.value.unwrap_or(form.get(self.name)) };
        let quiet = Some(self.label).filter(|_| self.quiet);
        let focus = form.is_first_fault(self.name) || (self.focus && !form.is_faulty());
        // A phone's keyboard begins other fields with a capital.
        let lower = Some("none").filter(|_| self.autocomplete == "email");
        self.around(form, |id, invalid, described| {
            html! {
                input id=[(!self.quiet).then_some(id)] name=(self.name) type=[some(self.kind)] value=[some(value)]
                    placeholder=[quiet] aria-label=[quiet] autocomplete=[some(self.autocomplete)] list=[some(self.list)]
                    inputmode=[some(self.inputmode)] autocapitalize=[lower] required[self.required] autofocus[focus]
                    aria-invalid=[invalid] aria-describedby=[described];
            }
        })
    }

    /// The field as one of several lines.
    pub fn area(self, form: &Form, rows: usize) -> Markup {
        let focus = form.is_first_fault(self.name);
        self.around(form, |id, invalid, described| {
            html! {
                textarea id=(id) name=(self.name) rows=(rows) autofocus[focus] aria-invalid=[invalid] aria-describedby=[described] { (form.get(self.name)) }
            }
        })
    }

    /// The field as a choice: (value, label) each.
    pub fn choice(self, form: &Form, options: &[(&str, &str)]) -> Markup {
        self.around(form, |id, invalid, described| {
            html! {
                select id=(id) name=(self.name) aria-invalid=[invalid] aria-describedby=[described] {
                    @for (value, label) in options {
                        option value=(value) selected[form.get(self.name) == *value] { (label) }
                    }
                }
            }
        })
    }

    /// The field as a file to choose; a picture is cut to a square before it is sent.
    pub fn file(self, form: &Form, accept: &str) -> Markup {
        let focus = form.is_first_fault(self.name);
        self.around(form, |id, invalid, described| {
            html! {
                input id=(id) name=(self.name) type="file" accept=(accept) required[self.required] autofocus[focus]
                    data-crop[accept.starts_with("image/")] aria-invalid=[invalid] aria-describedby=[described];
            }
        })
    }

    /// A control with its label, its hint and its fault.
    fn around(
        self,
        form: &Form,
        control: impl Fn(&str, Option<&str>, Option<String>) -> Markup,
    ) -> Markup {
        let apart = if self.form.is_empty() { "" } else { "-" };
        let id = format!("{}{apart}{}", self.form, self.name);
        let fault = form.fault_of(self.name);
        html! {
            div class=(format!("field {}", self.class).trim_end()) {
                @if !self.quiet { label for=(id) { (self.label) } }
                (control(&id, fault.map(|_| "true"), described(&id, self.hint, fault)))
                @if let Some(fault) = fault { p class="fault" id={ (id) "-fault" } { (fault) } }
                @if !self.hint.is_empty() { p class="hint" id={ (id) "-hint" } { (self.hint) } }
            }
        }
    }
}

/// Pictures that an account or a contact may have.
pub const PICTURES: &str = "image/png,image/jpeg,image/webp,image/gif";

/// What `aria-describedby` names.
fn described(id: &str, hint: &str, fault: Option<&str>) -> Option<String> {
    let hint = Some(format!("{id}-hint")).filter(|_| !hint.is_empty());
    let fault = fault.map(|_| format!("{id}-fault"));
    let both: Vec<_> = fault.into_iter().chain(hint).collect();
    Some(both.join(" ")).filter(|both| !both.is_empty())
}

/// Faults that belong to no field that is shown.
pub fn alert(form: &Form, shown: impl Fn(&str) -> bool) -> Markup {
    let faults: Vec<_> = form.other_faults(shown).collect();
    html! { @for fault in faults { p class="alert" role="alert" { (fault) } } }
}
