//! What people press, choose and type in.

use super::Painting;
use crate::field::{self, Field, Range, SecretText};
use crate::{Badge, Button, Chip, Icon, Row, Tabs, Tone, palette};

/// Buttons.
pub(super) fn button() -> Painting {
    Box::new(move |ui| {
        ui.horizontal(|ui| {
            ui.add(Button::primary("Run tests").icon(Icon::Run));
            ui.add(Button::secondary("Deploy…").icon(Icon::Deploy));
            ui.add(Button::secondary("Compare"));
            ui.add(Button::ghost("Copy details"));
            ui.add(Button::danger("Remove").icon(Icon::Remove));
        });
        ui.horizontal(|ui| {
            ui.add(Button::primary("Run tests").disabled_because("Choose a data file first"));
            ui.add(Button::secondary("Deploy…").icon(Icon::Deploy).disabled_because("There is no target yet"));
            ui.add(Button::icon_only(Icon::Bell, "Notifications"));
            ui.add(Button::icon_only(Icon::PanelRight, "Inspector").selected(true));
        });
        let first = ui.add(Button::secondary("Has the focus"));
        first.request_focus();
        ui.add(Button::primary("As wide as there is space").full_width());
    })
}

/// Focus.
pub(super) fn button_focus_on_primary() -> Painting {
    Box::new(move |ui| {
        ui.add(Button::primary("Deploy v2")).request_focus();
    })
}

/// Rows.
pub(super) fn row() -> Painting {
    Box::new(move |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.add(Row::new("Models").icon(Icon::Models).trailing("12"));
        ui.add(Row::new("churn-gbt").icon(Icon::Model).trailing("v7").indent(1).selected(true));
        ui.add(Row::new("a-model-with-a-very-long-name-that-is-cut").icon(Icon::Model).trailing("v3").indent(1));
        ui.add(Row::new("Deployments").icon(Icon::Deploy).trailing("4"));
        ui.add(Row::new("edge-01").icon(Icon::Ok).tone(Tone::Ok).detail("reachable"));
        ui.add(Row::new("edge-02").icon(Icon::Fail).tone(Tone::Err).detail("refused the connection twice"));
        ui.add(Row::new("Targets").icon(Icon::Target)).request_focus();
        ui.add(Row::new("Settings").icon(Icon::Settings).compact(true));
    })
}

/// Tabs.
pub(super) fn tabs() -> Painting {
    Box::new(move |ui| {
        let items = [(0, "Overview"), (1, "Test"), (2, "Explain"), (3, "Deploy")];
        Tabs::new(&items).show(ui, 2);
    })
}

/// Chips.
pub(super) fn chip() -> Painting {
    Box::new(|ui| {
        ui.horizontal(|ui| {
            Chip::new("Filter", "worst_area ≥ 800").show(ui);
            Chip::new("Filter", "species: Adelie, Gentoo").show(ui);
            Chip::new("Filter", "note is missing").show(ui);
        });
    })
}

/// Badges.
pub(super) fn badge() -> Painting {
    Box::new(move |ui| {
        ui.horizontal(|ui| {
            ui.add(Badge::new(Tone::Neutral, "Draft"));
            ui.add(Badge::new(Tone::Accent, "Running 3/6"));
            ui.add(Badge::new(Tone::Ok, "Live"));
            ui.add(Badge::new(Tone::Warn, "Undone"));
            ui.add(Badge::new(Tone::Err, "Failed"));
            ui.add(Badge::new(Tone::Accent, "Live on 2").icon(Icon::Deploy));
        });
        ui.horizontal(|ui| {
            ui.add(Badge::new(Tone::Ok, "Accuracy 0.931").plain());
            ui.add(Badge::new(Tone::Warn, "1 dynamic axis").plain());
        });
    })
}

/// Fields.
pub(super) fn fields() -> Painting {
    let (mut name, mut path, mut filter) = (String::from("churn-gbt"), String::new(), String::from("chu"));
    let mut port = String::from("abc");
    let (mut samples, mut method, mut on, mut theme) = (2048_u32, 1_u8, true, 0_u8);
    let mut secret = SecretText::default();
    Box::new(move |ui| {
        ui.spacing_mut().item_spacing.y = 10.0;
        ui.horizontal_top(|ui| {
            Field::new("Name").width(260.0).help("Lower case, digits and dashes").show_text(ui, &mut name, "");
            Field::new("Port")
                .width(200.0)
                .error(Some("Not a number between 1 and 65535"))
                .show_text(ui, &mut port, "");
        });
        Field::new("Data file").help("CSV, Parquet, Arrow, JSON lines, NPY or images").show_path(
            ui,
            &mut path,
            "/path/to/file.csv",
        );
        ui.horizontal_top(|ui| {
            let range = Range { limits: 16..=65536, step: 16.0 };
            Field::new("Samples").width(120.0).show_number(ui, &mut samples, range, "rows");
            Field::new("Method").width(160.0).show_choice(ui, &mut method, &[(0, "Automatic"), (1, "Kernel SHAP")]);
            Field::new("Target").width(160.0).show_choice_index(ui, None, &["edge-01"], "Choose a target");
        });
        Field::new("Passphrase").width(260.0).show_secret(ui, &mut secret);
        ui.horizontal_top(|ui| {
            Field::new("Filter").width(200.0).show_filter(ui, &mut filter, "Filter models");
            field::check(ui, &mut on, "Move the alias champion");
            field::segments(ui, "Theme", &mut theme, &[(0, "System"), (1, "Light"), (2, "Dark")]);
        });
    })
}

/// Command palette.
pub(super) fn command_palette() -> Painting {
    let mut open = palette::Palette::open();
    Box::new(move |ui| {
        let entry = |icon, title: &str, detail: &str, shortcut: &str| palette::Entry {
            action: 0,
            icon,
            title: title.into(),
            detail: detail.into(),
            shortcut: shortcut.into(),
        };
        let entries = [
            entry(Icon::Import, "Import model…", "", "Ctrl+O"),
            entry(Icon::Models, "Go to models", "", ""),
            entry(Icon::Model, "churn-gbt", "model, 2 versions", ""),
            entry(Icon::Target, "edge-01", "target", ""),
            entry(Icon::Settings, "Settings", "", "Ctrl+,"),
        ];
        open.show(ui.ctx(), &entries);
    })
}
