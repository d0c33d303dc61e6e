//! A card: its content lines, in their order, each as it was written.

use crate::edit::Editor;
use crate::line::{Line, lines, text_line};
use crate::{Details, Picture, picture, shown};

/// Lines that hold pictures and the like, which have a limit of their own.
pub const LARGE: [&str; 4] = ["PHOTO", "LOGO", "SOUND", "KEY"];

/// One vCard 3.0. Lines that are not edited keep their octets.
///
/// It is held as its text, and each call reads the lines anew: so it takes no more memory than the
/// text, whatever the lines are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    text: String,
    uid: Option<String>,
}

impl Card {
    /// A card with UID only. [`Card::set`] gives it names.
    pub fn new(uid: &str) -> Card {
        let mut card = Card::stored("BEGIN:VCARD\r\nVERSION:3.0\r\nEND:VCARD\r\n");
        card.set_uid(uid);
        card
    }

    /// Reads a card of 3.0 as it is stored. It was checked when it was written, so this never fails:
    /// what is no content line stays as it is.
    pub fn stored(text: &str) -> Card {
        Card::from_text(text.to_owned())
    }

    pub(crate) fn from_text(text: String) -> Card {
        let uid = lines(&text).find(|line| line.is("UID")).map(|line| line.text());
        let uid = uid.filter(|uid| !uid.trim().is_empty());
        Card { text, uid }
    }

    /// The text of vCard 3.0, CRLF, folded at 75 octets where the line is ours.
    pub fn text(&self) -> String {
        self.text.clone()
    }

    /// [`Card::text`] without a copy.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// UID, octet for octet; none where the card has none.
    pub fn uid(&self) -> Option<&str> {
        self.uid.as_deref()
    }

    /// Sets UID.
    pub fn set_uid(&mut self, uid: &str) {
        if self.uid() == Some(uid) {
            return;
        }
        self.edit(|editor| {
            editor.remove("UID");
            editor.insert_head(text_line("UID", uid).into_owned());
        });
    }

    /// The lines, one by one, with values and parameters to read.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        lines(&self.text)
    }

    /// What the JSON shows.
    pub fn details(&self) -> Details {
        shown::details(&self.lines().collect::<Vec<_>>())
    }

    /// Edits the lines so that [`Card::details`] is `wanted`, in its [normal](Details::normal) form.
    /// A member that is the same already keeps its lines; an entry whose value was there keeps its
    /// line's parameters and group. FN follows the names as `files.md` 5 says, where
    /// `wanted.display_name` is what it was or empty.
    pub fn set(&mut self, wanted: &Details) {
        self.edit(|editor| editor.set(&wanted.normal()));
    }

    /// Keeps texts that no member takes, each as a line of the name before it, which is a content line's
    /// (`X-CSV-Shoe-Size`). All at once: each edit reads the whole card.
    pub fn keep<'k>(&mut self, kept: impl IntoIterator<Item = (&'k str, &'k str)>) {
        let mut kept = kept.into_iter().peekable();
        if kept.peek().is_some() {
            self.edit(|editor| {
                kept.for_each(|(name, text)| editor.append(text_line(name, text).into_owned()));
            });
        }
    }

    /// The bytes of PHOTO, if they are a PNG, JPEG, WebP or GIF.
    pub fn photo(&self) -> Option<Picture> {
        self.lines().filter(|line| line.is("PHOTO")).find_map(|line| picture::read(&line))
    }

    /// Replaces every PHOTO by this one; `None` takes them away.
    pub fn set_photo(&mut self, picture: Option<&Picture>) {
        self.edit(|editor| {
            editor.remove("PHOTO");
            if let Some(picture) = picture {
                editor.insert(picture::write(picture));
            }
        });
    }

    /// Octets of the card, and of them without PHOTO, LOGO, SOUND and KEY.
    pub fn sizes(&self) -> (usize, usize) {
        let large: usize =
            self.lines().filter(|line| line.is_any(&LARGE)).map(|line| line.octets()).sum();
        (self.text.len(), self.text.len().saturating_sub(large))
    }

    /// Takes out the largest of its pictures and keys until the card has at most `most` octets. The names
    /// of what went.
    pub fn leave_out(&mut self, most: usize) -> Vec<String> {
        let (mut octets, mut gone) = (self.text.len(), Vec::new());
        if octets <= most {
            return gone;
        }
        self.edit(|editor| {
            let lines = editor.lines.iter().enumerate().filter(|(_, line)| line.is_any(&LARGE));
            let mut large: Vec<_> = lines.map(|(at, line)| (line.octets(), at)).collect();
            large.sort_unstable();
            while octets > most
                && let Some((of_line, at)) = large.pop()
            {
                octets -= of_line;
                gone.extend(editor.lines.get(at).map(|line| line.name().to_ascii_uppercase()));
                editor.gone.insert(at);
            }
        });
        gone
    }

    /// Carries out edits of the lines.
    pub(crate) fn edit(&mut self, edit: impl for<'a> FnOnce(&mut Editor<'a>)) {
        let mut after = String::with_capacity(self.text.len() + 256);
        let mut editor = Editor::new(lines(&self.text).collect());
        edit(&mut editor);
        editor.flush();
        editor.lines.iter().for_each(|line| line.write(&mut after));
        *self = Card::from_text(after);
    }
}
