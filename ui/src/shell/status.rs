//! The status bar: the running job, what is live, the home folder.

use desk_uikit::{Icon, Tokens, fonts, format, paint, progress};
use egui::{Align, Layout, RichText, Role, Sense, Ui, WidgetInfo, vec2};

use crate::command::UiCommand;
use crate::cx::{Action, Cx};
use crate::fault::words;

/// Draws the status bar.
pub fn show(ui: &mut Ui, cx: &Cx<'_>) {
    let t = Tokens::of(ui);
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().interact_size.y = 16.0;
        let small = |text: String, ink| RichText::new(text).font(fonts::regular(fonts::size::SMALL)).color(ink);
        let running: Vec<_> = cx.jobs.running().collect();
        if let Some(job) = running.first() {
            let p = job.progress.as_ref();
            let fraction = p.and_then(desk_core::Progress::fraction);
            let percent = fraction.map(|f| format!("  {}", format::percent(f64::from(f)))).unwrap_or_default();
            let more = if running.len() > 1 { format!("  and {} more", running.len() - 1) } else { String::new() };
            let text = format!("{}{percent}{more}", words(&job.title));
            let galley = ui.painter().layout_no_wrap(text.clone(), fonts::regular(fonts::size::SMALL), t.text);
            let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 20.0, 20.0), Sense::click());
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &text));
            paint::icon(
                ui.painter(),
                rect.left_center() + vec2(6.0, 0.0),
                crate::jobs::icon(&job.command),
                12.0,
                t.accent,
            );
            paint::galley_left(ui.painter(), rect.left() + 18.0, rect.center().y, galley);
            paint::focus_ring(ui, &response, rect, 4);
            if response.clicked() {
                cx.act(Action::Ui(UiCommand::ToggleDrawer));
            }
            progress::bar(ui, fraction, 110.0, 5.0);
        } else if let Some(job) = cx.jobs.list.first() {
            let (tone, word) = crate::fault::job_state(job.state);
            let ink = tone.colors(t).0;
            let (mark, _) = ui.allocate_exact_size(vec2(12.0, 16.0), Sense::hover());
            paint::icon(ui.painter(), mark.center(), tone.icon(), 12.0, ink);
            let age = crate::ages::ago(&crate::ages::after(&job.started_at, job.seconds));
            ui.label(small(format!("{}: {}, {age}", words(&job.title), word.to_lowercase()), t.sub));
        } else {
            ui.label(small("Ready".to_owned(), t.sub));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            // Until it is known, nothing is counted.
            let Some(list) = cx.lists.models.value.value() else { return };
            let models = list.len() as u64;
            let live: u64 = list.iter().map(|m| u64::from(m.live)).sum();
            let silent = cx.lists.silent().count() as u64;
            let answering = live.saturating_sub(silent);
            let silent = if silent > 0 { format!(", {silent} not answering") } else { String::new() };
            let models = format::plural(models, "model", "models");
            ui.label(small(format!("{models} · {answering} live{silent}"), t.sub));
            let (mark, _) = ui.allocate_exact_size(vec2(12.0, 16.0), Sense::hover());
            paint::icon(ui.painter(), mark.center(), Icon::Storage, 12.0, t.sub);
        });
    });
}
