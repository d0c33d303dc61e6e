//! Avatars: reads what a user uploads, under limits, and draws the default picture of an account.
//!
//! Nothing of an upload is passed on: what is served was encoded here, from pixels alone. So it
//! has no metadata (a phone writes the place into it), no second file hidden behind the first,
//! and nothing that a browser could take for HTML.

mod initials;

pub use initials::{default_key, draw_default};

use crate::error::{Error, Result};
use crate::semaphore::Semaphore;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngDecoder, PngEncoder};
use image::codecs::{gif::GifDecoder, jpeg::JpegDecoder, webp::WebPDecoder};
use image::imageops::FilterType::CatmullRom;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageResult, Limits};
use std::io::Cursor;
use std::time::Duration;

/// Largest upload, in bytes.
pub const BYTES_MAX: usize = 5 * 1024 * 1024;
/// Longest side of an upload, in pixels.
const SIDE_MAX: u32 = 8_192;
/// Most pixels of an upload.
const PIXELS_MAX: u64 = 24_000_000;
/// Side of an avatar, in pixels.
pub const SIDE: u32 = 256;
/// Most bytes that are kept of what stands before a PNG's pixels: more than twice an upload, which may be texts and is
/// copied. A colour profile is packed, and is left out where it would grow to more.
const PNG_HEAD_MAX: u64 = 16 << 20;
const TOO_LARGE: &str = "must have at most 8192 pixels a side and 24 million in all";
const BROKEN: &str = "is broken";
/// Longer side of a contact's picture, in pixels.
const PORTRAIT_SIDE: u32 = 720;
/// Content type of what [`avatar`] returns. PNG keeps transparency (JPEG has none) and every
/// program that shows contacts can read it (WebP is not everywhere yet). At this size a photo
/// takes about 100 KB.
pub const CONTENT_TYPE: &str = "image/png";
/// Content type of what [`draw_default`] returns.
pub const DEFAULT_CONTENT_TYPE: &str = "image/svg+xml";

/// Decoding takes up to 270 MB (measured: a progressive JPEG in CMYK; 200 MB for a PNG with colours
/// of 16 bits), so two pictures at once, and a request waits 5 s for its turn.
static DECODERS: Semaphore = Semaphore::new(2, 64, Duration::from_secs(5));

/// The avatar from an upload: turned as its EXIF says, the square in the middle, 256 by 256
/// pixels, a PNG. Of an animation the first picture counts. The upload's name and headers count
/// for nothing: its content shows what it is.
///
/// Fails with [`Error::BodyTooLarge`] over 5 MiB, [`Error::UnsupportedMediaType`] for what is no
/// PNG, JPEG, WebP or GIF, [`Error::Invalid`] (`file`) for a broken picture or one with too many
/// pixels, [`Error::Unavailable`] when two others are being decoded and do not end.
pub fn avatar(bytes: &[u8]) -> Result<Vec<u8>> {
    drawn(bytes, |image, orientation| {
        let mut square = shrink(image);
        square.apply_orientation(orientation);
        encode(square)
    })
}

/// The picture of a contact from an upload: turned as its EXIF says, at most 720 pixels on its longer side,
/// on white where it is transparent, a JPEG, which every program that shows cards can read. Fails like
/// [`avatar`].
pub fn portrait(bytes: &[u8]) -> Result<Vec<u8>> {
    drawn(bytes, |image, orientation| {
        let mut image = on_white(image);
        image.apply_orientation(orientation);
        let mut jpeg = Vec::new();
        image.write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, 85))?;
        Ok(jpeg)
    })
}

/// What `draw` makes of an upload that is a picture within the limits.
fn drawn(
    bytes: &[u8],
    draw: fn(DynamicImage, Orientation) -> ImageResult<Vec<u8>>,
) -> Result<Vec<u8>> {
    if bytes.len() > BYTES_MAX {
        return Err(Error::BodyTooLarge(BYTES_MAX as u64));
    }
    let format = sniff(bytes).ok_or_else(unsupported)?;
    let _permit = DECODERS.enter()?;
    // The decoders are safe Rust, but a broken file may still meet a bug that panics. That is the
    // file's fault as far as the caller can see.
    let drawn = std::panic::catch_unwind(|| {
        let (image, orientation) = open(bytes, format)?;
        draw(image, orientation).map_err(Error::internal)
    });
    drawn.unwrap_or_else(|_| Err(broken("cannot be read")))
}

