//! `importance` and `dependence`: what a model makes of each feature over a whole file.

use desk_app::Desk;
use desk_app::global::OverData;
use desk_core::{Cancel, Fault};

use super::{absolute, columns};
use crate::args::{DependenceArgs, ImportanceArgs, OverDataArgs};
use crate::output::Printer;
use crate::progress::Bar;
use crate::render;

/// What shuffling each feature costs.
pub fn importance(desk: &Desk, printer: &Printer, cancel: &Cancel, args: ImportanceArgs) -> Result<(), Fault> {
    let over = over(args.over)?;
    let bar = Bar::new(printer.bars);
    let found = desk.importance(&over, (args.repeats, args.seed), args.score, cancel, &bar);
    bar.done();
    let found = found?;
    printer.answer(&found, || render::importance(&found))
}

/// How the answers change along a feature.
pub fn dependence(desk: &Desk, printer: &Printer, cancel: &Cancel, args: DependenceArgs) -> Result<(), Fault> {
    let over = over(args.over)?;
    let size = (args.points as usize, args.curves as usize);
    let bar = Bar::new(printer.bars);
    let found = desk.dependence(&over, &args.feature, size, args.output, cancel, &bar);
    bar.done();
    let found = found?;
    printer.answer(&found, || render::dependence(&found))
}

fn over(args: OverDataArgs) -> Result<OverData, Fault> {
    let (data, columns) = (absolute(&args.data)?, columns(args.columns)?);
    Ok(OverData { version: args.version, data, columns, rows: args.rows })
}
