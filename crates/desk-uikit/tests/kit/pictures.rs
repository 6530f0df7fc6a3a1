//! A picture of every component in both themes; `UPDATE_SNAPSHOTS=1` makes them anew.

use crate::support::pictures;
use desk_uikit::field::{self, Field, Range, SecretText};
use desk_uikit::loadable::loadable_view;
use desk_uikit::plot::{Bar, Bars, Beeswarm, Contribution, Heat, Histogram, Lines, Series, Swarm, Waterfall};
use desk_uikit::progress::{self, Work};
use desk_uikit::table::{Cell, Column, MemTable, Table};
use desk_uikit::toast::{Toast, Toasts};
use desk_uikit::{
    Badge, Button, Card, EmptyState, ErrorText, Icon, Loadable, Metric, Row, Tabs, Tone, card, code, error_view, kv,
    modal, palette, text,
};

#[test]
fn button() {
    pictures("button", [520.0, 130.0], |ui| {
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
    });
}

#[test]
fn button_focus_on_primary() {
    pictures("button_focus", [200.0, 50.0], |ui| ui.add(Button::primary("Deploy v2")).request_focus());
}

#[test]
fn row() {
    pictures("row", [240.0, 260.0], |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.add(Row::new("Models").icon(Icon::Models).trailing("12"));
        ui.add(Row::new("churn-gbt").icon(Icon::Model).trailing("v7").indent(1).selected(true));
        ui.add(Row::new("a-model-with-a-very-long-name-that-is-cut").icon(Icon::Model).trailing("v3").indent(1));
        ui.add(Row::new("Deployments").icon(Icon::Deploy).trailing("4"));
        ui.add(Row::new("edge-01").icon(Icon::Ok).tone(Tone::Ok).detail("reachable"));
        ui.add(Row::new("edge-02").icon(Icon::Fail).tone(Tone::Err).detail("refused the connection twice"));
        ui.add(Row::new("Targets").icon(Icon::Target)).request_focus();
        ui.add(Row::new("Settings").icon(Icon::Settings).compact(true));
    });
}

#[test]
fn tabs() {
    pictures("tabs", [420.0, 60.0], |ui| {
        let items = [(0, "Overview"), (1, "Test"), (2, "Explain"), (3, "Deploy")];
        Tabs::new(&items).show(ui, 2);
    });
}

#[test]
fn badge() {
    pictures("badge", [520.0, 90.0], |ui| {
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
    });
}

#[test]
fn card_and_metric() {
    pictures("card_metric", [760.0, 260.0], |ui| {
        let metrics = [
            ("Accuracy", "0.931", "", Tone::Ok, "+0.007 against v1"),
            ("Rows", "12 400", "rows", Tone::Neutral, "in 1.2 s"),
            ("Latency p95", "4.62", "ms", Tone::Warn, "92 % of budget"),
            ("Log loss", "0.214", "", Tone::Err, "worse than v1"),
        ];
        card::grid(ui, metrics.len(), 150.0, |ui, i, width| {
            let (name, value, unit, tone, note) = metrics[i];
            Metric::new(name, value, unit).note(tone, note).show(ui, width);
        });
        Card::titled("Signature").caption("2 inputs, 1 output").show_with_actions(
            ui,
            |ui| {
                ui.add(Button::ghost("Copy as command").icon(Icon::Terminal));
            },
            |ui| text::body(ui, "The body of a card is at the left, under its heading."),
        );
    });
}

