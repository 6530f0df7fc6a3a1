//! `rows`: the rows of a test, shown or written to a file.

use desk_app::Desk;
use desk_app::command::{Command, ExportRows};
use desk_app::rows::{Filter, RowView, SortKey};
use desk_core::{Cancel, Fault, NoProgress};

use super::{absolute, run};
use crate::args::RowsArgs;
use crate::output::Printer;
use crate::render::{self, RowsShown};

/// Shows rows, or writes them.
pub fn rows(desk: &Desk, printer: &Printer, cancel: &Cancel, args: RowsArgs) -> Result<(), Fault> {
    let id = desk.kept_run(&args.version, args.run.as_deref())?;
    let all = desk.rows(&id, &RowView::default(), cancel, &NoProgress)?;
    let names: Vec<&str> = all.columns().iter().map(|column| column.name.as_str()).collect();
    let filters = args.filters.iter().map(|text| Filter::parse(text, &names)).collect::<Result<_, _>>()?;
    let sort = args.sort.iter().flat_map(|text| SortKey::parse_all(text, &names)).collect();
    let view = RowView { filters, wrong: args.wrong, sort };
    if let Some(out) = &args.out {
        let (version, columns) = (args.version, args.columns);
        let command = ExportRows { version, run: Some(id), view, columns, out: absolute(out)?, force: args.force };
        return run(desk, printer, cancel, Command::ExportRows(command));
    }
    let found = desk.rows(&id, &view, cancel, &NoProgress)?;
    let shown = RowsShown {
        version: desk.run_record(&id)?.item.version,
        run: id,
        matching: found.count(),
        total: found.total(),
        offset: args.offset,
        rows: found.objects(args.offset, args.limit, &args.columns)?,
        columns: found.columns().to_vec(),
        seconds: found.seconds(),
    };
    printer.answer(&shown, || render::rows(&shown, !args.columns.is_empty()))
}
