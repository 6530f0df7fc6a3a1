//! Faces for what the house's own lack: Hebrew and Arabic are brought along, the rest is the system's.
//!
//! Nothing is read until a character is met that no face has. The system's fonts are looked through on a thread of
//! their own then; meanwhile there is a box, and once a font is found the window is drawn anew with it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use egui::{Context, FallbackRequest, FontData, FontInsert, FontProvider};
use fontdb::{Database, FaceInfo, Source, Style};
use skrifa::{FontRef, MetadataProvider as _};

/// DejaVu Sans, Hebrew and Arabic only.
pub(crate) const HEBREW_ARABIC: &[u8] = include_bytes!("../../../../assets/fonts/DejaVuSans-HebrewArabic.ttf");

/// Families that are made for reading on a screen, and have a whole script: those go first.
const LIKED: [&str; 9] =
    ["Noto Sans", "Source Han Sans", "PingFang", "Hiragino", "Microsoft", "Segoe UI", "Yu Gothic", "Malgun", "DejaVu"];
/// Families of last resort: a box for everything.
const NO_LETTERS: [&str; 4] = ["LastResort", "Last Resort", "Adobe Blank", "Unifont"];

/// Where fonts are looked for.
#[derive(Debug, Clone)]
enum Place {
    System,
    /// A folder, for tests.
    #[cfg_attr(not(test), expect(dead_code, reason = "for tests"))]
    Folder(PathBuf),
}

/// Asked by egui for characters that no face has.
#[derive(Clone)]
pub struct Fallback(Arc<Shared>);

struct Shared {
    ctx: Context,
    place: Place,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Fonts of the system that were needed.
    fonts: Vec<(String, FontData)>,
    /// Not looked for yet.
    wanted: BTreeSet<char>,
    /// No font of the system has these.
    missing: BTreeSet<char>,
    /// The system's fonts are being looked through.
    looking: bool,
}

impl Fallback {
    /// For a window.
    pub fn install(ctx: &Context) {
        Self::over(ctx, Place::System);
    }

    fn over(ctx: &Context, place: Place) {
        let shared = Shared { ctx: ctx.clone(), place, known: Mutex::default() };
        ctx.set_font_providers(vec![Arc::new(Self(Arc::new(shared)))]);
    }
}

