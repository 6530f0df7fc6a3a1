//! The frame around every chart: its heading, the same numbers as a table, its sentence, and ways to take it along.

use egui::{Popup, Ui};

use super::picture::{self, Picture};
use crate::button::Button;
use crate::card::Card;
use crate::icon::Icon;
use crate::table::{Cell, Column, Format, MemTable, Table, copy_all};
use crate::tokens::Marks;
use crate::{Row, text};

/// Pictures have at least this width, so that one from a narrow window can be read too.
const LEAST_WIDTH: f32 = 480.0;

/// What is wanted of a chart; the window has the clipboard and the file dialog.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// The picture into the clipboard, as pixels.
    CopyPicture(Picture),
    /// The picture into a file, as drawing or as pixels.
    SavePicture(Picture, PictureFormat, String),
    /// Text into the clipboard.
    CopyText(String),
    /// The numbers into a file, as CSV.
    SaveData(String, String),
}

/// What a picture is kept as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureFormat {
    /// A drawing that can be enlarged and edited.
    Svg,
    /// Pixels, two for a point.
    Png,
}

impl PictureFormat {
    /// The end of the file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }
}

/// A chart in its card.
#[must_use]
pub struct Figure<'a> {
    title: &'a str,
    caption: &'a str,
    summary: Option<String>,
    sentence: Option<String>,
    aside: String,
    source: String,
    width: Option<f32>,
    min_height: f32,
}

impl<'a> Figure<'a> {
    /// A chart with its heading; the heading tells it from its neighbours too.
    pub fn new(title: &'a str) -> Self {
        Self {
            title,
            caption: "",
            summary: None,
            sentence: None,
            aside: String::new(),
            source: String::new(),
            width: None,
            min_height: 0.0,
        }
    }

    /// A quiet line beside the heading.
    pub fn caption(mut self, caption: &'a str) -> Self {
        self.caption = caption;
        self
    }

    /// The chart in a sentence, shown below it.
    pub fn summary(mut self, summary: String) -> Self {
        self.summary = Some(summary);
        self
    }

    /// The chart in a sentence to copy, where the chart says enough without it.
    pub fn sentence(mut self, sentence: String) -> Self {
        self.sentence = Some(sentence);
        self
    }

    /// What stands behind the caption in the window alone, such as an age: a picture keeps no time.
    pub fn aside(mut self, aside: String) -> Self {
        self.aside = aside;
        self
    }

    /// What pictures and sentences that leave the window say they are of.
    pub fn source(mut self, source: String) -> Self {
        self.source = source;
        self
    }

    /// The outer width; without it, all that is available.
    pub fn width(mut self, width: f32) -> Self {
        self.width = Some(width);
        self
    }

    /// The least outer height, so that figures in one row end together.
    pub fn min_height(mut self, height: f32) -> Self {
        self.min_height = height;
        self
    }

