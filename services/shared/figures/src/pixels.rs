//! A figure as pixels, for what takes no SVG: slides, word processors, print.
//!
//! Letters are those of DejaVu, which are a part of the program: a figure looks the same whatever fonts a machine has, and
//! gives the same bytes wherever the same program runs. A letter that DejaVu lacks, such as every Chinese one, is an
//! empty box.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, Source};
use resvg::usvg::{self, ImageHrefResolver, Options, Tree};

/// 64 MiB while it is drawn, and as much again while it is packed.
const MOST_PIXELS: f64 = (16 << 20) as f64;

/// Why there is no PNG.
#[derive(Debug, thiserror::Error)]
pub enum Undrawn {
    #[error("{width} × {height} pixels are more than are drawn")]
    TooLarge { width: f64, height: f64 },

    #[error(transparent)]
    Unreadable(#[from] usvg::Error),

    #[error("no PNG could be written: {0}")]
    Unwritten(String),
}

/// A [file](crate::Sheet::file) as a PNG, light and on its paper, with so many pixels for each of its own.
///
/// Takes tenths of a second: keep it off threads that others wait for.
pub fn png(svg: &str, scale: u8) -> Result<Vec<u8>, Undrawn> {
    // Rules for the dark are rules about media, which are passed over.
    let tree = Tree::from_str(svg, &options())?;
    let scale = f32::from(scale.max(1));
    let size = tree.size();
    let side = |length: f32| f64::from((length * scale).ceil());
    let (width, height) = (side(size.width()), side(size.height()));
    let too_large = Undrawn::TooLarge { width, height };
    if width * height > MOST_PIXELS {
        return Err(too_large);
    }
    let mut pixels = Pixmap::new(width as u32, height as u32).ok_or(too_large)?;
    let transform = Transform::from_scale(scale, scale);
    resvg::render(&tree, transform, &mut pixels.as_mut());
    let written = pixels.encode_png();
    written.map_err(|error| Undrawn::Unwritten(error.to_string()))
}

/// A figure has no pictures in it, and if it had, no file is read for it.
fn options() -> Options<'static> {
    Options {
        fontdb: LETTERS.clone(),
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    }
}

static LETTERS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut letters = Database::new();
    let faces = [
        dejavu::sans::regular(),
        dejavu::sans::bold(),
        dejavu::serif::bold(),
    ];
    for face in faces {
        letters.load_font_source(Source::Binary(Arc::new(face)));
    }
    letters.set_sans_serif_family("DejaVu Sans");
    letters.set_serif_family("DejaVu Serif");
    Arc::new(letters)
});
