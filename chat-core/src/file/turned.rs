//! Which way up a photo is. A camera writes what its sensor saw, and beside it how it was held (Exif 2.32, section
//! 4.6.4, tag 0x0112); browsers turn the picture, so its sides are told as they are seen. Pure.

use std::io::Cursor;

use exif::{In, Reader, Tag};

/// Whether the sides of a JPEG change places when it is shown. Its beginning is enough; a file that is cut off or none
/// says nothing of it.
pub(super) fn on_its_side(jpeg: &[u8]) -> bool {
    let told = Reader::new().read_from_container(&mut Cursor::new(jpeg));
    let way = told.ok().and_then(|told| {
        let field = told.get_field(Tag::Orientation, In::PRIMARY)?;
        field.value.get_uint(0)
    });
    // 5 to 8 are turned by a quarter, with or without a mirror.
    way.is_some_and(|way| (5..=8).contains(&way))
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
        // No directory follows.
        tiff.extend(long(0));
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
                assert_eq!(on_its_side(&photo), way >= 5);
            }
        }
        assert!(!on_its_side(b"\x89PNG") && !on_its_side(b""));
        assert!(!on_its_side(&[0xFF, 0xD8, 0xFF, 0xDA, 0, 4, 0, 0]));
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_are_it_ends(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            cut in 0_usize..90,
            at in 0_usize..90,
        ) {
            on_its_side(&bytes);
            let mut photo = photo(6, true, 4_000, 3_000);
            if let Some(byte) = photo.get_mut(at) {
                *byte ^= 0xFF;
            }
            photo.truncate(cut);
            on_its_side(&photo);
        }
    }
}
