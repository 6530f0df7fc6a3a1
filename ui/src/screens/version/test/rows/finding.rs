//! The rows that are on show, and the work that finds others: the former ones stay until it is done.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use desk_app::query::TablePage;
use desk_app::rows::{RowView, Rows};
use desk_core::Fault;
use desk_uikit::ErrorText;
use egui::Ui;

use crate::background::Background;
use crate::fault::error_text;
use crate::paged::{PAGE, PagedTable};
use crate::watch::Watch;

/// Work that takes longer shows how far it is.
const QUIET: Duration = Duration::from_secs(1);

/// Rows that were found.
pub struct Found {
    /// What was asked.
    pub view: RowView,
    /// The answer.
    pub rows: Arc<Rows>,
    /// The same as a table.
    pub table: PagedTable,
    /// Another number for each answer.
    pub generation: u64,
}

/// What is wanted, what is there, and what is under way.
#[derive(Default)]
pub struct Finding {
    /// What shall be shown.
    pub wanted: RowView,
    /// What is shown.
    pub found: Option<Found>,
    under_way: Option<UnderWay>,
    failed: Option<(RowView, ErrorText)>,
    generation: u64,
}

struct UnderWay {
    view: RowView,
    watch: Watch,
    answer: mpsc::Receiver<Result<(Rows, TablePage), Fault>>,
}

impl Drop for UnderWay {
    /// Nobody waits for it any more.
    fn drop(&mut self) {
        self.watch.cancel().cancel();
    }
}

impl Finding {
    /// Takes what was found and asks for what is wanted; call once a frame.
    pub fn poll(&mut self, ctx: &egui::Context, background: &Background, run: &str) {
        if let Some(under_way) = &self.under_way {
            match under_way.answer.try_recv() {
                Ok(answer) => self.take(answer),
                Err(mpsc::TryRecvError::Empty) => {}
                Err(mpsc::TryRecvError::Disconnected) => {
                    self.take(Err(Fault::bug("The query stopped because of a fault in Modeldesk")));
                }
            }
        }
        if let Some(found) = &mut self.found {
            found.table.poll(background);
        }
        let has = |view: Option<&RowView>| view == Some(&self.wanted);
        let there = has(self.found.as_ref().map(|found| &found.view));
        if there {
            self.under_way = None;
        }
        let asked = has(self.under_way.as_ref().map(|under_way| &under_way.view));
        let failed = has(self.failed.as_ref().map(|(view, _)| view));
        if !(there || asked || failed) {
            self.start(background, run);
            if self.under_way.is_none() {
                // The queue is full: ask again soon.
                ctx.request_repaint_after(Duration::from_millis(50));
            }
        }
    }

    fn start(&mut self, background: &Background, run: &str) {
        let watch = Watch::default();
        let (run, view, watched) = (run.to_owned(), self.wanted.clone(), watch.clone());
        let answer = background.ask(move |desk| {
            let rows = desk.rows(&run, &view, watched.cancel(), &|report| watched.tell(report))?;
            let first = rows.page(0, PAGE as usize)?;
            Ok((rows, first))
        });
        self.under_way = answer.map(|answer| UnderWay { view: self.wanted.clone(), watch, answer });
    }

    fn take(&mut self, answer: Result<(Rows, TablePage), Fault>) {
        let Some(under_way) = self.under_way.take() else { return };
        let view = under_way.view.clone();
        match answer {
            Ok((rows, first)) => {
                self.generation += 1;
                let rows = Arc::new(rows);
                let source = Arc::clone(&rows);
                let table = PagedTable::new(first, move |offset, limit| source.page(offset, limit));
                self.failed = None;
                self.found = Some(Found { view, rows, table, generation: self.generation });
            }
            Err(fault) => self.failed = Some((view, error_text(&fault))),
        }
    }

    /// Why what is wanted is not there.
    pub fn error(&self) -> Option<&ErrorText> {
        let paging = || self.found.as_ref().and_then(|found| found.table.error());
        self.failed.as_ref().filter(|(view, _)| *view == self.wanted).map(|(_, error)| error).or_else(paging)
    }

    /// Tries again what failed.
    pub fn again(&mut self) {
        self.failed = None;
        if let Some(found) = &mut self.found {
            found.table.again();
        }
    }

    /// How far long work is, with a way to stop it.
    pub fn show_progress(&mut self, ui: &mut Ui) {
        let Some(under_way) = &self.under_way else { return };
        let stop = under_way.watch.show(ui, QUIET, Some("The rows stay as they are when you cancel"));
        if stop {
            self.wanted = self.found.as_ref().map(|found| found.view.clone()).unwrap_or_default();
            self.under_way = None;
        }
    }
}
