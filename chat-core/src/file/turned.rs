//! Which way up a photo is. A camera writes what its sensor saw, and beside it how it was held (Exif 2.32, section
//! 4.6.4, tag 0x0112); browsers turn the picture, so its sides are told as they are seen. Pure.

/// Whether the sides of a JPEG change places when it is shown.
pub(super) fn on_its_side(jpeg: &[u8]) -> bool {
    // 5 to 8 are turned by a quarter, with or without a mirror.
    orientation(jpeg).is_some_and(|way| (5..=8).contains(&way))
}

/// What the first Exif segment says; nothing for a file that is cut off or no JPEG.
fn orientation(jpeg: &[u8]) -> Option<u16> {
    let mut rest = jpeg.strip_prefix(&[0xFF, 0xD8])?;
    loop {
        let (&[0xFF, marker, high, low], _) = rest.split_first_chunk::<4>()? else {
            return None;
        };
        // The picture itself begins here.
        if marker == 0xDA {
            return None;
        }
        let segment = rest.get(4..2 + usize::from(u16::from_be_bytes([high, low])))?;
        if marker == 0xE1
            && let Some(tiff) = segment.strip_prefix(b"Exif\0\0")
        {
            return of_tiff(tiff);
        }
        rest = &rest[4 + segment.len()..];
    }
}

fn of_tiff(tiff: &[u8]) -> Option<u16> {
    let little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let two = *tiff.get(at..)?.first_chunk::<2>()?;
        Some(if little {
            u16::from_le_bytes(two)
        } else {
            u16::from_be_bytes(two)
        })
    };
    let four = *tiff.get(4..)?.first_chunk::<4>()?;
    let directory = if little {
        u32::from_le_bytes(four)
    } else {
        u32::from_be_bytes(four)
    };
    let directory = usize::try_from(directory).ok()?;
    let entries = usize::from(short(directory)?);
    // An entry has 12 bytes: tag, type, count, value.
    let mut places = (0..entries).map(|n| directory.saturating_add(2 + 12 * n));
    let found = places.find(|at| short(*at) == Some(0x0112))?;
    short(found.saturating_add(8))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The beginning of a JPEG of these sides, held that way.
    pub(in crate::file) fn photo(way: u16, little: bool, width: u16, height: u16) -> Vec<u8> {
        let short = |n: u16| {
            if little {
                n.to_le_bytes()
            } else {
                n.to_be_bytes()
            }
        };
        let long = |n: u32| {
            if little {
                n.to_le_bytes()
            } else {
                n.to_be_bytes()
            }
        };
        let mut tiff = if little {
            b"II*\0".to_vec()
        } else {
            b"MM\0*".to_vec()
        };
        tiff.extend(long(8));
        tiff.extend(short(2));
        for (tag, value) in [(0x010F, 7), (0x0112, way)] {
            tiff.extend(short(tag));
            tiff.extend(short(3));
            tiff.extend(long(1));
            tiff.extend(short(value));
            tiff.extend([0; 2]);
        }
        let mut jpeg = vec![0xFF, 0xD8, 0xFF, 0xE1];
        let length = u16::try_from(tiff.len() + 8).expect("a short segment");
        jpeg.extend(length.to_be_bytes());
        jpeg.extend(b"Exif\0\0");
        jpeg.extend(tiff);
        jpeg.extend([0xFF, 0xC0, 0, 17, 8]);
        jpeg.extend(height.to_be_bytes());
        jpeg.extend(width.to_be_bytes());
        jpeg.extend([3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
        jpeg
    }

    #[test]
    fn a_photo_says_how_the_camera_was_held() {
        for little in [true, false] {
            for way in 1..=8 {
                let photo = photo(way, little, 4_000, 3_000);
                assert_eq!(orientation(&photo), Some(way));
                assert_eq!(on_its_side(&photo), way >= 5);
            }
        }
        assert_eq!(orientation(b"\x89PNG"), None);
        assert_eq!(orientation(&[0xFF, 0xD8, 0xFF, 0xDA, 0, 4, 0, 0]), None);
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_are_it_ends(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            cut in 0_usize..90,
            at in 0_usize..90,
        ) {
            let _ = orientation(&bytes);
            let mut photo = photo(6, true, 4_000, 3_000);
            if let Some(byte) = photo.get_mut(at) {
                *byte ^= 0xFF;
            }
            photo.truncate(cut);
            let _ = orientation(&photo);
        }
    }
}
