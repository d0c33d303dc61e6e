//! Text of old Macs, which a spreadsheet there still writes, and which no browser's detector tells from that
//! of Windows: `MŸller` is Müller.

/// What the bytes beyond ASCII speak for that stand within words.
#[derive(Default)]
pub struct Letters {
    mac: usize,
    other: usize,
}

impl Letters {
    /// Looks at some text.
    pub fn add(&mut self, bytes: &[u8]) {
        for window in bytes.windows(3) {
            let [before, byte, after] = window else { continue };
            if !before.is_ascii_alphabetic() {
                continue;
            }
            let within = after.is_ascii_lowercase();
            let ends =
                before.is_ascii_lowercase() && after.is_ascii() && !after.is_ascii_alphabetic();
            match byte {
                // Capitals of a Mac, where DOS has small letters; letters of Windows.
                0x80..=0x86 | 0xC0..=0xFF if within => self.other += 1,
                // Apostrophe, š, œ and ž of Windows.
                0x92 | 0x9A | 0x9C | 0x9E => {}
                0x87..=0x9F if within => self.mac += 1,
                // ä, é and ü; no word of small letters ends with Š, Ž or Ÿ.
                0x8A | 0x8E | 0x9F if ends => self.mac += 1,
                _ => {}
            }
        }
    }

    /// True where more of them are letters of a Mac than of anything else.
    pub fn are_of_a_mac(&self) -> bool {
        self.mac > self.other
    }
}
