mod samples;

use super::*;
use image::{Rgb, RgbImage, Rgba, RgbaImage};
use samples::*;
use std::time::Instant;

#[test]
fn every_format_is_read_by_content_and_comes_out_as_a_square() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
        for (width, height) in [(64, 64), (300, 900), (900, 300), (2_000, 1_100), (1, 1)] {
            let image = decoded(&written(&quarters(width, height), format));
            if width > 1 {
                assert_eq!(corners(&image), ["red", "green", "blue", "white"], "{format:?}");
            }
        }
    }
    for grey in [DynamicImage::new_luma8(40, 40), DynamicImage::new_luma16(40, 40)] {
        assert!(near(decoded(&written(&grey, ImageFormat::Png)).get_pixel(9, 9), [0; 3]));
    }
    for file in [PROGRESSIVE_JPEG, LOSSY_WEBP, CMYK_JPEG] {
        let image = decoded(&unpack(file));
        let Rgba([red, green, blue, _]) = *image.get_pixel(128, 128);
        assert!(red > 150 && green < 80 && blue < 80, "{red} {green} {blue}");
    }
}

#[test]
fn the_middle_is_cut_out() {
    // Red at both ends, green in the middle; the larger ones are made smaller in two steps.
    let pictures = [300, 1_200].into_iter().flat_map(|side| {
        let third = move |x| if (side..side * 2).contains(&x) { Rgb(GREEN) } else { Rgb(RED) };
        let wide = RgbImage::from_fn(side * 3, side, |x, _| third(x));
        let tall = RgbImage::from_fn(side, side * 3, |_, y| third(y));
        [DynamicImage::from(wide), tall.into()]
    });
    for image in pictures {
        let image = decoded(&written(&image, ImageFormat::Png));
        assert_eq!(corners(&image), ["green"; 4]);
        assert!(near(image.get_pixel(0, 0), GREEN) && near(image.get_pixel(255, 255), GREEN));
    }
}

#[test]
fn the_picture_is_turned_as_exif_says() {
    let (red, green, blue, white) = ("red", "green", "blue", "white");
    // How a camera's picture has to be shown, from the Exif standard.
    let shown = [
        [red, green, blue, white],
        [green, red, white, blue],
        [white, blue, green, red],
        [blue, white, red, green],
        [red, blue, green, white],
        [blue, red, white, green],
        [white, green, blue, red],
        [green, white, red, blue],
    ];
    let jpeg = written(&quarters(80, 80), ImageFormat::Jpeg);
    for (orientation, expected) in (1..).zip(shown) {
        let image = decoded(&with_exif(&jpeg, &exif(orientation)));
        assert_eq!(corners(&image), expected, "{orientation}");
    }
    for odd in [exif(0), exif(9), b"MM\0".to_vec(), vec![0xff; 40], Vec::new()] {
        assert_eq!(corners(&decoded(&with_exif(&jpeg, &odd))), shown[0]);
    }
    let png = written(&quarters(80, 80), ImageFormat::Png);
    let png = [&png[..33], &chunk(b"eXIf", &exif(6)), &png[33..]].concat();
    assert_eq!(corners(&decoded(&png)), shown[5]);
}

#[test]
fn nothing_but_pixels_survives() {
    let jpeg = written(&plain(64, 64, RED), ImageFormat::Jpeg);
    let place = [&exif(1)[..], b"N 50 27 0 E 30 31 24 secret place"].concat();
    let mut file = with_exif(&jpeg, &place);
    file.extend(b"<html><script>alert(1)</script> secret tail");
    let png = avatar(&file).unwrap();
    assert!(!png.windows(6).any(|window| window == b"secret" || window == b"script"));
    let mut names = Vec::new();
    let mut rest = &png[8..];
    while let Some(header) = rest.get(..8) {
        let length = u32::from_be_bytes(header[..4].try_into().unwrap()) as usize;
        names.push(String::from_utf8(header[4..].to_vec()).unwrap());
        rest = &rest[12 + length..];
    }
    names.dedup();
    assert_eq!(names, ["IHDR", "IDAT", "IEND"]);
    assert_eq!(avatar(&file).unwrap(), png, "the same each time");
}