#[test]
fn properties() {
    pictures("kv", [300.0, 210.0], |ui| {
        kv::properties(ui, |kv| {
            kv.text("Format", "ONNX opset 17");
            kv.text("Size", "18.4 MB");
            kv.text("Producer", "skl2onnx 1.19.1, converted from scikit-learn 1.9.1");
            kv.status("Parity", Tone::Ok, "Within 1e-5");
            kv.copyable("Digest", "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        });
    });
}

#[test]
fn fields() {
    let (mut name, mut path, mut filter) = (String::from("churn-gbt"), String::new(), String::from("chu"));
    let mut port = String::from("abc");
    let (mut samples, mut method, mut on, mut theme) = (2048_u32, 1_u8, true, 0_u8);
    let mut secret = SecretText::default();
    pictures("field", [560.0, 400.0], |ui| {
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
    });
}

#[test]
fn work_in_progress() {
    pictures("progress", [420.0, 170.0], |ui| {
        let work = Work {
            stage: "Explaining rows",
            done: 620,
            total: Some(1000),
            unit: "rows",
            elapsed_secs: 62.0,
            cancel_keeps: Some("Finished rows are kept"),
        };
        progress::work(ui, &work, true);
        ui.add_space(12.0);
        progress::work(ui, &Work { stage: "Starting the worker", ..Work::default() }, true);
    });
}

#[test]
fn loadable() {
    pictures("loadable", [300.0, 230.0], |ui| {
        let first: Loadable<u8> = Loadable::Loading { previous: None, since: None };
        loadable_view(ui, &first, |_, _| {});
        ui.separator();
        let again = Loadable::Loading { previous: Some(7), since: None };
        loadable_view(ui, &again, |ui, value| {
            text::body(ui, format!("The former value {value} stays while a new one is fetched"));
        });
    });
}

#[test]
fn empty_state() {
    pictures("empty", [560.0, 250.0], |ui| {
        EmptyState::new(Icon::Models, "No models yet")
            .body("Import an ONNX file to test, explain and deploy it")
            .primary(Icon::Import, "Import model…")
            .secondary("Try the sample model")
            .hint("or drop a file anywhere in this window")
            .show(ui);
    });
}

#[test]
fn error() {
    pictures("error", [560.0, 260.0], |ui| {
        let error = ErrorText {
            title: "Deployment stopped at step 3 of 5".into(),
            message: "The target refused the upload: not enough disk space (needs 412 MB, has 96 MB)".into(),
            still_holds: Some("Steps 1 and 2 were undone; v1 is still serving".into()),
            hints: vec!["Free at least 316 MB on edge-02, then try again".into(), "Or choose another target".into()],
            details: vec!["sftp: write: no space left on device".into()],
        };
        error_view(ui, &error, Some("Try again"));
    });
}

#[test]
fn code_block() {
    pictures("code", [420.0, 150.0], |ui| {
        code::line(ui, "command", "modeldesk deploy churn@2 --to edge-01 --wait");
        code::block(ui, "details", "error: not an ONNX file\n  caused by: wire type 7 at byte 3\n  in: a.onnx", 80.0);
    });
}

#[test]
fn toast() {
    pictures("toast", [420.0, 280.0], |ui| {
        let mut toasts = Toasts::<u8>::default();
        toasts.push(Toast::new(Tone::Ok, "churn v2 is live on edge-01").action("Open", 1));
        toasts.push(Toast::new(Tone::Err, "Import failed").body("Not an ONNX file: notes.txt"));
        toasts.show(ui.ctx(), ui.ctx().content_rect().right_bottom());
    });
}

#[test]
fn confirm() {
    pictures("confirm", [640.0, 340.0], |ui| {
        let mut confirm = modal::Confirm {
            title: "Remove target edge-01?".into(),
            body: "The server keeps running there; Modeldesk forgets how to reach it. Its history is kept.".into(),
            yes: "Remove target".into(),
            type_to_confirm: Some("edge-01".into()),
            ..modal::Confirm::default()
        };
        confirm.show(ui.ctx());
    });
}

#[test]
fn command_palette() {
    let mut open = palette::Palette::open();
    pictures("palette", [720.0, 320.0], |ui| {
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
    });
}

fn list() -> MemTable {
    let columns = vec![
        Column::text("Name"),
        Column::text("Latest").narrow(),
        Column::text("Alias").narrow(),
        Column::text("State").narrow(),
        Column::number("Size"),
        Column::text("Updated").narrow(),
    ];
    let row = |name: &'static str, latest: &'static str, tone, state: &'static str, bytes: f64, size: &'static str| {
        vec![
            Cell::text(name).strong().icon(Icon::Model),
            Cell::text(latest),
            if latest == "v7" { Cell::text("champion") } else { Cell::missing() },
            Cell::status(tone, state),
            Cell::shown_as(bytes, size),
            Cell::text("12 min ago"),
        ]
    };
    let rows = vec![
        row("churn-gbt", "v7", Tone::Ok, "Live on 2", 18.4e6, "18.4 MB"),
        row("fraud-net", "v3", Tone::Accent, "Deploying", 2.1e6, "2.1 MB"),
        row("digits-cnn", "v1", Tone::Neutral, "Draft", 48e3, "48 kB"),
    ];
    MemTable::new(columns, rows)
}

#[test]
fn table() {
    let mut table = list();
    let columns = vec![
        Column::number("Row").narrow(),
        Column::text("segment"),
        Column::text("prediction"),
        Column::number("p(churn)"),
        Column::number("tenure"),
    ];
    let rows = (0..200)
        .map(|i: u32| {
            vec![
                Cell::shown_as(f64::from(i + 1), (i + 1).to_string()),
                Cell::text(["retail", "smb", "enterprise"][i as usize % 3]),
                Cell::text(if i * 7 % 5 < 2 { "churn" } else { "stay" }),
                Cell::fixed(f64::from(i * 37 % 1000) / 1000.0, 4),
                if i == 2 { Cell::missing() } else { Cell::number(f64::from(i * 13 % 70)) },
            ]
        })
        .collect();
    let mut data = MemTable::new(columns, rows);
    let mut nothing = MemTable::new(vec![Column::text("Name"), Column::text("State")], vec![]);
    pictures("table", [720.0, 520.0], |ui| {
        desk_uikit::table::select_row(ui, "list", 0);
        Table::list("list", "Models").max_height(140.0).show_mem(ui, &mut table);
        ui.add_space(8.0);
        desk_uikit::table::select_row(ui, "data", 3);
        Table::data("data", "Rows").max_height(190.0).show_mem(ui, &mut data);
        ui.add_space(8.0);
        ui.columns(2, |columns| {
            let empty = Table::list("empty", "Models").max_height(130.0).empty("Nothing matches the filter");
            empty.show_mem(&mut columns[0], &mut nothing);
            Table::list("loading", "Models").max_height(130.0).loading(true).show_mem(&mut columns[1], &mut nothing);
        });
    });
}

#[test]
fn plot_waterfall() {
    let items: Vec<Contribution> = [
        ("tenure", "2", 0.31),
        ("contract", "month-to-month", 0.22),
        ("support calls", "1", -0.08),
        ("monthly charges", "74.35", 0.06),
        ("payment method", "electronic check", 0.05),
        ("age", "44", -0.02),
        ("region", "north", 0.005),
    ]
    .into_iter()
    .map(|(name, value, amount)| Contribution { name: name.into(), value: value.into(), amount })
    .collect();
    pictures("plot_waterfall", [620.0, 306.0], |ui| {
        Card::titled("Row 4").caption("probability of churn").show(ui, |ui| {
            Waterfall::new(0.26, 0.805, &items).at_most(5).unit("probability of churn").show(ui);
        });
    });
}

#[test]
fn plot_bars() {
    let items: Vec<Bar> =
        [("tenure", 0.21, 0.02), ("contract", 0.17, 0.015), ("monthly charges", 0.09, 0.01), ("age", 0.012, 0.006)]
            .into_iter()
            .map(|(name, value, error)| Bar {
                name: name.into(),
                value,
                interval: Some((value - error, value + error)),
            })
            .collect();
    pictures("plot_bars", [480.0, 210.0], |ui| {
        Card::titled("Importance").caption("mean |contribution|").show(ui, |ui| {
            Bars::new("mean |contribution|", &items).show(ui);
        });
    });
}

#[test]
fn plot_beeswarm() {
    let swarm = |name: &str, scale: f64, text: bool| {
        let level = |i: u32| f64::from(i * 7919 % 300) / 300.0;
        Swarm {
            name: name.into(),
            amounts: (0..300).map(|i| scale * ((level(i) - 0.5) + 0.25 * (f64::from(i) * 1.7).sin())).collect(),
            levels: (0..300).map(|i| (!text).then_some(level(i) as f32)).collect(),
            values: (0..300).map(|i| format!("{:.1}", level(i) * 72.0)).collect(),
        }
    };
    let swarms = [
        swarm("tenure", -0.6, false),
        swarm("contract", 0.4, true),
        swarm("monthly charges", 0.2, false),
        swarm("age", 0.02, false),
    ];
    pictures("plot_beeswarm", [620.0, 290.0], |ui| {
        Card::titled("Contributions").caption("300 rows").show(ui, |ui| {
            Beeswarm::new("probability of churn", &swarms).show(ui);
        });
    });
}

#[test]
fn plot_lines() {
    let curve = |power: f64| (0..=20).map(|i| f64::from(i) / 20.0).map(|x| [x, x.powf(power)]).collect::<Vec<_>>();
    let mut second = Series::new("v1, AUC 0.894", curve(0.45));
    second.dashed = true;
    let roc = [Series::new("v2, AUC 0.941", curve(0.25)), second];
    let calibration = [Series::new("v2", curve(1.2).into_iter().step_by(2).collect()).with_marks()];
    pictures("plot_lines", [720.0, 312.0], |ui| {
        ui.columns(2, |columns| {
            Card::titled("ROC").show(&mut columns[0], |ui| {
                Lines::new(&roc, "False positive rate", "True positive rate").unit_square("chance").show(ui);
            });
            Card::titled("Calibration").show(&mut columns[1], |ui| {
                Lines::new(&calibration, "Predicted", "Observed").unit_square("perfect").show(ui);
            });
        });
    });
}

#[test]
fn plot_histogram_and_heat() {
    let edges: Vec<f64> = (0..=20).map(|i| f64::from(i) / 20.0).collect();
    let counts: Vec<u64> = (0..20_u64).map(|i| 1200 / (1 + (i * i) / 6) + 20 * (i / 17)).collect();
    let labels = ["stay".to_owned(), "churn".to_owned()];
    let matrix = [vec![9812, 188], vec![320, 2080]];
    let digits: Vec<String> = (0..10).map(|d| d.to_string()).collect();
    let many: Vec<Vec<u64>> =
        (0..10_u64).map(|i| (0..10_u64).map(|j| if i == j { 40 + i } else { (i * j) % 3 }).collect()).collect();
    pictures("plot_histogram_heat", [900.0, 470.0], |ui| {
        ui.columns(2, |columns| {
            Card::titled("p(churn)").show(&mut columns[0], |ui| {
                Histogram::new("Predicted probability", &edges, &counts).show(ui);
            });
            columns[0].add_space(6.0);
            Card::titled("Confusion").show(&mut columns[0], |ui| Heat::confusion(&labels, &matrix).show(ui, 320.0));
            Card::titled("Confusion").show(&mut columns[1], |ui| Heat::confusion(&digits, &many).show(ui, 420.0));
        });
    });
}
