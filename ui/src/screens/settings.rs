//! Settings: how the window looks, the runtime, storage, shortcuts, licences.

mod runtime;

use desk_app::command::Gc;
use desk_app::query::StorageView;
use desk_app::{Command, Outcome};
use desk_uikit::field::{self, Field};
use desk_uikit::loadable::loadable_view;
use desk_uikit::table::{Cell, Column, MemTable, Table};
use desk_uikit::{Appearance, Badge, Button, Card, Icon, Tabs, ThemeChoice, Tone, format, kv, text};
use egui::Ui;

use crate::background::{Slot, Topic};
use crate::command::UiCommand;
use crate::cx::{Action, Cx};
use crate::jobs;
use crate::route::{Route, Section};
use runtime::Runtime;

/// What the screen remembers.
#[derive(Default)]
pub struct Settings {
    storage: Slot<usize, StorageView>,
    runtime: Runtime,
    dismissed: Option<String>,
}

impl Settings {
    /// Draws the screen.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, section: Section) {
        super::header(ui, |ui| drop(text::title(ui, "Settings")), |_| {});
        let frame = egui::Frame::new().inner_margin(egui::Margin::symmetric(super::MARGIN, 0));
        frame.show(ui, |ui| {
            if let Some(section) = Tabs::new(&Section::ALL).show(ui, section) {
                cx.go(Route::Settings(section));
            }
        });
        crate::shell::scroll(ui, &format!("{section:?}"), |ui| {
            super::inset(ui, |ui| {
                ui.vertical(|ui| {
                    if section != Section::Shortcuts {
                        // Lines of text and forms are not read across a whole screen.
                        ui.set_max_width(ui.available_width().min(720.0));
                    }
                    self.section(ui, cx, section);
                });
            });
        });
    }

    fn section(&mut self, ui: &mut Ui, cx: &Cx<'_>, section: Section) {
        match section {
            Section::Appearance => appearance(ui, cx),
            Section::Runtime => self.runtime.show(ui, cx),
            Section::Storage => self.storage(ui, cx),
            Section::Shortcuts => shortcuts(ui),
            Section::About => about(ui),
        }
    }

    fn storage(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let finished = cx.jobs.list.iter().filter(|job| job.state.is_final()).count();
        self.storage.ensure(cx.background, finished, Topic::Any, desk_app::Desk::storage);
        let slot = &mut self.storage;
        Card::titled("Home").show(ui, |ui| {
            let retry = loadable_view(ui, &slot.value, |ui, view| {
                kv::properties(ui, |kv| {
                    kv.copyable("Folder", &view.home);
                    let files = format::plural(view.blobs, "file", "files");
                    kv.text("Stored", &format!("{} in {files}, each stored once", format::bytes(view.blob_bytes)));
                    kv.text("Registry", &format::bytes(view.registry_bytes));
                });
            });
            if retry {
                slot.again();
            }
            text::caption_wrapped(ui, "Another folder can be named with --home DIR or in MODELDESK_HOME");
        });
        ui.add_space(10.0);
        Card::titled("Upkeep").show(ui, |ui| {
            let verify = Command::Verify(desk_app::command::Verify::default());
            cx.primary(ui, Icon::Proof, "Verify everything", Ok(verify));
            text::caption(ui, "Reads every stored file and compares it with its digest");
            ui.add_space(8.0);
            clean_up(ui, cx);
        });
        ui.add_space(8.0);
        let either = |command: &Command| matches!(command, Command::Verify(_) | Command::Gc(_));
        jobs::above_results(ui, cx, &mut self.dismissed, either);
        let mine = |command: &Command| matches!(command, Command::Verify(_));
        if let Some(Outcome::Verify(found)) = jobs::newest(cx, mine).and_then(|job| job.outcome.as_ref()) {
            let checked = format::plural(found.checked, "thing", "things");
            if found.ok {
                ui.add(Badge::new(Tone::Ok, &format!("{checked} checked, all as they were stored")).plain());
            }
            for problem in &found.problems {
                ui.add(Badge::new(Tone::Err, problem).plain());
            }
        }
    }
}