#[test]
fn transparency_stays_and_leaves_no_dark_rim() {
    // A white disc on transparent black, as logos often are.
    let disc = RgbaImage::from_fn(600, 600, |x, y| {
        let (x, y) = (x as f32 - 300.0, y as f32 - 300.0);
        if x.hypot(y) < 250.0 { Rgba([255; 4]) } else { Rgba([0; 4]) }
    });
    let deep = DynamicImage::from(disc.clone()).into_rgba16().into();
    for (image, format) in [
        (DynamicImage::from(disc.clone()), ImageFormat::Png),
        (disc.clone().into(), ImageFormat::Gif),
        (disc.into(), ImageFormat::WebP),
        (deep, ImageFormat::Png),
    ] {
        let image = decoded(&written(&image, format));
        assert_eq!(image.get_pixel(0, 0).0[3], 0);
        assert_eq!(image.get_pixel(128, 128).0, [255; 4]);
        assert!(image.pixels().any(|pixel| (30..220).contains(&pixel.0[3])), "a soft edge");
        assert!(image.pixels().all(|pixel| pixel.0[3] < 8 || pixel.0[0] > 225), "{format:?}");
    }
    // Nor a light one: what is transparent may have any colour.
    let disc = RgbaImage::from_fn(600, 600, |x, y| {
        let (x, y) = (x as f32 - 300.0, y as f32 - 300.0);
        if x.hypot(y) < 250.0 { Rgba([60, 60, 60, 255]) } else { Rgba([255, 255, 255, 0]) }
    });
    let disc = DynamicImage::from(disc);
    for deep in [
        disc.clone(),
        disc.to_luma_alpha8().into(),
        disc.to_luma_alpha16().into(),
        disc.to_rgba16().into(),
    ] {
        let image = decoded(&written(&deep, ImageFormat::Png));
        let seen = |pixel: &Rgba<u8>| pixel.0[3] >= 32;
        assert!(image.pixels().any(|pixel| seen(pixel) && pixel.0[3] < 200), "a soft edge");
        let dark = |pixel: &Rgba<u8>| pixel.0[..3].iter().all(|colour| (50..70).contains(colour));
        assert!(image.pixels().all(|pixel| !seen(pixel) || dark(pixel)), "{:?}", deep.color());
    }
}

#[test]
fn of_an_animation_the_first_picture_counts() {
    for file in [ANIMATED_WEBP, ANIMATED_PNG] {
        assert_eq!(corners(&decoded(&unpack(file))), ["red"; 4]);
    }
    let mut gif = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
    for colour in [RED, BLUE, GREEN] {
        encoder.encode_frame(image::Frame::new(plain(20, 20, colour).into_rgba8())).unwrap();
    }
    drop(encoder);
    assert_eq!(corners(&decoded(&gif)), ["red"; 4]);
}

#[test]
fn what_is_no_picture_is_unsupported() {
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let html = b"<!doctype html><html><body>GIF89a</body></html>";
    let others: [&[u8]; 12] = [
        svg,
        html,
        b"",
        b"GIF",
        b"GIF88a",
        b"plain text",
        b"\x89PNG\r\n",
        b"BM\x3a\0\0\0",
        b"II*\0\x08\0\0\0",
        b"\0\0\0\x1cftypavif",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"%PDF-1.7",
    ];
    for file in others {
        assert!(is_unsupported(file), "{:?}", String::from_utf8_lossy(file));
    }
    // Begins like a picture and is a page.
    for start in [&b"GIF89a"[..], b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x24\0\0\0WEBP"] {
        for rest in [&b"/*<script>alert(1)</script>*/=1;"[..], b"<html><body>hello", b"<SVG/>"] {
            assert!(is_unsupported(&[start, rest].concat()), "{start:?}");
        }
    }
}

#[test]
fn a_page_hidden_in_a_real_picture_does_not_come_out() {
    let mut gif = written(&plain(20, 20, RED), ImageFormat::Gif);
    let end = gif.pop().unwrap();
    gif.extend(b"\x21\xfe\x1d<script>alert(document)</script>\0");
    gif.push(end);
    let png = avatar(&gif).unwrap();
    assert!(!png.windows(7).any(|window| window == b"<script"));
}

#[test]
fn broken_pictures_are_invalid_and_never_panic() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
        let whole = written(&quarters(60, 40), format);
        for length in (12..whole.len().min(400)).step_by(7) {
            // A picture cut at its very end may still be whole enough.
            match avatar(&whole[..length]) {
                Ok(_) | Err(Error::Invalid(_)) => {}
                other => panic!("{format:?} cut at {length}: {other:?}"),
            }
        }
        if format != ImageFormat::Jpeg {
            assert!(is_invalid(&whole[..whole.len() / 2]), "{format:?}");
        }
        assert!(is_invalid(&whole[..20]), "{format:?}");
        // Every byte wrong once.
        for at in (12..whole.len().min(600)).step_by(7) {
            let mut file = whole.clone();
            file[at] ^= 0xff;
            assert!(matches!(avatar(&file), Ok(_) | Err(Error::Invalid(_))), "{format:?} {at}");
        }
    }
}

