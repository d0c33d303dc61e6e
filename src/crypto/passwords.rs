//! Password hashes: argon2.

use super::random::random;
use crate::error::{Error, Result};
use crate::semaphore::{Permit, Semaphore};
use argon2::{ThreadMode, Variant, Version};
use std::time::Duration;

/// argon2id parameters: OWASP's second choice of 2023, 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How a hash with these parameters begins; another beginning asks for a new hash at login.
const PHC_PREFIX: &str = "$argon2id$v=19$m=19456,t=2,p=1$";
/// How long a hashing may wait for a core. How many wait is no concern of this file: requests wait in a
/// bounded line of the server (`serve::lines`), and come here when a core is free.
const HASH_WAIT: Duration = Duration::from_secs(2);

/// Hashes and verifies passwords, as many at once as there are cores.
pub struct Passwords {
    semaphore: Semaphore,
    /// Verified when the account does not exist, so that this takes the same time.
    dummy: String,
}

impl Passwords {
    /// Ready to hash; computes one hash.
    pub fn new() -> Result<Passwords> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let semaphore = Semaphore::new(cores, usize::MAX, HASH_WAIT);
        Ok(Passwords { semaphore, dummy: hash("no account has this password")? })
    }

    /// Waits for a core. [`Error::Unavailable`] when that takes too long.
    pub fn enter(&self) -> Result<Hasher<'_>> {
        Ok(Hasher { dummy: &self.dummy, _permit: self.semaphore.enter()? })
    }
}

/// The right to hash, for as long as it lives.
pub struct Hasher<'a> {
    dummy: &'a str,
    _permit: Permit<'a>,
}

impl Hasher<'_> {
    /// A new PHC string for `password`.
    pub fn hash(&self, password: &str) -> Result<String> {
        hash(password)
    }

    /// True if `password` is the one of `stored`. The same work is done where nothing is stored.
    pub fn verify(&self, password: &str, stored: Option<&str>) -> Result<bool> {
        let hash = stored.unwrap_or(self.dummy);
        let matches = argon2::verify_encoded(hash, password.as_bytes()).map_err(Error::internal)?;
        Ok(matches && stored.is_some())
    }
}

fn hash(password: &str) -> Result<String> {
    let config = argon2::Config {
        ad: &[],
        secret: &[],
        hash_length: 32,
        lanes: LANES,
        mem_cost: MEMORY_KIB,
        time_cost: PASSES,
        thread_mode: ThreadMode::Sequential,
        variant: Variant::Argon2id,
        version: Version::Version13,
    };
    argon2::hash_encoded(password.as_bytes(), &random::<16>()?, &config).map_err(Error::internal)
}

/// True if a stored hash was made with other parameters than today's.
pub fn is_outdated(stored: &str) -> bool {
    !stored.starts_with(PHC_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_account_has_no_password() {
        let passwords = Passwords::new().unwrap();
        let hasher = passwords.enter().unwrap();
        let stored = hasher.hash("right").unwrap();
        assert!(hasher.verify("right", Some(&stored)).unwrap());
        assert!(!hasher.verify("wrong", Some(&stored)).unwrap());
        assert!(!hasher.verify("no account has this password", None).unwrap());
        assert_ne!(stored, hasher.hash("right").unwrap(), "a salt");
        assert!(!is_outdated(&stored) && is_outdated(&stored.replace("t=", "t=9")));
    }
}
