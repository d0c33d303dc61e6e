//! What was written about a contact when nobody is signed in any more: kept on a page, to go on with.

use super::edit::is_field;
use super::form::Form;
use super::page::{Page, bare, lines};
use maud::{Markup, html};

/// The page. The form goes where it went before, and comes back filled in once somebody is signed in.
pub fn page(p: &Page, action: &str, form: &Form) -> Markup {
    let w = p.w;
    let aside = |name: &str| name.ends_with(".primary") || name.ends_with(".no_year");
    let said = form
        .pairs()
        .iter()
        .filter(|(name, value)| is_field(name) && !aside(name) && !value.trim().is_empty());
    let fields = html! {
        @for (name, value) in form.pairs() { input type="hidden" name=(name) value=(value); }
        p class="acts" {
            a class="button" href="/login" target="_blank" { (w.sign_in) } " "
            button class="main" { (w.go_on) }
        }
    };
    let body = html! {
        p role="alert" { (w.late_kept) }
        (p.post_file(action, "", &fields))
        dl class="facts" { @for (name, value) in said { dt { (w.member(name)) } dd { (lines(value)) } } }
    };
    bare(p, w.sign_in, &body)
}
