//! The entries of a row: what stands in several columns, put together.

use super::columns::{Slot, custom_line};
use super::joined;
use super::row::{Builder, Thing};
use super::text::{SEVERAL, entry_label, escaped, unescaped, values};
use super::words::Kind;
use super::write::ENTRIES_MAX;
use crate::value::one_line;
use crate::{
    Address, DateEntry, DateText, Entry, Labelled, Online, clean_email, clean_phone, fold,
};
use std::borrow::Cow;
use std::collections::HashSet;

impl Builder<'_> {
    /// Adds the entries that the columns of a slot make.
    pub fn thing(&mut self, slot: usize, thing: Thing) {
        let Some(slot) = self.layout.slots.get(slot) else { return };
        match self.own && slot.number.0 as usize == ENTRIES_MAX {
            true => apart(&thing).into_iter().for_each(|one| self.entries(slot, one)),
            false => self.entries(slot, thing),
        }
    }

    fn entries(&mut self, slot: &Slot, thing: Thing) {
        let (said, primary) = entry_label(&thing.label);
        // Outlook writes the kind of an e-mail address where Google writes a label.
        let technical = thing.is_type && matches!(said, "SMTP" | "EX");
        let mut label = if technical { None } else { label(said) };
        let mut service = one_line(&thing.service);
        match slot.kind {
            Kind::Online => service = service.or_else(|| slot.label.map(str::to_owned)),
            _ => label = label.or_else(|| slot.label.map(str::to_owned)),
        }
        if slot.kind == Kind::Address {
            for (nth, one) in addresses(thing, self.own).into_iter().enumerate() {
                self.address(one, label.clone(), primary && nth == 0);
            }
            return;
        }
        let values = match thing.as_is {
            true => vec![unescaped(&thing.value).into_owned()],
            false => values(&thing.value, slot.kind),
        };
        let services: Vec<&str> = thing.service.split(" ::: ").collect();
        for (nth, text) in values.iter().enumerate() {
            if values.len() > 1 && services.len() == values.len() && !self.own {
                service = services.get(nth).and_then(|service| one_line(service));
            }
            let label = label.clone();
            let primary = primary && nth == 0;
            match slot.kind {
                Kind::Email => self.email(text, label, primary),
                Kind::Phone => self.phone(text, label, primary),
                Kind::Date => self.date(thing.column, text, label),
                Kind::Custom => {
                    let (name, says) = custom_line(thing.label.trim(), thing.column + 1);
                    let value =
                        if says { format!("{}: {text}", thing.label) } else { text.clone() };
                    self.kept.push((Cow::Owned(name), value));
                }
                Kind::Address => {}
                Kind::Url | Kind::Relation | Kind::Online => {
                    let Some(value) = one_line(text) else { continue };
                    match slot.kind {
                        Kind::Url => self.details.urls.push(Labelled { value, label }),
                        Kind::Relation => self.details.relations.push(Labelled { value, label }),
                        _ => self.details.online.push(Online {
                            service: service.clone(),
                            value,
                            label,
                        }),
                    }
                }
            }
        }
    }

    pub fn email(&mut self, text: &str, label: Option<String>, primary: bool) {
        let value = clean_email(text);
        // `Ann Ash <ann@x.example>` also says a name.
        if let Some((name, _)) = text.split_once('<').filter(|_| value != text.trim())
            && let Some(name) = one_line(name.trim().trim_matches('"'))
        {
            match &self.addressee {
                None => self.addressee = Some(name),
                Some(first) if *first == name => {}
                Some(_) => self.kept.push((Cow::Borrowed("X-CSV-ADDRESSEE"), name)),
            }
        }
        if value.is_empty() {
            return;
        }
        self.details.emails.push(Entry { value, label, primary });
    }

    pub fn phone(&mut self, text: &str, label: Option<String>, primary: bool) {
        let value = clean_phone(text);
        if value.is_empty() {
            return;
        }
        self.details.phones.push(Entry { value, label, primary });
    }

    fn date(&mut self, at: usize, text: &str, label: Option<String>) {
        let Some(column) = self.layout.columns.get(at) else { return };
        match column.dates.read(text, column.english) {
            DateText::Date(value) => self.details.dates.push(DateEntry { value, label }),
            DateText::Nothing => {}
            _ => {
                let text = label.map_or(text.to_owned(), |label| format!("{label}: {text}"));
                self.unreadable(at, "dates", &text);
            }
        }
    }

    fn address(&mut self, thing: Thing, label: Option<String>, primary: bool) {
        let mut address = Address { label, primary, ..thing.address };
        if let Some((at, whole)) = thing.formatted {
            let said = fold(&parts(&address).join(" "));
            let said: HashSet<&str> = said.split(|c: char| !c.is_alphanumeric()).collect();
            if said.len() < 2 && said.iter().all(|word| word.is_empty()) {
                address.street = Some(whole);
            } else if fold(&whole)
                .split(|c: char| !c.is_alphanumeric())
                .any(|word| !word.is_empty() && !said.contains(word))
            {
                // Google puts it together from the others; another program may write more into it.
                self.keep(at, &whole);
            }
        }
        if !parts(&address).is_empty() {
            self.details.addresses.push(address);
        }
    }
}

