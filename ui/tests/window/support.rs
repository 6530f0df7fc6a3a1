//! The real window over a real desk in a temporary home, driven headless.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use desk_app::{Desk, DeskOptions, SecretsChoice};
use desk_uikit::{Appearance, ThemeChoice};
use egui::{Role, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use egui_kittest::{Harness, Node, SnapshotOptions};
use modeldesk_workbench::Workbench;
use modeldesk_workbench::picker::{Asked, FilePicker, Purpose};
use tempfile::TempDir;

/// Longer than any step needs on a busy machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// Every place that a desk with the samples has.
pub const PLACES: [&str; 17] = [
    "home",
    "models",
    "models/tumour",
    "models/tumour/2/overview",
    "models/tumour/2/graph",
    "models/tumour/2/test",
    "models/tumour/2/explain",
    "models/tumour/2/deploy",
    "deployments",
    "targets",
    "credentials",
    "activity",
    "settings/appearance",
    "settings/runtime",
    "settings/storage",
    "settings/shortcuts",
    "settings/about",
];

/// Places on a desk on which nothing was done yet, and what they say then.
pub const FRESH: [(&str, &str); 5] = [
    ("models", "No models yet"),
    ("deployments", "Nothing deployed yet"),
    ("targets", "No target yet"),
    ("credentials", "No credential yet"),
    ("activity", "Nothing has run yet"),
];

/// A port that nobody listens at now: tests side by side shall not choose the same one by themselves.
pub fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port().to_string()
}

