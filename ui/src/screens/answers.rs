//! Where what is live answers, and a request to try it with.

use desk_app::query::DeploymentItem;
use desk_uikit::{Card, code, kv, text};
use egui::Ui;

use crate::background::{Slot, Topic};
use crate::cx::Cx;

/// The request that is shown; made in the background, as the golden rows are read for it.
#[derive(Default)]
pub struct Answers {
    request: Slot<String, Option<String>>,
}

impl Answers {
    /// Draws the card of a deployment that is live; nothing where it is not known to answer anywhere.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, live: &DeploymentItem) {
        let Some(url) = live.url.as_ref().filter(|_| live.not_answering_since.is_none()) else { return };
        let id = live.id.clone();
        self.request.ensure(cx.background, id.clone(), Topic::Fixed, move |desk| desk.example_request(&id));
        Card::titled("Where it answers").caption("Open Inference Protocol v2, over HTTP").show(ui, |ui| {
            kv::properties(ui, |kv| {
                kv.copyable("Address", url);
                if let Some(far) = &live.far {
                    kv.text("Where", &far.whose());
                    kv.copyable("From here", &far.tunnel);
                }
            });
            if let Some(Some(request)) = self.request.value.value() {
                ui.add_space(6.0);
                let through = if live.far.is_some() { ", while that tunnel is open" } else { "" };
                text::caption(ui, format!("A request with one of its golden rows{through}"));
                code::line(ui, "request", request);
            }
        });
        ui.add_space(10.0);
    }
}