#[test]
fn size_is_checked_before_anything_is_decoded() {
    let start = Instant::now();
    for (width, height) in
        [(30_000, 30_000), (8_193, 1), (1, 8_193), (8_192, 2_930), (8_192, 8_192), (0, 9)]
    {
        assert!(is_invalid(&png_of_size(width, height, &[])), "PNG {width} {height}");
        let end = chunk(b"IDAT", b"x\x9c\x03\0\0\0\0\x01");
        assert!(is_invalid(&png_of_size(width, height, &end)), "PNG {width} {height}");
    }
    assert!(is_invalid(&png_of_size(u32::MAX, u32::MAX, &[])));
    // Nothing is wrong with these but their size.
    let real = |width, height| {
        let mut png = Cursor::new(Vec::new());
        DynamicImage::new_luma8(width, height).write_to(&mut png, ImageFormat::Png).unwrap();
        png.into_inner()
    };
    assert!(avatar(&real(8_192, 1)).is_ok());
    assert!(is_invalid(&real(8_193, 1)) && is_invalid(&real(4_900, 4_900)));
    // A GIF with a giant canvas, and one with a giant frame on a small canvas.
    let gif = |canvas: u16, frame: u16| {
        let (canvas, frame) = (canvas.to_le_bytes(), frame.to_le_bytes());
        let head = [b"GIF89a", &canvas[..], &canvas, &[0x80, 0, 0, 0, 0, 0, 255, 255, 255]];
        let body = [b"\x2c\0\0\0\0", &frame[..], &frame, b"\0\x02\x02\x44\x01\0\x3b"];
        [head.concat(), body.concat()].concat()
    };
    assert!(avatar(&gif(1, 1)).is_ok(), "the bombs differ from this in numbers only");
    assert!(is_invalid(&gif(65_535, 1)) && is_invalid(&gif(65_535, 65_535)));
    assert!(is_invalid(&gif(16, 65_535)));
    // A JPEG that claims to be giant.
    let mut jpeg = unpack(PROGRESSIVE_JPEG);
    let at = jpeg.windows(2).position(|window| window == [0xff, 0xc2]).unwrap();
    jpeg[at + 5..at + 9].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
    assert!(is_invalid(&jpeg));
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

#[test]
fn the_fault_says_whether_a_picture_is_too_large_or_broken() {
    let fault = |file: &[u8]| match avatar(file) {
        Err(Error::Invalid(faults)) => faults[0].detail.clone(),
        other => panic!("{other:?}"),
    };
    let mut wide = Cursor::new(Vec::new());
    DynamicImage::new_luma8(8_193, 1).write_to(&mut wide, ImageFormat::Png).unwrap();
    assert_eq!(fault(&wide.into_inner()), TOO_LARGE);
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let whole = written(&quarters(60, 40), format);
        assert_eq!(fault(&whole[..whole.len() / 2]), BROKEN, "{format:?}");
    }
}

