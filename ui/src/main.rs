//! `modeldesk-workbench`: the window. The same program is also the worker that runs models.

use std::cell::Cell;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Instant;

use desk_app::{Command, Desk, DeskOptions};
use desk_uikit::gallery::Gallery;
use modeldesk_workbench::Workbench;
use modeldesk_workbench::frame::KeptFrame;
use modeldesk_workbench::measure::{Measure, Measured};
use modeldesk_workbench::picker::SystemPicker;
use modeldesk_workbench::route::{self, Route};
use modeldesk_workbench::unopened::Unopened;

/// What is logged unless asked for more: drawing libraries report in their own words what is told once here.
const LOG: &str = "warn,winit=off,egui_wgpu=off,wgpu_hal=off,wgpu_core=off,eframe=off,rfd=off";
/// Exit code when there is no display.
const NO_DISPLAY: u8 = 3;
/// What works without a window.
const ELSEWHERE: &str = "everything also works on the command line: modeldesk --help";
/// What can be typed.
const USAGE: &str = "usage: modeldesk-workbench [--home DIR] [--sample] [modeldesk://PLACE] | --gallery";
/// Of the window the first time: with its title bar and the system's panels it fits on a screen of 1280 x 800.
const FIRST_SIZE: [f32; 2] = [1220.0, 700.0];
/// Set for the second try with another renderer.
const RENDERER: &str = "MODELDESK_RENDERER";

fn main() -> ExitCode {
    let began = Instant::now();
    if let Some(code) = desk_app::worker::main_if_worker() {
        return code;
    }
    let filter = tracing_subscriber::EnvFilter::try_from_env("MODELDESK_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(LOG));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(began) {
        Ok(code) => code,
        Err(problem) => {
            // Standard error may be closed; the exit code still says it.
            let said = writeln!(std::io::stderr(), "modeldesk-workbench: {:#}", problem.error);
            if let Err(error) = said {
                tracing::debug!("standard error is closed: {error}");
            }
            ExitCode::from(problem.code)
        }
    }
}

/// Why the window did not open.
struct Problem {
    error: anyhow::Error,
    code: u8,
}

impl Problem {
    fn new(code: u8, error: anyhow::Error) -> Self {
        Self { error, code }
    }
}

/// What was typed.
struct Options {
    desk: DeskOptions,
    /// Import the bundled samples when the window opens.
    sample: bool,
    /// Show the components instead of a desk; for people who build screens.
    gallery: bool,
    /// The place to begin at, as a link.
    link: Option<String>,
    /// Measure something, say it and close; for the benchmarks, not in the usage.
    measure: Option<Measure>,
}

fn options() -> Result<Options, Problem> {
    let usage = || Problem::new(2, anyhow::anyhow!("{USAGE}"));
    let mut args = std::env::args_os().skip(1);
    let (mut home, mut sample, mut measure, mut gallery, mut link) = (None, false, None, false, None);
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--home") => home = Some(PathBuf::from(args.next().ok_or_else(usage)?)),
            Some("--sample") => sample = true,
            Some("--gallery") => gallery = true,
            Some(to) if route::linked(to).is_some() => link = Some(to.to_owned()),
            Some("--measure") => {
                let what = args.next().and_then(|what| what.to_str()?.parse().ok());
                measure = Some(what.ok_or_else(usage)?);
            }
            _ => return Err(usage()),
        }
    }
    let desk = match home {
        Some(home) => DeskOptions::for_home(home),
        None => DeskOptions::default_home().map_err(|f| Problem::new(f.kind.exit_code(), describe(&f)))?,
    };
    Ok(Options { desk, sample, gallery, link, measure })
}

fn describe(fault: &desk_core::Fault) -> anyhow::Error {
    let hints: Vec<String> = fault.hints.iter().map(|hint| format!("\n  {hint}")).collect();
    anyhow::anyhow!("{}{}", fault.message, hints.concat())
}

fn run(began: Instant) -> Result<ExitCode, Problem> {
    let options = options()?;
    if options.gallery {
        // It belongs to no desk; where its window stood may be forgotten.
        return show(std::env::temp_dir().join("modeldesk-gallery.ron"), |cc| {
            desk_uikit::install(&cc.egui_ctx);
            Ok(Box::new(GalleryWindow(Gallery::default())))
        });
    }
    let refused = |fault: &desk_core::Fault| Problem::new(fault.kind.exit_code(), describe(fault));
    let desk = match Desk::open(options.desk.clone()) {
        Ok(desk) => desk,
        // A benchmark has nobody who could mend it.
        Err(fault) if options.measure.is_some() => return Err(refused(&fault)),
        Err(fault) => {
            // Whoever clicked on an icon has no terminal to look at.
            let (frame, opened) = (KeptFrame::of(None), Rc::new(Cell::new(false)));
            let later = Rc::clone(&opened);
            let shown = show(frame.file(), |cc| {
                let unopened = Unopened::new(&cc.egui_ctx, options.desk.clone(), &fault);
                Ok(Box::new(DeskWindow { options, shown: Shown::Unopened(Box::new(unopened)), opened: later }))
            });
            return if opened.get() { shown } else { Err(refused(&fault)) };
        }
    };
    let frame = KeptFrame::of(Some(&desk));
    let shown = show(frame.file(), move |cc| {
        let measure = options.measure;
        let app = workbench(&cc.egui_ctx, desk, &options)?;
        match measure {
            Some(measure) => Ok(Box::new(Measured::new(app, &cc.egui_ctx, measure, began)?)),
            None => Ok(Box::new(app)),
        }
    });
    frame.keep();
    shown
}

