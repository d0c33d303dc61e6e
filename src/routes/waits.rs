//! What handlers wait for.

/// What a handler waits for, and so the line in which its requests wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// Nothing: it is answered at once.
    Never,
    /// Postgres.
    Postgres,
    /// Postgres, for what searches a whole book: one at a time of an account whose searches are slow.
    Search,
    /// A core: it hashes a password or makes an avatar. The picture of a contact does not wait here, since its
    /// request waits for its book, too; `picture.rs` bounds how many are decoded at once.
    Core,
    /// Something short beside the others: probes, and pages that are put together.
    Briefly,
}

impl Waits {
    /// The line in which its requests wait, a place in the list of `serve::lines`.
    pub const fn line(self) -> usize {
        match self {
            Waits::Never | Waits::Postgres | Waits::Search => 0,
            Waits::Core => 1,
            Waits::Briefly => 2,
        }
    }
}