/// Looks for files that nothing names, says how many there are, and removes them when asked.
fn clean_up(ui: &mut Ui, cx: &Cx<'_>) {
    let gc = |command: &Command| matches!(command, Command::Gc(_));
    let busy = cx.jobs.running().any(|job| gc(&job.command));
    let found = match jobs::newest(cx, gc).and_then(|job| job.outcome.as_ref()) {
        Some(Outcome::Collected(found)) => Some(found),
        _ => None,
    };
    let waiting = found.filter(|found| found.dry_run && found.blobs + found.folders > 0);
    ui.horizontal(|ui| {
        let under_way = busy.then_some("It is under way");
        let look = Command::Gc(Gc { dry_run: true });
        let button = Button::secondary("Look for unused files").icon(Icon::Search).disabled_if(under_way);
        if ui.add(button).clicked() {
            cx.run(look.clone());
        }
        let remove = Command::Gc(Gc { dry_run: false });
        if let Some(found) = waiting {
            let label = format!("Remove {}", format::bytes(found.bytes));
            if ui.add(Button::secondary(&label).icon(Icon::Remove).disabled_if(under_way)).clicked() {
                cx.run(remove.clone());
            }
        }
        cx.copy_command(ui, if waiting.is_some() { &remove } else { &look });
    });
    let text = match found {
        None => "Files that no version, run or job names any more can be removed".to_owned(),
        Some(found) if found.blobs + found.folders == 0 && found.spared == 0 => "Nothing is unused".to_owned(),
        Some(found) if found.blobs + found.folders == 0 => {
            let files = format::plural(found.spared, "unused file is", "unused files are");
            format!("{files} too new to be removed: look again in a minute, when nothing runs")
        }
        Some(found) => {
            let files = format::plural(found.blobs, "unused file", "unused files");
            let verb = if found.dry_run { "found" } else { "removed" };
            format!("{files} {verb}, {}", format::bytes(found.bytes))
        }
    };
    text::caption(ui, text);
}

fn appearance(ui: &mut Ui, cx: &Cx<'_>) {
    let mut look = cx.look;
    Card::titled("Appearance").show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 12.0;
        let themes = ThemeChoice::ALL.map(|theme| (theme, theme.label()));
        Field::new("Theme").show_segments(ui, &mut look.theme, &themes);
        ui.vertical(|ui| {
            let t = desk_uikit::Tokens::of(ui);
            let label =
                egui::RichText::new("Interface size").font(desk_uikit::fonts::medium(desk_uikit::fonts::size::SMALL));
            ui.label(label.color(t.sub));
            ui.horizontal(|ui| zoom(ui, &mut look));
        });
        let densities = [(false, "Comfortable"), (true, "Compact")];
        Field::new("Density").show_segments(ui, &mut look.compact, &densities);
        field::check(ui, &mut look.high_contrast, "High contrast");
        field::check(ui, &mut look.reduce_motion, "Reduce motion");
    });
    if look != cx.look {
        cx.act(Action::Look(look));
    }
}

fn zoom(ui: &mut Ui, look: &mut Appearance) {
    let mut button = |ui: &mut Ui, icon, command: UiCommand, steps| {
        let zoomed = look.zoomed(steps);
        let end = (zoomed == *look).then_some("This is the end of the range");
        let keys = command.shortcut_text(ui.ctx());
        if ui.add(Button::icon_only(icon, command.text()).shortcut(keys).disabled_if(end)).clicked() {
            *look = zoomed;
        }
    };
    button(ui, Icon::Minus, UiCommand::ZoomOut, -1);
    button(ui, Icon::Add, UiCommand::ZoomIn, 1);
    text::strong(ui, format::percent(f64::from(look.zoom)));
    if look.zoom != 1.0 && ui.add(Button::ghost("Reset")).clicked() {
        *look = look.zoomed(0);
    }
}

fn shortcuts(ui: &mut Ui) {
    let columns = vec![Column::text("Command"), Column::text("Keys").narrow(), Column::text("What it does")];
    let mut rows: Vec<Vec<Cell<'static>>> = UiCommand::ALL
        .into_iter()
        .filter(|command| !command.shortcuts().is_empty())
        .map(|command| {
            vec![
                Cell::text(command.text()).strong(),
                Cell::text(command.keys_text(ui.ctx())).mono(),
                Cell::text(command.tooltip()),
            ]
        })
        .collect();
    // Keys of tables belong to no command.
    rows.extend(
        crate::help::table_keys(ui.ctx())
            .map(|(what, keys, more)| vec![Cell::text(what).strong(), Cell::text(keys).mono(), Cell::text(more)]),
    );
    let mut table = MemTable::new(columns, rows);
    let height = desk_uikit::table::HEADER + desk_uikit::table::row_height(ui, desk_uikit::table::Mode::Rows) * 60.0;
    Table::list("shortcuts", "Shortcuts").max_height(height).show_mem(ui, &mut table);
}

fn about(ui: &mut Ui) {
    Card::titled("Modeldesk").show(ui, |ui| {
        kv::properties(ui, |kv| {
            kv.text("Version", env!("CARGO_PKG_VERSION"));
            kv.text("Licence", "MIT or Apache-2.0");
            kv.text("Typefaces", "Inter and JetBrains Mono, SIL Open Font License 1.1");
            kv.text("Icons", "Lucide, ISC licence");
        });
        text::caption_wrapped(ui, "Works offline; the network is used only for a target that you named");
    });
}
