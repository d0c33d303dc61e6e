//! HTML pages: plain, without JavaScript.

use crate::model::text::escape_html;

/// The style sheet of every page.
pub const STYLE: &str = "body { font-family: sans-serif; max-width: 40rem; margin: 2rem auto; }";

fn layout(title: &str, body: &str) -> String {
    let title = escape_html(title);
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <link rel=\"stylesheet\" href=\"/style.css\"><h1>{title}</h1>{body}</html>"
    )
}

/// A page that says one thing.
pub fn message(title: &str, text: &str) -> String {
    layout(title, &format!("<p>{}</p>", escape_html(text)))
}

/// The button behind the link of a mail.
pub fn confirm_page(token: &str) -> String {
    let token = escape_html(token);
    let form = format!(
        "<form method=\"post\" action=\"/api/auth/confirm-email\">\
         <input type=\"hidden\" name=\"token\" value=\"{token}\"><button>Confirm</button></form>"
    );
    layout("Confirm your e-mail address", &form)
}

/// The form for a new password.
pub fn reset_page(token: &str, fault: Option<&str>) -> String {
    layout(token, fault.unwrap_or_default())
}

/// The link does not work any more.
pub fn dead_confirm_link() -> String {
    message("This link does not work", "It was used already, or is too old. Ask for a new one.")
}

/// The link does not work any more.
pub fn dead_reset_link() -> String {
    dead_confirm_link()
}

/// What this server is.
pub fn landing() -> String {
    message("contactd", "A contacts server.")
}