thread_local! {
    /// Points of the picture for one point of the window, in this test.
    pub static FINE: std::cell::Cell<f32> = const { std::cell::Cell::new(1.0) };
    /// No dialog of the system comes for saving, in this test.
    pub static NO_DIALOG: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    static ASKED: std::cell::RefCell<Vec<Asked>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// A file dialog that answers at once with a fixed file, as if somebody had chosen it.
struct Chosen(Option<PathBuf>);

impl FilePicker for Chosen {
    fn pick(&self, _purpose: Purpose, done: Box<dyn FnOnce() + Send>) -> mpsc::Receiver<Option<PathBuf>> {
        let (sender, receiver) = mpsc::channel();
        sender.send(self.0.clone()).expect("the receiver is here");
        done();
        receiver
    }

    /// The answer is a folder then, into which the file goes by its own name.
    fn save(&self, name: &str, done: Box<dyn FnOnce() + Send>) -> mpsc::Receiver<Option<PathBuf>> {
        if NO_DIALOG.get() {
            let (asked, receiver) = Asked::new(self.0.clone().unwrap_or_default().join(name));
            ASKED.with_borrow_mut(|all| all.push(asked));
            done();
            return receiver;
        }
        let (sender, receiver) = mpsc::channel();
        sender.send(self.0.as_ref().map(|folder| folder.join(name))).expect("the receiver is here");
        done();
        receiver
    }

    fn asked(&self) -> Option<Asked> {
        ASKED.with_borrow_mut(Vec::pop)
    }
}

/// A window with its desk.
pub struct Window {
    pub harness: Harness<'static, Workbench>,
    pub desk: Desk,
    pub home: TempDir,
    /// Folders of targets elsewhere whose servers end with the test.
    pub stops: Vec<PathBuf>,
}

impl Window {
    /// A window over an empty home.
    pub fn new() -> Self {
        Self::with([1280.0, 800.0], ThemeChoice::Dark, None)
    }

    /// A window of a size and theme, whose file dialog answers with `chosen`.
    pub fn with(size: [f32; 2], theme: ThemeChoice, chosen: Option<PathBuf>) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let desk = open(home.path().join("home"), SecretsChoice::Memory);
        Self { harness: harness(&desk, size, theme, chosen), desk, home, stops: Vec::new() }
    }

    /// A window over an empty home whose secrets go where the system keeps them, if anywhere.
    pub fn with_vault(size: [f32; 2], theme: ThemeChoice) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let desk = open(home.path().join("home"), SecretsChoice::System);
        Self { harness: harness(&desk, size, theme, None), desk, home, stops: Vec::new() }
    }

    /// A window over a home that has the samples.
    pub fn with_samples(size: [f32; 2], theme: ThemeChoice) -> Self {
        let window = Self::with(size, theme, None);
        let added = window.desk.run(desk_app::Command::Sample, &desk_core::Cancel::new(), &desk_core::NoProgress);
        added.expect("the samples are imported");
        window
    }

    /// Imports a model file as it is.
    pub fn import(&self, path: impl Into<std::path::PathBuf>, name: &str) {
        let import = desk_app::command::Import {
            path: path.into(),
            name: Some(name.parse().expect("a name")),
            golden: None,
            columns: desk_app::command::Columns::default(),
            note: None,
            alias: None,
            again: false,
            golden_seconds: Some(2),
        };
        let done = self.desk.run(desk_app::Command::Import(import), &desk_core::Cancel::new(), &desk_core::NoProgress);
        done.expect("imported");
    }

    /// A second desk on the same home, as another process has one.
    pub fn another_desk(&self) -> Desk {
        open(self.home.path().join("home"), SecretsChoice::Memory)
    }

    /// The window is closed and opened again, on the same desk; what it keeps is written first.
    pub fn open_again(&mut self, written: impl Fn(&Desk) -> bool) {
        let desk = self.desk.clone();
        self.wait("what it keeps", |_| written(&desk));
        self.harness = harness(&self.desk, [1280.0, 800.0], ThemeChoice::Light, None);
    }

    /// The window is opened again on the same desk, in another size or theme.
    pub fn show_anew(&mut self, size: [f32; 2], theme: ThemeChoice) {
        self.harness = harness(&self.desk, size, theme, None);
    }

    /// The window is opened again at a place, as a link does, in the looks of the last time.
    pub fn open_by_link(&mut self, place: &str) {
        let route = place.parse().expect("a place of this window");
        let (size, theme) = ([1280.0, 800.0], ThemeChoice::Dark);
        self.harness = plain_harness(&self.desk, size, theme, None, move |window, _| window.open(route));
    }

    /// The same, and nothing that is read in the background arrives until `hold_answers(false)`.
    pub fn show_unread(&mut self, size: [f32; 2], theme: ThemeChoice) {
        self.harness = harness_then(&self.desk, size, theme, None, |window| window.hold_answers(true));
    }

    /// Draws frames until `ready` says so.
    #[track_caller]
    pub fn wait(&mut self, what: &str, ready: impl Fn(&Harness<'static, Workbench>) -> bool) {
        let start = Instant::now();
        loop {
            self.harness.run_steps(2);
            if ready(&self.harness) {
                return;
            }
            let labels = || labels(&self.harness).join("\n  ");
            assert!(start.elapsed() < PATIENCE, "waited in vain for {what}; on screen:\n  {}", labels());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for something with this label.
    #[track_caller]
    pub fn wait_for(&mut self, label: &str) {
        self.wait(label, |h| h.query_all_by_label(label).next().is_some());
    }

    /// Waits for something whose label contains this text.
    #[track_caller]
    pub fn wait_for_text(&mut self, text: &str) {
        self.wait(text, |h| h.query_all_by_label_contains(text).next().is_some());
    }

    /// True when something has this label.
    pub fn shows(&self, label: &str) -> bool {
        self.harness.query_all_by_label(label).next().is_some()
    }

    /// Clicks the enabled button of this name, once there is one.
    #[track_caller]
    pub fn press(&mut self, label: &str) {
        self.press_role(Role::Button, label);
    }

    /// Scores the chosen file; the button says how many rows that are, once it is known.
    #[track_caller]
    pub fn score(&mut self) {
        let label = |h: &Harness<'static, Workbench>| {
            let all: Vec<String> = labels(h);
            let buttons = all.iter().filter_map(|line| line.strip_prefix("Button: "));
            let next = |label: &&str| *label == "Score" || (label.starts_with("Score ") && label.contains(" row"));
            buttons.into_iter().find(next).map(str::to_owned).filter(|label| enabled(h, Role::Button, label).is_some())
        };
        let place = |h: &Harness<'static, Workbench>| {
            let label = label(h)?;
            let rect = enabled(h, Role::Button, &label)?.rect();
            Some((label, rect))
        };
        // Once the rows are known it is called otherwise, and may stand elsewhere.
        let mut before = None;
        for _ in 0..20 {
            self.wait("the button that scores", |h| place(h).is_some());
            let now = place(&self.harness);
            if now == before {
                break;
            }
            before = now;
            std::thread::sleep(Duration::from_millis(20));
        }
        let label = label(&self.harness).expect("it is there");
        enabled(&self.harness, Role::Button, &label).expect("it is there").click();
        self.harness.run_steps(3);
    }

    /// Clicks the enabled thing of this role and name, once there is one and it stays where it is: a view that is still
    /// being read may move it under the pointer.
    #[track_caller]
    pub fn press_role(&mut self, role: Role, label: &str) {
        let mut before = None;
        for _ in 0..20 {
            self.wait(&format!("{role:?} {label}"), |h| enabled(h, role, label).is_some());
            let now = enabled(&self.harness, role, label).map(|node| node.rect());
            if now == before {
                break;
            }
            before = now;
        }
        enabled(&self.harness, role, label).expect("it is there").click();
        self.harness.run_steps(3);
    }

    /// Types into the field of this name, replacing what is there.
    #[track_caller]
    pub fn fill(&mut self, label: &str, text: &str) {
        self.wait(label, |h| field(h, label).is_some());
        field(&self.harness, label).expect("it is there").focus();
        self.harness.run_steps(2);
        self.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
        self.harness.run_steps(1);
        field(&self.harness, label).expect("it is there").type_text(text);
        self.harness.run_steps(2);
    }

    /// Where the window is, as its address.
    pub fn place(&self) -> String {
        self.harness.state().route().to_string()
    }

    /// Goes to a place by its address; everything there that takes input must have a name.
    #[track_caller]
    pub fn go(&mut self, place: &str) {
        let route = place.parse().expect("a place of this window");
        self.harness.state_mut().open(route);
        self.harness.run_steps(3);
        self.harness.check_accessibility();
    }

    /// Takes a picture to look at; nothing compares it.
    pub fn picture(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("MODELDESK_PICTURES") else { return };
        let image = self.harness.render().expect("rendered");
        image.save(PathBuf::from(folder).join(format!("{name}.png"))).expect("saved");
    }

    /// Keeps a picture that the window has written, to look at, beside those of the window itself.
    pub fn keep(name: &str, file: &Path) {
        let Some(folder) = std::env::var_os("MODELDESK_PICTURES") else { return };
        std::fs::copy(file, PathBuf::from(folder).join(name)).expect("copied");
    }
}

