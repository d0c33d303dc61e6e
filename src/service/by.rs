//! Who changes something, as the history of a contact says it.

use crate::access::Owner;
use crate::context::Call;
use crate::repository::contacts::writes::Origin;
use chrono::{DateTime, Utc};

/// Who changes something: the protocol, and the app password's name or the User-Agent.
#[derive(Debug, Clone)]
pub struct By {
    /// `rest`, `carddav`, `web`, `import`, `merge`, `rewind`.
    pub protocol: &'static str,
    /// At most 200 characters.
    pub client: String,
}

impl By {
    /// Whoever sent this request.
    pub fn of(protocol: &'static str, call: &Call, owner: &Owner) -> By {
        let client = owner.client().map_or_else(|| call.client().user_agent, str::to_owned);
        By { protocol, client }
    }

    /// As a change of this instant keeps it.
    pub(super) fn at(&self, at: DateTime<Utc>) -> Origin<'_> {
        Origin { protocol: self.protocol, client: &self.client, at }
    }
}
