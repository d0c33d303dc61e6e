//! Pictures, and what is asked about them.

use super::super::*;
use base64::{Engine, engine::general_purpose::STANDARD};
use image::{Rgb, RgbImage, Rgba, RgbaImage};

/// Made with Pillow, 16 by 16: what the image crate reads but cannot write.
pub const PROGRESSIVE_JPEG: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wgARCAAQABADASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAT/xAAVAQEBAAAAAAAAAAAAAAAAAAAEBf/aAAwDAQACEAMQAAABgBrH/8QAFBABAAAAAAAAAAAAAAAAAAAAIP/aAAgBAQABBQIf/8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAgBAwEBPwF//8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAgBAgEBPwF//8QAFBABAAAAAAAAAAAAAAAAAAAAIP/aAAgBAQAGPwIf/8QAFBABAAAAAAAAAAAAAAAAAAAAIP/aAAgBAQABPyEf/9oADAMBAAIAAwAAABD/AP/EABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQMBAT8Qf//EABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQIBAT8Qf//EABQQAQAAAAAAAAAAAAAAAAAAACD/2gAIAQEAAT8QH//Z";
pub const LOSSY_WEBP: &str =
    "UklGRjgAAABXRUJQVlA4ICwAAACQAQCdASoQABAAAoBCJaACdLoAA5gA/u7/n9CjZRMU//qDP/LQ/9Wh+twAAA==";
pub const ANIMATED_WEBP: &str = "UklGRrwAAABXRUJQVlA4WAoAAAACAAAADwAADwAAQU5JTQYAAAAAAAAAAABBTk1GRAAAAAAAAAAAAA8AAA8AAGQAAAJWUDggLAAAADABAJ0BKhAAEAACgEIloAADcAD+7v+f/0K9ZffTY///1Bn/+rQ//5aH63AAQU5NRkQAAAAAAAAAAAAPAAAPAABkAAAAVlA4ICwAAAA0AQCdASoQABAAAABCJaAAA3AA/vT0P//64D//lof/8tD+Eh/90PfV5U5kAA==";
pub const ANIMATED_PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAACGFjVEwAAAACAAAAAPONk3AAAAAaZmNUTAAAAAAAAAAQAAAAEAAAAAAAAAAAAAEACgAAY0bPJQAAABlJREFUeJxjPCEnx0AKYCJJ9aiGUQ1DSgMATx8BJHGMNZgAAAAaZmNUTAAAAAEAAAAQAAAAEAAAAAAAAAAAAAEACgAA+DUl8QAAAB1mZEFUAAAAAnicY2SQO8FACmAiSfWohlENQ0oDAPH6AQZmYhDdAAAAAElFTkSuQmCC";
pub const CMYK_JPEG: &str = "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwANCQoLCggNCwoLDg4NDxMgFRMSEhMnHB4XIC4pMTAuKS0sMzpKPjM2RjcsLUBXQUZMTlJTUjI+WmFaUGBKUVJP/8AAFAgAEAAQBEMRAE0RAFkRAEsRAP/EABYAAQEBAAAAAAAAAAAAAAAAAAAGB//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAOBEMATQBZAEsAAD8A05JJJeAAAAP/2Q==";

pub fn unpack(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

pub const RED: [u8; 3] = [200, 30, 30];
pub const GREEN: [u8; 3] = [30, 200, 30];
pub const BLUE: [u8; 3] = [30, 30, 200];
pub const WHITE: [u8; 3] = [240, 240, 240];

pub fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).unwrap();
    file.into_inner()
}

pub fn plain(width: u32, height: u32, colour: [u8; 3]) -> DynamicImage {
    RgbImage::from_pixel(width, height, Rgb(colour)).into()
}

/// Red and green above, blue and white below.
pub fn quarters(width: u32, height: u32) -> DynamicImage {
    let pixel = |x, y| match (x * 2 < width, y * 2 < height) {
        (true, true) => Rgb(RED),
        (false, true) => Rgb(GREEN),
        (true, false) => Rgb(BLUE),
        (false, false) => Rgb(WHITE),
    };
    RgbImage::from_fn(width, height, pixel).into()
}

/// The avatar, decoded; checks what holds for every avatar.
pub fn decoded(file: &[u8]) -> RgbaImage {
    let png = avatar(file).unwrap();
    assert_eq!(image::guess_format(&png).unwrap(), ImageFormat::Png);
    let image = image::load_from_memory(&png).unwrap().into_rgba8();
    assert_eq!(image.dimensions(), (SIDE, SIDE));
    image
}

pub fn near(pixel: &Rgba<u8>, colour: [u8; 3]) -> bool {
    pixel.0[3] == 255 && pixel.0.iter().zip(colour).all(|(a, b)| a.abs_diff(b) < 12)
}

/// The colours of the four corners, seen from a little inside.
pub fn corners(image: &RgbaImage) -> [&'static str; 4] {
    [(32, 32), (224, 32), (32, 224), (224, 224)].map(|(x, y)| {
        let pixel = image.get_pixel(x, y);
        let names = [(RED, "red"), (GREEN, "green"), (BLUE, "blue"), (WHITE, "white")];
        names.into_iter().find(|(colour, _)| near(pixel, *colour)).map_or("?", |(_, name)| name)
    })
}

pub fn is_invalid(file: &[u8]) -> bool {
    matches!(avatar(file), Err(Error::Invalid(faults)) if faults[0].field == "file")
}

pub fn is_unsupported(file: &[u8]) -> bool {
    matches!(avatar(file), Err(Error::UnsupportedMediaType(_)))
}

/// A PNG chunk, with its checksum.
pub fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(name);
    crc.update(content);
    let length = (content.len() as u32).to_be_bytes();
    [&length[..], name, content, &crc.sum().to_be_bytes()].concat()
}

pub fn png_of_size(width: u32, height: u32, more: &[u8]) -> Vec<u8> {
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let header = chunk(b"IHDR", &[&size[..], &[8, 2, 0, 0, 0]].concat());
    [b"\x89PNG\r\n\x1a\n", &header[..], more].concat()
}

/// Exif with nothing but an orientation, in the TIFF structure, big-endian.
pub fn exif(orientation: u8) -> Vec<u8> {
    let entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0];
    [&b"MM\0\x2a\0\0\0\x08\0\x01"[..], &entry, &[0; 4]].concat()
}

/// Puts an APP1 segment with Exif into a JPEG.
pub fn with_exif(jpeg: &[u8], exif: &[u8]) -> Vec<u8> {
    let length = (exif.len() as u16 + 8).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, b"Exif\0\0", exif, &jpeg[2..]].concat()
}

pub fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (name, content) in chunks {
        body.extend([&name[..], &(content.len() as u32).to_le_bytes(), content].concat());
        body.resize(body.len().next_multiple_of(2), 0);
    }
    [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
}
