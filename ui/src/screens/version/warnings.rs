//! What to know about a result before it is believed: the one place for warnings of tests and explanations.

use desk_uikit::{Button, Icon, Tokens, text};
use egui::{CornerRadius, Frame, Margin, Stroke, Ui};

use crate::fault::sentence;
use crate::hints::by_fields;

/// So many are shown at once; more are a click away, so that the numbers stay in sight.
const SHOWN: usize = 4;

/// Shows warnings above a result, one line each.
pub fn show(ui: &mut Ui, warnings: &[String]) {
    if warnings.is_empty() {
        return;
    }
    let t = Tokens::of(ui);
    let frame = Frame::new()
        .fill(t.raised)
        .stroke(Stroke::new(1.0, t.warn.gamma_multiply(0.6)))
        .corner_radius(CornerRadius::same(desk_uikit::tokens::RADIUS_CARD))
        .inner_margin(Margin::symmetric(12, 8));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let id = ui.make_persistent_id("all-warnings");
        let mut all = ui.data(|data| data.get_temp(id)).unwrap_or(false);
        let shown = if all || warnings.len() <= SHOWN + 1 { warnings.len() } else { SHOWN };
        for warning in &warnings[..shown] {
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                ui.label(Icon::Warn.rich(14.0, t.warn));
                text::body(ui, sentence(&by_fields(warning)));
            });
        }
        if warnings.len() > SHOWN + 1 {
            let label = if all { "Show fewer".to_owned() } else { format!("Show {} more", warnings.len() - SHOWN) };
            if ui.add(Button::ghost(&label)).clicked() {
                all = !all;
                ui.data_mut(|data| data.insert_temp(id, all));
            }
        }
    });
    ui.add_space(6.0);
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    #[test]
    fn many_warnings_leave_room_and_none_is_lost() {
        let warnings: Vec<String> = (1..=9).map(|i| format!("column c{i} holds a category that is new")).collect();
        let mut harness = Harness::builder()
            .with_size([600.0, 400.0])
            .with_context_setup(desk_uikit::install)
            .build_ui(move |ui| super::show(ui, &warnings));
        harness.run_steps(2);
        let count = |harness: &Harness<'_>| harness.query_all_by_label_contains("Column c").count();
        assert_eq!(count(&harness), super::SHOWN);
        harness.get_by_label("Show 5 more").click();
        harness.run_steps(2);
        assert_eq!(count(&harness), 9);
        harness.get_by_label("Show fewer").click();
        harness.run_steps(2);
        assert_eq!(count(&harness), super::SHOWN);
    }
}