/// The entries of the last columns of our own tables, of which each cell has as many.
fn apart(thing: &Thing) -> Vec<Thing> {
    let of = |text: &str| if text.is_empty() { Vec::new() } else { joined::apart(text) };
    let [labels, services, values] = [&thing.label, &thing.service, &thing.value].map(|it| of(it));
    let parts = thing.address.parts().map(|part| of(part.unwrap_or_default()));
    let counts = parts.iter().map(Vec::len).chain([values.len()]);
    let nth = |list: &Vec<String>, nth: usize| list.get(nth).cloned().unwrap_or_default();
    let entry = |at: usize| {
        let [po_box, extended, street, city, region, postal_code, country] =
            parts.each_ref().map(|part| Some(nth(part, at)).filter(|text| !text.is_empty()));
        Thing {
            label: nth(&labels, at),
            service: nth(&services, at),
            // As a cell has it: `entries` takes the escapes off.
            value: escaped(&nth(&values, at)).into_owned(),
            as_is: true,
            address: Address {
                po_box,
                extended,
                street,
                city,
                region,
                postal_code,
                country,
                ..Address::default()
            },
            column: thing.column,
            ..Thing::default()
        }
    };
    (0..counts.max().unwrap_or(0)).map(entry).collect()
}

/// The addresses of one label, which Google joins as it joins all values: each part has one of each.
fn addresses(thing: Thing, own: bool) -> Vec<Thing> {
    let whole = thing.formatted.as_ref().map(|(_, text)| text.as_str());
    let count = |text: &str| text.split(SEVERAL).count();
    let parts = thing.address.parts().into_iter().flatten();
    let counts: Vec<usize> = parts.chain(whole).map(count).collect();
    let several = counts.first().copied().filter(|first| counts.iter().all(|it| it == first));
    let Some(several @ 2..=ENTRIES_MAX) = several.filter(|_| !own) else { return vec![thing] };
    let nth = |nth: usize| {
        let of = |text: &str| text.split(SEVERAL).nth(nth).unwrap_or_default().trim().to_owned();
        let address = thing.address.map(|part| part.as_deref().map(of).filter(|it| !it.is_empty()));
        let formatted = thing.formatted.as_ref().map(|(at, text)| (*at, of(text)));
        let formatted = formatted.filter(|(_, text)| !text.is_empty());
        Thing { address, formatted, ..Thing::default() }
    };
    (0..several).map(nth).collect()
}

/// The parts of an address that say something.
fn parts(address: &Address) -> Vec<&str> {
    let Address { po_box, extended, street, city, region, postal_code, country, .. } = address;
    let all = [po_box, extended, street, postal_code, city, region, country];
    all.into_iter().flatten().map(String::as_str).collect()
}

/// A label as the JSON has it: those that are TYPEs of a card in one spelling.
fn label(text: &str) -> Option<String> {
    one_line(text).and_then(|text| crate::label::normal(&text))
}
