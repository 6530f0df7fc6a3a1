//! What is drawn.

use super::Painting;
use crate::Card;
use crate::card::GAP;
use crate::plot::{
    Bar, Bars, Beeswarm, ColoredBy, Contribution, Dependence, DependencePoint, Figure, Heat, Histogram, Latency, Lines,
    Percentile, Series, Swarm, Waterfall,
};

/// What one row's answer is made of.
pub(super) fn churn() -> Vec<Contribution> {
    [
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
    .collect()
}

/// Waterfall.
pub(super) fn plot_waterfall() -> Painting {
    let items = churn();
    Box::new(move |ui| {
        Card::titled("Row 4").caption("probability of churn").show(ui, |ui| {
            Waterfall::new(0.26, 0.805, &items).at_most(5).unit("probability of churn").show(ui);
        });
    })
}

/// Bars.
pub(super) fn plot_bars() -> Painting {
    let items: Vec<Bar> =
        [("tenure", 0.21, 0.02), ("contract", 0.17, 0.015), ("monthly charges", 0.09, 0.01), ("age", 0.012, 0.006)]
            .into_iter()
            .map(|(name, value, error)| Bar {
                name: name.into(),
                value,
                interval: Some((value - error, value + error)),
            })
            .collect();
    Box::new(move |ui| {
        Card::titled("Importance").caption("mean |contribution|").show(ui, |ui| {
            Bars::new("mean |contribution|", &items).show(ui);
        });
    })
}

/// Beeswarm.
pub(super) fn plot_beeswarm() -> Painting {
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
    Box::new(move |ui| {
        Card::titled("Contributions").caption("300 rows").show(ui, |ui| {
            Beeswarm::new("probability of churn", &swarms).show(ui);
        });
    })
}

/// Dependence, of numbers and of categories.
pub(super) fn plot_dependence() -> Painting {
    let noise = |i: u32| f64::from(i * 7919 % 300) / 300.0;
    let numbers: Vec<DependencePoint> = (0..300)
        .map(|i| {
            let (x, other) = (noise(i) * 72.0, noise(i * 31 + 7));
            DependencePoint { x, y: 0.3 - x / 120.0 * (0.4 + other), level: Some(other as f32) }
        })
        .collect();
    let names = ["month", "one year", "two years"].map(str::to_owned);
    let texts: Vec<DependencePoint> = (0..300)
        .map(|i| {
            let (group, other) = (f64::from(i % 3), noise(i * 13 + 5));
            let level = (i % 10 > 0).then_some(other as f32);
            DependencePoint { x: group, y: 0.2 - 0.2 * group + 0.1 * (other - 0.5), level }
        })
        .collect();
    Box::new(move |ui| {
        let by = |name, ends| Some(ColoredBy { name, ends });
        Card::titled("Dependence").caption("of tenure over 300 rows").show(ui, |ui| {
            let chart = Dependence::new("tenure", "probability of churn", &numbers);
            chart.colored_by(by("monthly charges", ["low", "high"])).show(ui);
        });
        ui.add_space(GAP);
        Card::titled("Dependence").caption("of contract over 300 rows").show(ui, |ui| {
            let chart = Dependence::new("contract", "probability of churn", &texts).categories(&names);
            chart.colored_by(by("support", ["by mail", "by phone"])).show(ui);
        });
    })
}

/// Lines.
pub(super) fn plot_lines() -> Painting {
    let curve = |power: f64| (0..=20).map(|i| f64::from(i) / 20.0).map(|x| [x, x.powf(power)]).collect::<Vec<_>>();
    let mut second = Series::new("v1, AUC 0.894", curve(0.45));
    second.dashed = true;
    let roc = [Series::new("v2, AUC 0.941", curve(0.25)), second];
    let calibration = [Series::new("v2", curve(1.2).into_iter().step_by(2).collect()).with_marks()];
    Box::new(move |ui| {
        ui.columns(2, |columns| {
            Card::titled("ROC").show(&mut columns[0], |ui| {
                Lines::new(&roc, "False positive rate", "True positive rate").unit_square("chance").show(ui);
            });
            Card::titled("Calibration").show(&mut columns[1], |ui| {
                Lines::new(&calibration, "Predicted", "Observed").unit_square("perfect").show(ui);
            });
        });
    })
}

/// Latency by percentile.
pub(super) fn plot_latency() -> Painting {
    let at = |step: i32| {
        let share = 1.0 - 10_f64.powf(-f64::from(step) / 20.0);
        let ms = 1.8 + 0.4 * share + 0.06 * (f64::from(step) / 9.0).powi(3);
        let wide = 0.02 * (1.0 + f64::from(step * step) / 90.0);
        let high = (step < 55).then_some(ms * (1.0 + wide));
        Percentile { percent: 100.0 * share, ms, interval: [Some(ms / (1.0 + wide)), high] }
    };
    let curve: Vec<Percentile> = (0..=62).map(at).collect();
    let told = [(50.0, 6), (95.0, 26), (99.0, 40)].map(|(percent, step)| Percentile { percent, ..at(step) });
    Box::new(move |ui| {
        let chart = Latency::new(&curve, &told);
        let caption = "1,500 calls of 1 row";
        Figure::new("Latency").caption(caption).summary(chart.summary()).show(
            ui,
            |ui| {
                Latency::new(&curve, &told).show(ui);
            },
            || (Vec::new(), Vec::new()),
        );
    })
}

/// Histogram and heat map.
pub(super) fn plot_histogram_and_heat() -> Painting {
    let edges: Vec<f64> = (0..=20).map(|i| f64::from(i) / 20.0).collect();
    let counts: Vec<u64> = (0..20_u64).map(|i| 1200 / (1 + (i * i) / 6) + 20 * (i / 17)).collect();
    let labels = ["stay".to_owned(), "churn".to_owned()];
    let matrix = [vec![9812, 188], vec![320, 2080]];
    let digits: Vec<String> = (0..10).map(|d| d.to_string()).collect();
    let many: Vec<Vec<u64>> =
        (0..10_u64).map(|i| (0..10_u64).map(|j| if i == j { 40 + i } else { (i * j) % 3 }).collect()).collect();
    Box::new(move |ui| {
        ui.columns(2, |columns| {
            Card::titled("p(churn)").show(&mut columns[0], |ui| {
                Histogram::new("Predicted probability", &edges, &counts).show(ui);
            });
            columns[0].add_space(6.0);
            Card::titled("Confusion").show(&mut columns[0], |ui| Heat::confusion(&labels, &matrix).show(ui, 320.0));
            Card::titled("Confusion").show(&mut columns[1], |ui| Heat::confusion(&digits, &many).show(ui, 420.0));
        });
    })
}
