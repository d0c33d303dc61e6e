//! Text of MS-DOS, which Excel still writes (`CSV (MS-DOS)`). Browsers have no decoder for its code pages, and so
//! `encoding_rs` has none. Its letters are punctuation in those of Windows, and show it in the middle of a word.

/// The upper half of a code page of DOS.
pub struct Page {
    /// What people call it.
    pub name: &'static str,
    upper: &'static str,
}

const WEST: Page = Page {
    name: "IBM850",
    upper: "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
        └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}",
};

const CENTRAL: Page = Page {
    name: "IBM852",
    upper: "ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐\
        └┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{a0}",
};

/// The code page of a text in one, by its bytes beyond ASCII within words: those that are small letters of DOS, and of
/// Windows punctuation and of a Mac capitals, have to be more than those that are letters of Windows only.
pub fn page(bytes: &[u8]) -> Option<&'static Page> {
    let (mut dos, mut windows, mut central) = (0_usize, 0_usize, 0_usize);
    for window in bytes.windows(3) {
        let [before, byte, after] = window else { continue };
        let ends = after.is_ascii() && !after.is_ascii_alphabetic();
        let within = before.is_ascii_lowercase() && ends || after.is_ascii_lowercase();
        if !before.is_ascii_alphabetic() || !within {
            continue;
        }
        match byte {
            0x81 | 0x82 | 0x84 | 0xA1 | 0xA2 | 0xA4 => dos += 1,
            // ě, š, č, ř, ž, ą, ę and ś, which are no small letters of the other page.
            0x98 | 0x9F | 0xA5 | 0xA7 | 0xA9 | 0xD8 | 0xE7 | 0xFD => central += 1,
            0xE0 | 0xE2 | 0xE3 | 0xE5 | 0xE6 | 0xE8..=0xEB | 0xED | 0xEF..=0xFA | 0xFC => {
                windows += 1
            }
            _ => {}
        }
    }
    match dos > windows {
        true if central > 0 => Some(&CENTRAL),
        true => Some(&WEST),
        false => None,
    }
}

impl Page {
    /// The text that these bytes are.
    pub fn text(&self, bytes: &[u8]) -> String {
        let upper: Vec<char> = self.upper.chars().collect();
        let at = |byte: u8| usize::from(byte).checked_sub(0x80).and_then(|at| upper.get(at));
        bytes.iter().map(|byte| at(*byte).copied().unwrap_or(char::from(*byte))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_128_characters() {
        for page in [&WEST, &CENTRAL] {
            assert_eq!(page.upper.chars().count(), 128, "{}", page.name);
        }
        assert_eq!(WEST.text(b"M\x81ller \xE1 \xFF"), "Müller ß \u{a0}");
    }
}
