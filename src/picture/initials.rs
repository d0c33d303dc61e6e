//! The picture of an account that has none: its initials on a colour. No third party is asked,
//! and nothing is stored, because the key says all there is to draw.

/// The key of an account's default picture, for example `i-as-217`: the initials of `username`
/// and a hue from `id` (so the colour stays when the name changes). It is URL-safe, and the
/// picture never changes under it. Keys of uploaded pictures must not begin with `i-`.
pub fn default_key(username: &str, id: i64) -> String {
    // The first letters of the first two words: "ann.smith" is AS, "ann" is A.
    let words = username.split(|c: char| !c.is_ascii_alphanumeric());
    let initials: String = words.filter_map(|word| word.chars().next()).take(2).collect();
    let initials = match initials.is_empty() {
        true => "u".to_owned(),
        false => initials.to_ascii_lowercase(),
    };
    // 137 degrees is about the golden angle and has no divisor in common with 360, so neighbours
    // differ much, and 360 accounts in a row have 360 hues.
    let hue = id.rem_euclid(360) * 137 % 360;
    format!("i-{initials}-{hue}")
}

/// Draws the picture of a key that [`default_key`] could have made, as SVG; none for any other
/// key.
pub fn draw_default(key: &str) -> Option<String> {
    let (initials, hue) = key.strip_prefix("i-")?.split_once('-')?;
    let letters = initials.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let digits = hue.bytes().all(|b| b.is_ascii_digit()) && (hue == "0" || !hue.starts_with('0'));
    let hue: u16 = hue.parse().ok().filter(|hue| *hue < 360)?;
    if !letters || !digits || !(1..=2).contains(&initials.len()) {
        return None;
    }
    let [red, green, blue] = colour(hue);
    let initials = initials.to_ascii_uppercase();
    // Two W of a wide font still fit, also when the picture is shown as a circle.
    let size = if initials.len() == 1 { 120 } else { 92 };
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 256 256\" width=\"256\" \
         height=\"256\" role=\"img\" aria-label=\"{initials}\">\
         <rect width=\"256\" height=\"256\" fill=\"#{red:02x}{green:02x}{blue:02x}\"/>\
         <text x=\"128\" y=\"128\" dy=\".36em\" text-anchor=\"middle\" fill=\"#fff\" \
         font-family=\"system-ui,sans-serif\" font-size=\"{size}\" font-weight=\"500\">\
         {initials}</text></svg>\n"
    ))
}

/// The lightest colour of a hue (in degrees) on which white letters are easy to read.
fn colour(hue: u16) -> [u8; 3] {
    let mut lightness = 0.65;
    loop {
        let rgb = rgb(f64::from(hue), 0.55, lightness);
        // Black gives 21, so this ends.
        if contrast_to_white(rgb) >= 4.5 {
            return rgb;
        }
        lightness -= 0.01;
    }
}

/// HSL to RGB, as in CSS Color 4, 7.1.
fn rgb(hue: f64, saturation: f64, lightness: f64) -> [u8; 3] {
    let range = saturation * lightness.min(1.0 - lightness);
    [0.0, 8.0, 4.0].map(|n| {
        let k = (n + hue / 30.0) % 12.0;
        let value = lightness - range * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0);
        (value * 255.0).round() as u8
    })
}

/// Contrast of a colour to white, 1 to 21, as in WCAG 2.2; 4.5 is level AA.
fn contrast_to_white(rgb: [u8; 3]) -> f64 {
    let linear = rgb.map(|value| match f64::from(value) / 255.0 {
        dark if dark <= 0.040_45 => dark / 12.92,
        light => ((light + 0.055) / 1.055).powf(2.4),
    });
    let luminance: f64 = linear.iter().zip([0.2126, 0.7152, 0.0722]).map(|(l, w)| l * w).sum();
    1.05 / (luminance + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn initials_come_from_the_name_and_the_colour_from_the_id() {
        assert_eq!(default_key("ann.smith", 1), "i-as-137");
        assert_eq!(default_key("Ann", 2), "i-a-274");
        assert_eq!(default_key("_x-9", 0), "i-x9-0");
        assert_eq!(default_key("a.b.c", 360), "i-ab-0");
        assert_eq!(default_key("---", i64::MAX), default_key("...", i64::MAX));
        let hues: HashSet<_> = (1..=360).map(|id| default_key("ann", id)).collect();
        assert_eq!(hues.len(), 360);
    }

    #[test]
    fn every_key_is_drawn_and_the_same_each_time() {
        for id in 0..360 {
            for name in ["ann", "WW.WW", "---", "0.9"] {
                let key = default_key(name, id);
                let svg = draw_default(&key).unwrap();
                assert_eq!(draw_default(&key), Some(svg.clone()));
                assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"));
            }
        }
        assert!(draw_default("i-as-137").unwrap().contains(">AS</text>"));
        // Two letters have to be smaller to fit.
        for (key, size) in [("i-w-0", 120), ("i-ww-0", 92)] {
            assert!(draw_default(key).unwrap().contains(&format!("font-size=\"{size}\"")));
        }
    }

    #[test]
    fn letters_are_easy_to_read_on_every_hue() {
        for hue in 0..360 {
            let contrast = contrast_to_white(colour(hue));
            assert!((4.5..4.8).contains(&contrast), "{hue}: {contrast}");
        }
        assert!((contrast_to_white([0x76, 0x76, 0x76]) - 4.54).abs() < 0.01, "as in WCAG's texts");
        assert_eq!(rgb(210.0, 0.5, 0.5), [64, 128, 191]);
    }

    #[test]
    fn other_keys_are_no_pictures() {
        let wrong = [
            "", "i-", "i--0", "i-a", "i-a-", "i-abc-1", "i-A-1", "i-a-360", "i-a-01", "i-a-+1",
            "i-a-00", "i-a-1-1", "i-é-1", "x-a-1", "i-<>-1", "i-a-1 ", "I-a-1", "i-a-1/",
        ];
        for key in wrong {
            assert_eq!(draw_default(key), None, "{key}");
        }
    }
}