    /// Shows the chart or its table. `chart` paints, once more for a picture; `table` has the same numbers.
    pub fn show(
        self,
        ui: &mut Ui,
        mut chart: impl FnMut(&mut Ui),
        table: impl Fn() -> (Vec<Column>, Vec<Vec<Cell<'static>>>),
    ) -> Option<Wish> {
        let id = ui.make_persistent_id((self.title, self.caption, "figure"));
        let mut as_table = ui.data(|data| data.get_temp::<bool>(id)).unwrap_or(false);
        let was = as_table;
        let mut chosen = None;
        let shown: Vec<&str> = [self.caption, &self.aside].into_iter().filter(|part| !part.is_empty()).collect();
        let shown = shown.join(" · ");
        let mut card = Card::titled(self.title).min_height(self.min_height);
        if !shown.is_empty() {
            card = card.caption(&shown);
        }
        if let Some(width) = self.width {
            card = card.width(width);
        }
        let made = || {
            let (columns, rows) = table();
            MemTable::new(columns, rows)
        };
        card.show_with_actions(
            ui,
            |ui| {
                let more = ui.add(
                    Button::icon_only(Icon::More, &format!("{}: copy or save", self.title)).tooltip("Copy or save"),
                );
                chosen = menu(&more);
                let name = format!("{} as a table", self.title);
                let toggle = Button::icon_only(Icon::Table, &name).selected(as_table);
                if ui.add(toggle.tooltip(if as_table { "Show the chart" } else { "Show the numbers" })).clicked() {
                    as_table = !as_table;
                }
            },
            |ui| {
                if was {
                    Table::data(self.title, self.title).max_height(260.0).show_mem(ui, &mut made());
                } else {
                    chart(ui);
                }
                if let Some(summary) = &self.summary {
                    ui.add_space(4.0);
                    text::sub(ui, summary.as_str());
                }
            },
        );
        if as_table != was {
            ui.data_mut(|data| data.insert_temp(id, as_table));
        }
        chosen.map(|item| {
            let width = ui.available_width().min(self.width.unwrap_or(f32::INFINITY)).max(LEAST_WIDTH);
            let mut picture = || {
                picture::draw(ui.ctx().theme(), Marks::of(ui.ctx()), width, |ui| {
                    heading(ui, self.title, self.caption);
                    chart(ui);
                    if let Some(summary) = &self.summary {
                        ui.add_space(4.0);
                        text::sub(ui, summary.as_str());
                    }
                    if !self.source.is_empty() {
                        ui.add_space(4.0);
                        text::caption(ui, self.source.as_str());
                    }
                })
            };
            let name = file_name(self.title);
            match item {
                Item::CopyPicture => Wish::CopyPicture(picture()),
                Item::Save(format) => Wish::SavePicture(picture(), format, name),
                Item::CopyData => Wish::CopyText(copy_all(&made(), Format::Tsv)),
                Item::CopySummary => Wish::CopyText(self.said()),
                Item::SaveData => Wish::SaveData(copy_all(&made(), Format::Csv), name),
            }
        })
    }

    /// The sentence with what it is of.
    fn said(&self) -> String {
        let of =
            if self.caption.is_empty() { self.title.to_owned() } else { format!("{}, {}", self.title, self.caption) };
        let said = match self.sentence.as_ref().or(self.summary.as_ref()) {
            Some(sentence) => format!("{of}: {sentence}"),
            None => of,
        };
        if self.source.is_empty() { said } else { format!("{said} ({})", self.source) }
    }
}

fn heading(ui: &mut Ui, title: &str, caption: &str) {
    ui.horizontal(|ui| {
        text::section(ui, title);
        text::caption(ui, caption);
    });
    ui.add_space(4.0);
}

/// `ROC curve` becomes `roc-curve`.
fn file_name(title: &str) -> String {
    let plain: String = title.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "chart".to_owned() } else { parts.join("-") }
}

#[derive(Debug, Clone, Copy)]
enum Item {
    CopyPicture,
    Save(PictureFormat),
    CopyData,
    CopySummary,
    SaveData,
}

const ITEMS: [(&str, Icon, Item); 6] = [
    ("Copy picture", Icon::Copy, Item::CopyPicture),
    ("Save as PNG…", Icon::Export, Item::Save(PictureFormat::Png)),
    ("Save as SVG…", Icon::Export, Item::Save(PictureFormat::Svg)),
    ("Copy numbers", Icon::Table, Item::CopyData),
    ("Save numbers as CSV…", Icon::Export, Item::SaveData),
    ("Copy the sentence", Icon::Text, Item::CopySummary),
];

fn menu(button: &egui::Response) -> Option<Item> {
    let mut chosen = None;
    Popup::menu(button).show(|ui| {
        ui.set_min_width(190.0);
        ui.spacing_mut().item_spacing.y = 2.0;
        for (label, icon, item) in ITEMS {
            if ui.add(Row::new(label).icon(icon)).clicked() {
                chosen = Some(item);
                ui.close();
            }
        }
    });
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_after_the_heading() {
        assert_eq!(file_name("ROC curve"), "roc-curve");
        assert_eq!(file_name("Row 4: why “yes”?"), "row-4-why-yes");
        assert_eq!(file_name("…"), "chart");
    }
}