impl Drop for Window {
    /// Servers of local targets outlive the window on purpose; those of a test must not.
    fn drop(&mut self) {
        let own = std::fs::read_dir(self.home.path().join("home/targets")).into_iter().flatten().flatten();
        for root in own.map(|target| target.path()).chain(std::mem::take(&mut self.stops)) {
            let server = root.join("bin/modeldesk-serve");
            if !server.exists() {
                continue;
            }
            let stop = std::process::Command::new(server).args(["ctl", "stop", "--root"]).arg(&root).output();
            assert!(stop.is_ok() || std::thread::panicking(), "the server in {} was not stopped", root.display());
        }
    }
}

fn open(home: PathBuf, secrets: SecretsChoice) -> Desk {
    let options = DeskOptions {
        worker: PathBuf::from(env!("CARGO_BIN_EXE_modeldesk-workbench")),
        secrets,
        max_workers: 2,
        ..DeskOptions::for_home(home)
    };
    Desk::open(options).expect("the desk opens")
}

fn harness(desk: &Desk, size: [f32; 2], theme: ThemeChoice, chosen: Option<PathBuf>) -> Harness<'static, Workbench> {
    harness_then(desk, size, theme, chosen, |_| {})
}

/// `then` is done before the first frame.
fn harness_then(
    desk: &Desk,
    size: [f32; 2],
    theme: ThemeChoice,
    chosen: Option<PathBuf>,
    then: impl FnOnce(&mut Workbench) + 'static,
) -> Harness<'static, Workbench> {
    plain_harness(desk, size, theme, chosen, move |window, ctx| {
        window.set_look(ctx, Appearance { theme, reduce_motion: true, ..Appearance::default() });
        then(window);
    })
}

/// In the looks that the window had the last time, until the store has told them in those that it begins with.
fn plain_harness(
    desk: &Desk,
    size: [f32; 2],
    theme: ThemeChoice,
    chosen: Option<PathBuf>,
    then: impl FnOnce(&mut Workbench, &egui::Context) + 'static,
) -> Harness<'static, Workbench> {
    let desk = desk.clone();
    Harness::builder()
        .wgpu()
        .with_size(vec2(size[0], size[1]))
        .with_pixels_per_point(FINE.get())
        .with_theme(if theme == ThemeChoice::Light { egui::Theme::Light } else { egui::Theme::Dark })
        .with_render_cursor(false)
        .with_max_steps(64)
        .with_options(SnapshotOptions::new().threshold(1.0).max_failed_pixels(20))
        .build_eframe(move |cc| {
            let mut window = Workbench::new(&cc.egui_ctx, desk, Box::new(Chosen(chosen))).expect("threads start");
            then(&mut window, &cc.egui_ctx);
            window
        })
}

fn enabled<'t>(h: &'t Harness<'static, Workbench>, role: Role, label: &'t str) -> Option<Node<'t>> {
    // The last one is on top: a dialog's button, not the view's below it.
    h.query_all_by_role_and_label(role, label).rfind(|node| !node.accesskit_node().is_disabled())
}

fn field<'t>(h: &'t Harness<'static, Workbench>, label: &'t str) -> Option<Node<'t>> {
    let inputs = [Role::TextInput, Role::PasswordInput];
    inputs.into_iter().find_map(|role| h.query_all_by_role_and_label(role, label).last())
}

/// Everything on the screen that has a name, for messages of failed tests.
pub fn labels(h: &Harness<'static, Workbench>) -> Vec<String> {
    let nodes = h.root().children_recursive();
    let named = nodes.filter_map(|node| {
        let node = node.accesskit_node();
        let label = node.label().filter(|label| !label.trim().is_empty())?;
        Some(format!("{:?}: {label}", node.role()))
    });
    named.collect()
}