fn unsupported() -> Error {
    Error::UnsupportedMediaType("the file must be a PNG, JPEG, WebP or GIF picture".to_owned())
}

fn broken(why: &str) -> Error {
    Error::invalid("file", why)
}

/// What the first bytes say. Only the four that are accepted.
fn sniff(bytes: &[u8]) -> Option<ImageFormat> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(ImageFormat::Png)
    } else if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        Some(ImageFormat::Jpeg)
    } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        Some(ImageFormat::Gif)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some(ImageFormat::WebP)
    } else {
        None
    }
}

/// The pixels of an upload and how to turn them.
fn open(bytes: &[u8], format: ImageFormat) -> Result<(DynamicImage, Orientation)> {
    let file = Cursor::new(bytes);
    let decoded = match format {
        ImageFormat::Png => PngDecoder::with_limits(file, limits(PNG_HEAD_MAX)).map(decode),
        ImageFormat::Jpeg => JpegDecoder::new(file).map(decode),
        ImageFormat::Gif => GifDecoder::new(file).map(decode),
        _ => match webp_fault(bytes) {
            Some(why) => Ok(Err(broken(why))),
            None => WebPDecoder::new(file).map(decode),
        },
    };
    let decoded = decoded.unwrap_or_else(|error| match error {
        ImageError::Limits(_) => Err(broken(TOO_LARGE)),
        _ => Err(broken(BROKEN)),
    });
    match decoded {
        // HTML behind the first bytes of a picture is no broken picture, but something in disguise.
        Err(Error::Invalid(_)) if is_markup(bytes) => Err(unsupported()),
        result => result,
    }
}

/// `bytes` is what a decoder may allocate besides the picture itself.
fn limits(bytes: u64) -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(bytes);
    limits
}

/// The pixels and how to turn them. Reads nothing but the header before the size was checked.
fn decode(mut decoder: impl ImageDecoder) -> Result<(DynamicImage, Orientation)> {
    let (width, height) = decoder.dimensions();
    if !fits(width, height) {
        return Err(broken(TOO_LARGE));
    }
    // Of a broken EXIF block nothing follows for the picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    // For the one frame of a GIF that lies askew on its canvas.
    let read = decoder.set_limits(limits(PIXELS_MAX * 4));
    let image = read.and_then(|()| DynamicImage::from_decoder(decoder));
    image.map(|image| (image, orientation)).map_err(|_| broken(BROKEN))
}

fn fits(width: u32, height: u32) -> bool {
    let sides = 1..=SIDE_MAX;
    sides.contains(&width)
        && sides.contains(&height)
        && u64::from(width) * u64::from(height) <= PIXELS_MAX
}

/// Why a WebP file is refused before it is decoded: a frame inside is too large, or a chunk is not there as a
/// whole. The decoder asks for memory for the frame that the inner header names, and only then compares it
/// with the outer one; and it believes the length of a chunk of metadata.
fn webp_fault(file: &[u8]) -> Option<&'static str> {
    chunk_fault(file.get(12..).unwrap_or_default(), true)
}

/// Walks RIFF chunks (RFC 9649, 2.3 to 2.7): a name, a length, the content, padded to even.
fn chunk_fault(mut rest: &[u8], outermost: bool) -> Option<&'static str> {
    let checked = |size: Option<(u32, u32)>| match size {
        Some((width, height)) => (!fits(width, height)).then_some(TOO_LARGE),
        None => Some(BROKEN),
    };
    while let (Some(name), Some(length)) = (rest.get(..4), number::<4>(rest, 4)) {
        let length = length as usize;
        let Some(content) = rest.get(8..).and_then(|rest| rest.get(..length)) else {
            // Whatever hangs on behind the file is none of its chunks.
            return matches!(name, b"VP8 " | b"VP8L" | b"ANMF" | b"ALPH" | b"EXIF")
                .then_some(BROKEN);
        };
        let fault = match name {
            b"VP8 " => checked(
                number::<2>(content, 6)
                    .zip(number::<2>(content, 8))
                    .map(|(width, height)| (width & 0x3fff, height & 0x3fff)),
            ),
            b"VP8L" => checked(
                number::<4>(content, 1)
                    .map(|bits| ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)),
            ),
            // Frames hold no frames: so this goes no deeper.
            b"ANMF" if outermost => chunk_fault(content.get(16..).unwrap_or_default(), false),
            _ => None,
        };
        if fault.is_some() {
            return fault;
        }
        rest = rest.get(8 + length + length % 2..).unwrap_or_default();
    }
    None
}