/// The window over a desk, at the place that was asked for.
fn workbench(ctx: &egui::Context, desk: Desk, options: &Options) -> std::io::Result<Workbench> {
    desk.recover_in_background();
    let mut app = Workbench::new(ctx, desk, Box::new(SystemPicker::default()))?;
    app.is_cleared();
    if options.sample {
        // What is a version already stays as it is.
        app.start(ctx, Command::Sample);
    }
    match options.link.as_deref().map(|link| (link, link.parse::<Route>())) {
        Some((_, Ok(place))) => app.open(place),
        // Whoever followed a link has no terminal to look at.
        Some((link, Err(_))) => app.tell_no_place(link),
        None => {}
    }
    Ok(app)
}

/// A window that waits for its desk, and then is the workbench over it.
struct DeskWindow {
    options: Options,
    shown: Shown,
    /// Set once the desk is there, for the program's exit code.
    opened: Rc<Cell<bool>>,
}

enum Shown {
    Unopened(Box<Unopened>),
    Opened(Box<Workbench>),
}

impl eframe::App for DeskWindow {
    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        match &mut self.shown {
            Shown::Opened(app) => app.ui(ui, frame),
            Shown::Unopened(unopened) => {
                let Some(desk) = unopened.show(ui) else { return };
                match workbench(ui.ctx(), desk, &self.options) {
                    Ok(app) => {
                        self.opened.set(true);
                        self.shown = Shown::Opened(Box::new(app));
                    }
                    Err(error) => tracing::error!("the window could not be prepared: {error}"),
                }
                ui.ctx().request_repaint();
            }
        }
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        match &self.shown {
            Shown::Opened(app) => app.clear_color(visuals),
            Shown::Unopened(_) => visuals.panel_fill.to_normalized_gamma_f32(),
        }
    }

    fn on_exit(&mut self, gl: Option<&eframe::glow::Context>) {
        if let Shown::Opened(app) = &mut self.shown {
            app.on_exit(gl);
        }
    }
}

/// The components in a window of their own.
struct GalleryWindow(Gallery);

impl eframe::App for GalleryWindow {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.0.show(ui);
    }
}

/// Opens a window with what `make` gives; the graphics card first, OpenGL when that cannot be used.
fn show(
    kept_at: PathBuf,
    make: impl FnOnce(
        &eframe::CreationContext<'_>,
    ) -> Result<Box<dyn eframe::App>, Box<dyn std::error::Error + Send + Sync>>,
) -> Result<ExitCode, Problem> {
    let glow = std::env::var_os(RENDERER).is_some_and(|value| value == "glow");
    let native = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_app_id("modeldesk")
            .with_title("Modeldesk")
            .with_inner_size(FIRST_SIZE)
            .with_drag_and_drop(true),
        renderer: if glow { eframe::Renderer::Glow } else { eframe::Renderer::Wgpu },
        // Flat colours need no dithering; without it they are exact, and cheaper where no graphics card paints.
        dithering: false,
        persistence_path: Some(kept_at),
        // The window brings its own way to the system's fonts, which stops no frame.
        system_font_fallback: false,
        ..eframe::NativeOptions::default()
    };
    let creator = |cc: &eframe::CreationContext<'_>| {
        close_on_signals(&cc.egui_ctx);
        make(cc)
    };
    let made = eframe::run_native("modeldesk", native, Box::new(creator));
    match made {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error @ (eframe::Error::Winit(_) | eframe::Error::WinitEventLoop(_))) => {
            tracing::debug!("{error}");
            Err(Problem::new(NO_DISPLAY, anyhow::anyhow!("there is no display to open a window on; {ELSEWHERE}")))
        }
        Err(eframe::Error::AppCreation(error)) => {
            Err(Problem::new(1, anyhow::anyhow!("the window could not be prepared: {error}")))
        }
        // One process may have one event loop, so the second try is another process.
        Err(error) if !glow => {
            tracing::info!("the graphics card cannot be used ({error}); trying OpenGL");
            again_with_glow()
        }
        Err(error) => {
            Err(Problem::new(NO_DISPLAY, anyhow::anyhow!("the window cannot be drawn ({error}); {ELSEWHERE}")))
        }
    }
}

/// The second process says by itself what went wrong; its exit code is passed on.
fn again_with_glow() -> Result<ExitCode, Problem> {
    let run = || -> anyhow::Result<std::process::ExitStatus> {
        let mut again = std::process::Command::new(std::env::current_exe()?);
        Ok(again.args(std::env::args_os().skip(1)).env(RENDERER, "glow").status()?)
    };
    let status = run().map_err(|error| Problem::new(1, error.context("OpenGL could not be tried")))?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// Ctrl+C and the session's end close the window in order.
fn close_on_signals(ctx: &egui::Context) {
    #[cfg(unix)]
    {
        let ctx = ctx.clone();
        let signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT]);
        let Ok(mut signals) = signals else { return };
        let spawned = std::thread::Builder::new().name("signals".into()).spawn(move || {
            if signals.forever().next().is_some() {
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
                ctx.request_repaint();
            }
        });
        if let Err(error) = spawned {
            tracing::warn!("signals are not handled: {error}");
        }
    }
    #[cfg(not(unix))]
    let _ = ctx;
}