impl FontProvider for Fallback {
    /// Called while text is laid out, so nothing is read here.
    fn font_for(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        let c = request.cluster.chars().next()?;
        let brought = FontData::from_static(HEBREW_ARABIC);
        if has(brought.bytes(), 0, c) {
            return Some(FontInsert::new("hebrew-arabic", brought, Vec::new()));
        }
        let mut known = self.0.known();
        if let Some((name, data)) = known.fonts.iter().find(|(_, data)| has(data.bytes(), data.index, c)) {
            return Some(FontInsert::new(name, data.clone(), Vec::new()));
        }
        if !known.missing.contains(&c) {
            known.wanted.insert(c);
            if !std::mem::replace(&mut known.looking, true) {
                let this = self.clone();
                let began = std::thread::Builder::new().name("fonts".to_owned()).spawn(move || this.look());
                known.looking = began.is_ok();
            }
        }
        None
    }
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fallback {
    /// Looks for all characters that are wanted until there are none left.
    fn look(&self) {
        let mut all = Database::new();
        match &self.0.place {
            Place::System => all.load_system_fonts(),
            Place::Folder(folder) => all.load_fonts_dir(folder),
        }
        let mut faces: Vec<&FaceInfo> = all.faces().collect();
        faces.sort_by_key(|face| rank(face));
        loop {
            let wanted = {
                let mut known = self.0.known();
                known.looking = !known.wanted.is_empty();
                std::mem::take(&mut known.wanted)
            };
            if wanted.is_empty() {
                return;
            }
            let mut found = false;
            for c in wanted {
                found |= self.look_for(c, &all, &faces);
            }
            if found {
                // The same again: what was laid out without these fonts is forgotten with it.
                self.0.ctx.set_font_providers(vec![Arc::new(self.clone())]);
            }
        }
    }

    /// True when a font was found, now or for another character before.
    fn look_for(&self, c: char, all: &Database, faces: &[&FaceInfo]) -> bool {
        if self.0.known().fonts.iter().any(|(_, data)| has(data.bytes(), data.index, c)) {
            return true;
        }
        let fits = |face: &&&FaceInfo| all.with_face_data(face.id, |data, index| has(data, index, c)) == Some(true);
        let font = faces.iter().find(fits).and_then(|face| Some((face, read(face)?)));
        let mut known = self.0.known();
        match font {
            Some((face, data)) => known.fonts.push((format!("system:{}:{}", face.post_script_name, face.index), data)),
            None => drop(known.missing.insert(c)),
        }
        !known.missing.contains(&c)
    }
}

/// The font has an outline for a character; pictures alone cannot be drawn.
fn has(font: &[u8], index: u32, c: char) -> bool {
    let Ok(font) = FontRef::from_index(font, index) else { return false };
    font.charmap().map(c).is_some_and(|glyph| font.outline_glyphs().get(glyph).is_some())
}

fn read(face: &FaceInfo) -> Option<FontData> {
    let bytes = match &face.source {
        // off the frame: on the thread that looks
        Source::File(path) => std::fs::read(path).ok()?,
        Source::Binary(bytes) | Source::SharedFile(_, bytes) => bytes.as_ref().as_ref().to_vec(),
    };
    Some(FontData::from_blob(Arc::new(bytes), face.index))
}

/// The least one is taken: upright, of regular weight, made for a screen.
fn rank(face: &FaceInfo) -> (bool, bool, bool, u16, usize, String) {
    let family = face.families.first().map_or("", |(name, _)| name.as_str());
    let last = NO_LETTERS.iter().any(|name| family.starts_with(name));
    let other = face.monospaced || ["Serif", "Mono", "Math", "Nastaliq"].iter().any(|word| family.contains(word));
    let liked = LIKED.iter().position(|name| family.starts_with(name)).unwrap_or(LIKED.len());
    (last, face.style != Style::Normal, other, face.weight.0.abs_diff(400), liked, family.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fonts::regular;

    /// Lays a text out, and says in how many different faces, boxes not counted; and how wide it is.
    fn drawn(ctx: &Context, text: &str) -> (bool, f32) {
        let mut out = (false, 0.0);
        ctx.run_ui(egui::RawInput::default(), |ui| {
            let all = ui.ctx().fonts_mut(|fonts| text.chars().all(|c| fonts.has_glyph(&regular(13.0), c)));
            let galley = ui.painter().layout_no_wrap(text.to_owned(), regular(13.0), egui::Color32::WHITE);
            out = (all, galley.size().x);
        })
        .drop_without_applying_deltas();
        out
    }

    fn context(place: Place) -> Context {
        let ctx = Context::default();
        ctx.set_fonts(crate::fonts::definitions());
        Fallback::over(&ctx, place);
        ctx
    }

    /// Until the thread has looked, at most a minute.
    fn settled(ctx: &Context, text: &str) -> bool {
        let begun = std::time::Instant::now();
        loop {
            let (all, _) = drawn(ctx, text);
            if all || begun.elapsed().as_secs() > 60 {
                return all;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn hebrew_arabic_and_emoji_are_brought_along_and_wake_nothing() {
        let ctx = context(Place::Folder(PathBuf::from("/nowhere")));
        for name in ["תוצאה", "نتيجة", "😀"] {
            assert!(drawn(&ctx, name).0, "{name}");
        }
        assert!(!drawn(&ctx, "结果").0, "that is the system's");
    }

    #[test]
    fn numbers_beside_a_name_from_right_to_left_read_as_they_are() {
        let ctx = context(Place::Folder(PathBuf::from("/nowhere")));
        let mut digits = String::new();
        ctx.run_ui(egui::RawInput::default(), |ui| {
            let text = "גיל 1234".to_owned();
            let galley = ui.painter().layout_no_wrap(text, regular(13.0), egui::Color32::WHITE);
            let mut glyphs: Vec<_> = galley.rows.iter().flat_map(|row| row.row.glyphs.iter()).collect();
            glyphs.sort_by(|a, b| a.pos.x.total_cmp(&b.pos.x));
            digits = glyphs.iter().map(|glyph| glyph.chr).filter(char::is_ascii_digit).collect();
        })
        .drop_without_applying_deltas();
        assert_eq!(digits, "1234");
    }

    #[test]
    fn what_no_face_has_is_looked_for_and_found_without_stopping_a_frame() {
        let folder = tempfile::tempdir().expect("a folder");
        // Some letters of another script in a font that nobody has installed.
        std::fs::write(folder.path().join("own.ttf"), include_bytes!("../../tests/fonts/armenian.ttf"))
            .expect("written");
        let ctx = context(Place::Folder(folder.path().to_owned()));
        assert!(!drawn(&ctx, "Ա").0, "the first frame does not wait for it");
        assert!(settled(&ctx, "Ա"));
    }

    #[test]
    fn a_script_of_the_system_is_drawn_where_it_has_a_font() {
        let mut all = Database::new();
        all.load_system_fonts();
        let has_it = |face: &FaceInfo| all.with_face_data(face.id, |data, index| has(data, index, 'ა')) == Some(true);
        if !all.faces().any(has_it) {
            println!("skipped: no font of this system has Georgian letters");
            return;
        }
        let ctx = context(Place::System);
        assert!(settled(&ctx, "ასაკი"));
    }
}