#[test]
fn a_giant_frame_in_a_small_webp_is_found() {
    let frame = unpack(LOSSY_WEBP)[20..].to_vec();
    let mut giant = frame.clone();
    giant[6..10].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
    // The canvas says 16 by 16 in both cases.
    let canvas = |flags: u8| [flags, 0, 0, 0, 15, 0, 0, 15, 0, 0];
    assert!(avatar(&riff(&[(b"VP8X", &canvas(0)), (b"VP8 ", &frame)])).is_ok());
    assert!(is_invalid(&riff(&[(b"VP8X", &canvas(0)), (b"VP8 ", &giant)])));
    assert!(is_invalid(&riff(&[(b"VP8 ", &giant)])));
    let lossless = b"\x2f\xff\xff\xff\x0f\0\0\0\0\0";
    assert!(is_invalid(&riff(&[(b"VP8X", &canvas(0)), (b"VP8L", lossless)])));
    let in_animation = |frame: &[u8]| {
        let head = [0, 0, 0, 0, 0, 0, 15, 0, 0, 15, 0, 0, 100, 0, 0, 2];
        let length = (frame.len() as u32).to_le_bytes();
        let frame = [&head[..], b"VP8 ", &length, frame].concat();
        riff(&[(b"VP8X", &canvas(2)), (b"ANIM", &[0; 6]), (b"ANMF", &frame)])
    };
    assert!(avatar(&in_animation(&frame)).is_ok());
    assert!(is_invalid(&in_animation(&giant)));
    // Before the decoder sees them: it would ask for memory first.
    let odd = riff(&[(b"VP8X", &canvas(0)), (b"ICCP", &[0; 3]), (b"VP8 ", &giant)]);
    let lossless = riff(&[(b"VP8L", lossless)]);
    // One pixel wide and 16,384 high.
    let tall = riff(&[(b"VP8L", b"\x2f\0\xc0\xff\x0f\0\0\0\0\0")]);
    for file in [riff(&[(b"VP8 ", &giant)]), lossless, tall, odd, in_animation(&giant)] {
        assert_eq!(webp_fault(&file), Some(TOO_LARGE));
    }
    // Metadata that claims four gigabytes.
    let mut file = riff(&[(b"VP8X", &canvas(8)), (b"VP8 ", &frame), (b"EXIF", &[0; 4])]);
    let at = file.len() - 8;
    file[at..at + 4].copy_from_slice(&[0xf0, 0xff, 0xff, 0xff]);
    assert!(is_invalid(&file));
    // Frames in frames in frames do not exhaust the stack.
    let mut nest = vec![0; 16];
    for _ in 0..5_000 {
        let length = (nest.len() as u32 - 16).to_le_bytes();
        nest.splice(16..16, [&b"ANMF"[..], &length].concat());
    }
    assert!(avatar(&riff(&[(b"VP8X", &canvas(2)), (b"ANMF", &nest)])).is_err());
}

#[test]
fn much_text_in_a_small_picture_is_no_fault() {
    let png = written(&plain(64, 64, RED), ImageFormat::Png);
    let text = |length: usize| chunk(b"tEXt", &[&b"Comment\0"[..], &vec![b'x'; length]].concat());
    let room = BYTES_MAX - png.len() - 100;
    let other = chunk(b"iTXt", &[&b"Comment\0\0\0\0\0"[..], &vec![b'x'; room]].concat());
    for chunks in [text(room), text(988).repeat(room / 1_008), text(1).repeat(room / 21), other] {
        let file = [&png[..33], &chunks, &png[33..]].concat();
        assert!(file.len() <= BYTES_MAX && file.len() > BYTES_MAX - 2_000, "{}", file.len());
        assert!(near(decoded(&file).get_pixel(9, 9), RED), "{}", chunks.len());
    }
}

#[test]
fn an_inflating_colour_profile_is_bounded() {
    use std::io::Write;
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        packed.write_all(&[0; 1 << 20]).unwrap();
    }
    let profile = [&b"x\0\0"[..], &packed.finish().unwrap()].concat();
    let png = written(&plain(16, 16, RED), ImageFormat::Png);
    let file = [&png[..33], &chunk(b"iCCP", &profile), &png[33..]].concat();
    let start = Instant::now();
    assert!(matches!(avatar(&file), Ok(_) | Err(Error::Invalid(_))));
    assert!(start.elapsed().as_secs() < 5);
}

#[test]
fn the_largest_pictures_are_read() {
    // 23,756,800 pixels.
    let grey = DynamicImage::new_luma8(8_192, 2_900);
    assert!(near(decoded(&written(&grey, ImageFormat::Png)).get_pixel(9, 9), [0; 3]));
    for (width, height) in [(8_192, 1), (1, 8_192), (8_192, 3)] {
        assert_eq!(
            corners(&decoded(&written(&plain(width, height, RED), ImageFormat::Png))),
            ["red"; 4]
        );
    }
    // A large GIF with a rim that its one frame leaves free.
    let mut gif = written(&plain(2_600, 2_400, RED), ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0x29, 0x0a, 0x61, 0x09]);
    assert!(near(decoded(&gif).get_pixel(128, 128), RED));
    let mut file = written(&plain(16, 16, RED), ImageFormat::Png);
    file.resize(BYTES_MAX, 0);
    assert!(avatar(&file).is_ok(), "5 MiB exactly");
    file.push(0);
    assert!(matches!(avatar(&file), Err(Error::BodyTooLarge(5_242_880))));
}
