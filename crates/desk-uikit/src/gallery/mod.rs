//! Every component in every state, for people who build screens and for the pictures that guard them.

mod charts;
mod content;
mod controls;
mod explained;
mod states;

use egui::{ScrollArea, Ui};

use crate::field::{check, segments};
use crate::theme::{Appearance, ThemeChoice};
use crate::{Row, Tokens, text};

/// What paints a page, with what it remembers between frames.
pub type Painting = Box<dyn FnMut(&mut Ui)>;

/// One page of the gallery.
pub struct Page {
    /// The name of its pictures.
    pub name: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What it is among.
    pub group: &'static str,
    /// Width and height in points that its picture needs.
    pub size: [f32; 2],
    /// Begins it.
    pub make: fn() -> Painting,
}

/// All pages, in order.
pub const PAGES: &[Page] = &[
    Page { name: "button", title: "Buttons", group: "Controls", size: [520.0, 130.0], make: controls::button },
    Page {
        name: "button_focus",
        title: "Focus",
        group: "Controls",
        size: [200.0, 50.0],
        make: controls::button_focus_on_primary,
    },
    Page { name: "row", title: "Rows", group: "Controls", size: [240.0, 260.0], make: controls::row },
    Page { name: "tabs", title: "Tabs", group: "Controls", size: [420.0, 60.0], make: controls::tabs },
    Page { name: "badge", title: "Badges", group: "Controls", size: [520.0, 90.0], make: controls::badge },
    Page { name: "chip", title: "Chips", group: "Controls", size: [520.0, 50.0], make: controls::chip },
    Page { name: "field", title: "Fields", group: "Controls", size: [560.0, 400.0], make: controls::fields },
    Page {
        name: "palette",
        title: "Command palette",
        group: "Controls",
        size: [720.0, 320.0],
        make: controls::command_palette,
    },
    Page {
        name: "card_metric",
        title: "Cards and metrics",
        group: "Content",
        size: [760.0, 260.0],
        make: content::card_and_metric,
    },
    Page { name: "kv", title: "Properties", group: "Content", size: [300.0, 210.0], make: content::properties },
    Page { name: "code", title: "Code", group: "Content", size: [420.0, 150.0], make: content::code_block },
    Page { name: "table", title: "Tables", group: "Content", size: [720.0, 520.0], make: content::table },
    Page {
        name: "progress",
        title: "Work in progress",
        group: "States",
        size: [420.0, 170.0],
        make: states::work_in_progress,
    },
    Page { name: "loadable", title: "Loading", group: "States", size: [300.0, 230.0], make: states::loadable },
    Page { name: "empty", title: "Nothing yet", group: "States", size: [560.0, 250.0], make: states::empty_state },
    Page { name: "error", title: "Errors", group: "States", size: [560.0, 260.0], make: states::error },
    Page { name: "toast", title: "Notices", group: "States", size: [420.0, 280.0], make: states::toast },
    Page { name: "confirm", title: "Confirmation", group: "States", size: [640.0, 340.0], make: states::confirm },
    Page {
        name: "plot_waterfall",
        title: "Waterfall",
        group: "Charts",
        size: [620.0, 306.0],
        make: charts::plot_waterfall,
    },
    Page { name: "plot_bars", title: "Bars", group: "Charts", size: [480.0, 210.0], make: charts::plot_bars },
    Page {
        name: "plot_beeswarm",
        title: "Beeswarm",
        group: "Charts",
        size: [620.0, 290.0],
        make: charts::plot_beeswarm,
    },
    Page {
        name: "plot_dependence",
        title: "Dependence",
        group: "Charts",
        size: [560.0, 806.0],
        make: charts::plot_dependence,
    },
    Page { name: "plot_lines", title: "Lines", group: "Charts", size: [720.0, 312.0], make: charts::plot_lines },
    Page { name: "plot_latency", title: "Latency", group: "Charts", size: [720.0, 350.0], make: charts::plot_latency },
    Page {
        name: "plot_histogram_heat",
        title: "Histogram and heat map",
        group: "Charts",
        size: [900.0, 470.0],
        make: charts::plot_histogram_and_heat,
    },
    Page { name: "plot_force", title: "Force", group: "Charts", size: [720.0, 230.0], make: explained::plot_force },
    Page {
        name: "plot_decision",
        title: "Decision",
        group: "Charts",
        size: [620.0, 330.0],
        make: explained::plot_decision,
    },
    Page { name: "plot_map", title: "Maps", group: "Charts", size: [680.0, 820.0], make: explained::plot_map },
    Page {
        name: "plot_overlay",
        title: "Pictures",
        group: "Charts",
        size: [760.0, 490.0],
        make: explained::plot_overlay,
    },
    Page {
        name: "plot_branches",
        title: "Trees",
        group: "Charts",
        size: [720.0, 290.0],
        make: explained::plot_branches,
    },
];

/// The gallery as a window shows it.
pub struct Gallery {
    look: Appearance,
    current: usize,
    painting: Painting,
}

impl Default for Gallery {
    fn default() -> Self {
        Self { look: Appearance::default(), current: 0, painting: (PAGES[0].make)() }
    }
}

impl Gallery {
    /// Shows the list of pages, the switches, and the chosen page.
    pub fn show(&mut self, ui: &mut Ui) {
        let frame = |fill| egui::Frame::new().fill(fill).inner_margin(12);
        let t = Tokens::of(ui);
        egui::Panel::left("pages").frame(frame(t.panel)).exact_size(220.0).show(ui, |ui| {
            ScrollArea::vertical().show(ui, |ui| self.list(ui));
        });
        egui::Panel::top("switches").frame(frame(t.panel)).show(ui, |ui| self.switches(ui));
        egui::CentralPanel::default().frame(frame(t.bg)).show(ui, |ui| {
            let page = &PAGES[self.current];
            text::title(ui, page.title);
            ui.add_space(12.0);
            ScrollArea::both().show(ui, |ui| {
                ui.set_max_width(page.size[0]);
                (self.painting)(ui);
            });
        });
    }

    fn list(&mut self, ui: &mut Ui) {
        ui.spacing_mut().item_spacing.y = 2.0;
        let mut group = "";
        for (i, page) in PAGES.iter().enumerate() {
            if page.group != group {
                group = page.group;
                ui.add_space(8.0);
                text::caption(ui, group);
            }
            if ui.add(Row::new(page.title).selected(i == self.current)).clicked() {
                self.current = i;
                self.painting = (page.make)();
            }
        }
    }

    fn switches(&mut self, ui: &mut Ui) {
        let before = self.look;
        ui.horizontal_wrapped(|ui| {
            segments(ui, "Theme", &mut self.look.theme, &ThemeChoice::ALL.map(|choice| (choice, choice.label())));
            check(ui, &mut self.look.high_contrast, "High contrast");
            check(ui, &mut self.look.compact, "Compact");
            check(ui, &mut self.look.reduce_motion, "Reduce motion");
            segments(ui, "Size", &mut self.look.zoom, &[(0.8, "80 %"), (1.0, "100 %"), (1.5, "150 %"), (2.0, "200 %")]);
        });
        if self.look != before {
            self.look.apply(ui.ctx());
        }
    }
}
