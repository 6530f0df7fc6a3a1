//! The icons that the window uses, by what they mean here.

use egui::{Color32, RichText};

use crate::fonts;

macro_rules! icons {
    ($($name:ident = $glyph:ident),* $(,)?) => {
        /// An icon of the Lucide set, named after its meaning in this window.
        #[expect(missing_docs, reason = "the names say what they stand for")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Icon { $($name,)* }

        impl Icon {
            /// Every icon, for tests and galleries.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            fn glyph(self) -> lucide_icons::Icon {
                match self { $(Self::$name => lucide_icons::Icon::$glyph,)* }
            }
        }
    };
}

icons! {
    Home = House, Models = Boxes, Model = Box, Version = Layers, Alias = Tag,
    Deploy = Rocket, Target = Server, LocalTarget = Monitor, Credential = KeyRound, Activity = Activity,
    Settings = Settings, Help = CircleQuestionMark, Search = Search, Command = Command,
    Bell = Bell, PanelRight = PanelRight, PanelLeft = PanelLeft, PanelBottom = PanelBottom,
    Import = Upload, Export = Download, Browse = FolderOpen, File = File, Text = FileText,
    Run = Play, Stop = Square, Retry = RefreshCw, Undo = RotateCcw, History = History,
    Add = Plus, Remove = Trash2, Edit = Pencil, Copy = Copy, Close = X, Check = Check,
    Ok = CircleCheck, Fail = CircleX, Warn = TriangleAlert, Info = Info, Hint = Lightbulb,
    Pending = CircleDashed, Running = CircleDot, Idle = Circle, Cancelled = Ban, Clock = Clock,
    Right = ChevronRight, Left = ChevronLeft, Down = ChevronDown, Up = ChevronUp, Back = ArrowLeft, Forward = ArrowRight,
    SortUp = ArrowUp, SortDown = ArrowDown, Sort = ArrowUpDown, Filter = ListFilter,
    Show = Eye, Hide = EyeOff, Sun = Sun, Moon = Moon, Appearance = Palette, Runtime = Cpu,
    Storage = HardDrive, Sample = Sparkles, Table = Table, Chart = ChartColumn, Test = FlaskConical,
    Terminal = Terminal, Proof = ShieldCheck, Lock = Lock, Fingerprint = Fingerprint, More = Ellipsis,
    Minus = Minus, Keyboard = Keyboard, Enter = CornerDownLeft, Unplugged = Unplug, Globe = Globe,
    Link = Link, Graph = Network, Fit = Maximize, Explain = Workflow, Fast = Zap, Archive = Archive, Grip = GripVertical,
    Pin = Pin, Unpin = PinOff, Columns = Columns3,
    Swap = ArrowLeftRight, Differs = Diff, Map = Map,
}

impl Icon {
    /// The glyph, to be drawn with [`fonts::icons`].
    pub fn text(self) -> String {
        char::from(self.glyph()).to_string()
    }

    /// The glyph as rich text at a size and colour.
    pub fn rich(self, size: f32, color: Color32) -> RichText {
        RichText::new(self.text()).font(fonts::icons(size)).color(color)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_has_its_own_glyph() {
        let mut glyphs: Vec<String> = Icon::ALL.iter().map(|icon| icon.text()).collect();
        glyphs.sort_unstable();
        let all = glyphs.len();
        glyphs.dedup();
        assert_eq!(glyphs.len(), all, "two meanings share a glyph");
    }
}