/// The little-endian number of `N` bytes at `at`.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(N)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

/// True if a tag stands in the first kilobyte.
fn is_markup(bytes: &[u8]) -> bool {
    let start = bytes.get(..1024).unwrap_or(bytes).to_ascii_lowercase();
    let tags: [&[u8]; 5] = [b"<html", b"<script", b"<svg", b"<!doctype", b"<body"];
    tags.iter().any(|tag| start.windows(tag.len()).any(|window| window == *tag))
}

/// The square in the middle, 256 by 256, without a second copy of a large picture.
fn shrink(mut image: DynamicImage) -> DynamicImage {
    weigh(&mut image);
    let (width, height) = (image.width(), image.height());
    let side = width.min(height);
    if side > 4 * SIDE {
        // First by averaging whole blocks, which needs little memory. The longer side stays in
        // proportion (at most 4,096 here, because the shorter one is over 1,024).
        let scaled = |length: u32| (length * 2 * SIDE).div_ceil(side);
        image = image.thumbnail_exact(scaled(width), scaled(height));
    }
    let side = image.width().min(image.height());
    let (left, top) = ((image.width() - side) / 2, (image.height() - side) / 2);
    image = image.crop_imm(left, top, side, side).resize_exact(SIDE, SIDE, CatmullRom);
    match image.color().has_alpha() {
        true => DynamicImage::ImageRgba8(unweigh(image.into_rgba8())),
        false => DynamicImage::ImageRgb8(image.into_rgb8()),
    }
}

/// At most 720 pixels on the longer side, without transparency.
fn on_white(mut image: DynamicImage) -> DynamicImage {
    weigh(&mut image);
    let longer = image.width().max(image.height());
    if longer > 4 * PORTRAIT_SIDE {
        image = image.thumbnail(2 * PORTRAIT_SIDE, 2 * PORTRAIT_SIDE);
    }
    if longer > PORTRAIT_SIDE {
        image = image.resize(PORTRAIT_SIDE, PORTRAIT_SIDE, CatmullRom);
    }
    if !image.color().has_alpha() {
        return DynamicImage::ImageRgb8(image.into_rgb8());
    }
    let mut image = image.into_rgba8();
    for pixel in image.pixels_mut() {
        let [red, green, blue, alpha] = pixel.0;
        let over = |colour: u8| colour.saturating_add(255 - alpha);
        pixel.0 = [over(red), over(green), over(blue), 255];
    }
    DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(image).into_rgb8())
}

/// Multiplies colours by their opacity. Without this, the invisible colour of transparent pixels
/// (black, mostly) would bleed into a dark rim around every logo.
fn weigh(image: &mut DynamicImage) {
    fn samples<T: Copy + Into<u32> + TryFrom<u32>>(all: &mut [T], channels: usize, full: u32) {
        for pixel in all.chunks_exact_mut(channels) {
            let Some((alpha, colours)) = pixel.split_last_mut() else { continue };
            for colour in colours {
                let weighed = (*colour).into() * (*alpha).into() / full;
                *colour = T::try_from(weighed).unwrap_or(*colour);
            }
        }
    }
    match image {
        DynamicImage::ImageLumaA8(image) => samples(image, 2, 0xff),
        DynamicImage::ImageRgba8(image) => samples(image, 4, 0xff),
        DynamicImage::ImageLumaA16(image) => samples(image, 2, 0xffff),
        DynamicImage::ImageRgba16(image) => samples(image, 4, 0xffff),
        _ => {}
    }
}

/// Undoes [`weigh`].
fn unweigh(mut image: image::RgbaImage) -> image::RgbaImage {
    for pixel in image.pixels_mut() {
        let [red, green, blue, alpha] = pixel.0;
        let full = |colour: u8| match alpha {
            0 => 0,
            // At most 255 after `min`, so nothing is cut off.
            _ => (u32::from(colour) * 255 / u32::from(alpha)).min(255) as u8,
        };
        pixel.0 = [full(red), full(green), full(blue), alpha];
    }
    image
}

fn encode(image: DynamicImage) -> ImageResult<Vec<u8>> {
    let mut png = Vec::new();
    let quality = (CompressionType::Default, FilterType::Adaptive);
    image.write_with_encoder(PngEncoder::new_with_quality(&mut png, quality.0, quality.1))?;
    Ok(png)
}

#[cfg(test)]
mod tests;
