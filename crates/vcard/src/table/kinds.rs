//! What the header of a column can mean.

/// A member of which a person has one, and the parts of a birthday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Prefix,
    First,
    Middle,
    Last,
    Suffix,
    Nickname,
    /// The whole name.
    Full,
    FileAs,
    Organization,
    Department,
    JobTitle,
    /// A job title where the row has no other.
    Occupation,
    /// A form of address, or a job title: see `columns`.
    Title,
    Birthday,
    BirthYear,
    BirthMonth,
    BirthDay,
    Notes,
    /// Labels as Google separates them.
    Labels,
    /// Labels as Outlook separates them.
    Categories,
    Uid,
}

/// A list of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Email,
    Phone,
    Address,
    Url,
    Date,
    Relation,
    Online,
    /// Google's `Custom Field`.
    Custom,
}

/// What a column says of an entry of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Label,
    Value,
    Service,
    PoBox,
    Extended,
    Street,
    City,
    Region,
    PostalCode,
    Country,
    /// A whole address in one text.
    Formatted,
}

/// What a word of a header means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Member(Member),
    Kind(Kind),
    /// An entry of a list with this label; of `Online`, with this service.
    Entry(Kind, &'static str),
    Part(Part),
    /// `home`, `work` or `other`.
    Place(&'static str),
    /// The second one of a list.
    Second,
    /// A content line of a card by this name; JSON has no member for it.
    Line(&'static str),
    /// Says nothing.
    Filler,
}
