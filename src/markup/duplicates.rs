//! `/duplicates`: who is there twice, side by side.

use super::contact::{or_dash, partial};
use super::page::{Page, cut, face, fitting, next_page, share, shell};
use crate::model::alike::Reason;
use maud::{Markup, html};
use vcard::PartialDate;

/// One of a group.
pub struct Twin {
    pub id: i64,
    pub name: String,
    pub has_photo: bool,
    /// Single values by the names of their members.
    pub single: Vec<(&'static str, String)>,
    /// What merging unites: addresses, numbers, labels, in words.
    pub lists: Vec<(&'static str, String)>,
}

/// Contacts that may be one person.
pub struct Group {
    pub reasons: Vec<Reason>,
    pub likely: bool,
    /// They were selected in the list, not found.
    pub chosen: bool,
    pub twins: Vec<Twin>,
}

/// Bytes of the groups on a page, and of the values of one of them; longer ones are cut.
const ROOM: usize = 17_000;
const TEXTS: usize = 5_000;
/// Bytes of a name above its column.
const NAME: usize = 120;

/// The page: as many of these groups as it has room for, after `skip` of `total`. `likely` of all are so.
pub fn page(p: &Page, groups: &[Group], skip: usize, total: usize, likely: i64) -> Markup {
    let w = p.w;
    let shown = fitting(groups.iter().enumerate().map(|(at, group)| one(p, at, group)), ROOM);
    let after = skip + shown.len();
    let next = (after < total && !shown.is_empty()).then(|| format!("skip={after}"));
    let total = total as i64;
    let chosen = groups.iter().any(|group| group.chosen);
    let title = if chosen { w.merge_chosen } else { w.duplicates };
    let body = html! {
        h1 { (title) }
        @if groups.is_empty() {
            div class="empty" { h2 { (w.no_duplicates) } p class="soft" { (w.no_duplicates_text) } }
        } @else {
            p class="lead" { @if !chosen { (w.n(w.n_groups, total)) ". " } (w.duplicates_lead) }
            @if likely > 1 { div { (p.button("/duplicates/merge-likely", "", w.n(w.merge_likely, likely).as_str(), &[])) } }
        }
        @for group in shown { (group) }
        (next_page(p, "/duplicates", next.as_deref()))
    };
    shell(p, title, &html! {}, &body)
}

fn one(p: &Page, at: usize, group: &Group) -> Markup {
    let w = p.w;
    let reason = |reason: &Reason| match reason {
        Reason::Email => w.same_email,
        Reason::Phone => w.same_phone,
        Reason::Name => w.same_name,
    };
    let reasons: Vec<_> = group.reasons.iter().map(reason).collect();
    let names: Vec<_> =
        group.twins.iter().flat_map(|twin| twin.single.iter().map(|(name, _)| *name)).collect();
    let names: Vec<_> =
        super::edit::SINGLE.into_iter().filter(|name| names.contains(name)).collect();
    let lists: Vec<_> =
        super::edit::LISTS.iter().map(|(list, _)| *list).chain(["labels"]).collect();
    let texts = group.twins.iter().flat_map(|twin| twin.single.iter().chain(&twin.lists));
    let most = share(texts.map(|(_, value)| &**value), TEXTS);
    let table = html! {
        h2 id={ "group-" (at) } {
            @if let Some(first) = group.twins.first() { bdi { (cut(&first.name, NAME)) } }
            @if !group.chosen {
                " " span class={ "tag " (if group.likely { "good" } else { "" }) } { (if group.likely { w.likely } else { w.perhaps }) }
                " " small class="soft" { (reasons.join(", ")) }
            }
        }
        div class="scroll" {
            table class="twins" aria-labelledby={ "group-" (at) } {
                thead { tr { td {} @for twin in &group.twins { (head(p, at, twin, group.twins.len())) } } }
                tbody {
                    @if group.twins.iter().filter(|twin| twin.has_photo).count() > 1 { (photos(p, at, group)) }
                    @for name in names { (single(p, at, group, name, most)) }
                    @for list in lists { @if group.twins.iter().any(|twin| !value(&twin.lists, list).is_empty()) { (united(p, group, list, most)) } }
                }
            }
        }
        div class="acts" {
            button class="main" { @if group.twins.len() > 2 { (w.merge) } @else { (w.n(w.merge_n, group.twins.len() as i64)) } }
            button formaction="/duplicates/dismiss" { (w.different) }
            @if group.chosen {
                input type="hidden" name="chosen" value="1";
                a class="button" href="/contacts" { (w.cancel) }
            }
        }
    };
    p.post("/duplicates/merge", "panel", &table)
}

/// Of more than two, some may be left out.
fn head(p: &Page, at: usize, twin: &Twin, of: usize) -> Markup {
    let id = format!("one-{at}-{}", twin.id);
    let photo = twin.has_photo.then(|| format!("/contacts/{}/photo", twin.id));
    html! {
        th scope="col" {
            @if of == 2 { input type="hidden" name="ids" value=(twin.id); }
            (face(twin.id, &twin.name, photo.as_deref(), ""))
            a href={ "/contacts/" (twin.id) } { bdi { (cut(&twin.name, NAME)) } }
            @if of > 2 { label for=(id) { input id=(id) type="checkbox" name="ids" value=(twin.id) checked; " " (p.w.same_person) } }
        }
    }
}

/// The photo is that of the contact that is kept, if it has one.
fn photos(p: &Page, at: usize, group: &Group) -> Markup {
    let first = group.twins.iter().find(|twin| twin.has_photo).map(|twin| twin.id);
    html! {
        tr class="differ" {
            th scope="row" { (p.w.photo) }
            @for twin in &group.twins {
                td {
                    @if twin.has_photo {
                        label {
                            input type="radio" name="keep" value=(twin.id) id={ "keep-" (at) "-" (twin.id) } checked[first == Some(twin.id)];
                            " " img class="face" src={ "/contacts/" (twin.id) "/photo" } alt=(cut(&twin.name, NAME));
                        }
                    }
                }
            }
        }
    }
}

fn value<'a>(list: &'a [(&'static str, String)], name: &str) -> &'a str {
    list.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
}

/// A single value: where they differ, one of them is chosen.
fn single(p: &Page, at: usize, group: &Group, name: &'static str, most: usize) -> Markup {
    let values: Vec<_> = group.twins.iter().map(|twin| value(&twin.single, name)).collect();
    let mut different: Vec<_> = values.iter().filter(|value| !value.is_empty()).collect();
    different.sort_unstable();
    different.dedup();
    let choose = different.len() > 1;
    let shown = |value: &str| match PartialDate::parse(value).filter(|_| name == "birthday") {
        Some(date) => partial(p, date),
        None => cut(or_dash(value), most).into_owned(),
    };
    // "Ada" says more than "A."
    let longest = values.iter().map(|value| value.chars().count()).max();
    let first = values.iter().position(|value| Some(value.chars().count()) == longest);
    html! {
        tr class=[choose.then_some("differ")] {
            th scope="row" { (p.w.member(name)) }
            @for (number, (twin, value)) in group.twins.iter().zip(&values).enumerate() {
                td class=[(!choose).then_some("united")] {
                    @if choose && !value.is_empty() {
                        label {
                            input type="radio" name={ "set." (name) } value=(twin.id) id={ "set-" (at) "-" (name) "-" (twin.id) } checked[first == Some(number)];
                            " " bdi { (shown(value)) }
                        }
                    } @else { bdi { (shown(value)) } }
                }
            }
        }
    }
}

fn united(p: &Page, group: &Group, list: &'static str, most: usize) -> Markup {
    html! {
        tr {
            th scope="row" { (p.w.member(list)) }
            @for twin in &group.twins { td class="united" { bdi { (super::page::lines(&cut(value(&twin.lists, list), most))) } } }
        }
    }
}
