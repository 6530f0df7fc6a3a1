//! The real program on a real (virtual) display: it opens, and it rests when nobody touches it.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use desk_app::query::ModelFilter;
use desk_app::{Desk, DeskOptions};
use serde_json::Value;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{AtomEnum, ConfigureWindowAux, ConnectionExt as _, ImageFormat};
use x11rb::rust_connection::RustConnection;

/// An X server of its own for one test.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    /// Starts one; `None`, and a word about it, where there is no Xvfb.
    fn start() -> Option<Self> {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "2000x1400x24", "-nolisten", "tcp"]);
        let Ok(mut server) = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn() else {
            drop(writeln!(std::io::stderr(), "SKIPPED: needs the Debian package xvfb"));
            return None;
        };
        let mut number = String::new();
        BufReader::new(server.stdout.take().expect("piped")).read_line(&mut number).expect("a display number");
        Some(Self { server, name: format!(":{}", number.trim()) })
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // Not there any more is as good.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// The window as the display knows it.
struct Shown {
    display: RustConnection,
    window: u32,
}

impl Shown {
    /// Waits until a window of this name is there.
    fn find(display: &Display, running: &mut Child) -> Self {
        let (display, screen) = RustConnection::connect(Some(&display.name)).expect("connects");
        let root = display.setup().roots[screen].root;
        let named = |window: u32| {
            let name = display.get_property(false, window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 64);
            name.expect("asked").reply().is_ok_and(|name| name.value == b"Modeldesk")
        };
        loop {
            assert!(running.try_wait().expect("asked").is_none(), "it ended early");
            let children = display.query_tree(root).expect("asked").reply().expect("answered").children;
            if let Some(window) = children.into_iter().find(|window| named(*window)) {
                return Self { display, window };
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn resize(&self, width: u32, height: u32) {
        let size = ConfigureWindowAux::new().x(0).y(0).width(width).height(height);
        self.display.configure_window(self.window, &size).expect("sent").check().expect("done");
    }

    /// Off the display, as a window is that was minimised.
    fn hide(&self) {
        self.display.unmap_window(self.window).expect("sent").check().expect("done");
    }

    fn show(&self) {
        self.display.map_window(self.window).expect("sent").check().expect("done");
    }

    /// Colours in the lowest lines, where the status bar is at either scale.
    fn colours_at_the_foot(&self, width: u16, height: u16) -> usize {
        let y = i16::try_from(height - 48).expect("small");
        let image = self.display.get_image(ImageFormat::Z_PIXMAP, self.window, 0, y, width, 48, u32::MAX);
        let Ok(image) = image.expect("asked").reply() else { return 0 };
        image.data.chunks_exact(4).collect::<BTreeSet<_>>().len()
    }

    /// Waits until all of it is painted at this size.
    fn is_painted(&self, width: u16, height: u16) {
        let until = Instant::now() + Duration::from_secs(30);
        // A part that was never painted has one colour; the status bar has words.
        while self.colours_at_the_foot(width, height) < 4 {
            assert!(Instant::now() < until, "nothing is painted at the foot of {width}x{height}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn a_window_is_made_small_and_large_and_hidden_while_it_works() {
    for scale in ["1", "2"] {
        let Some(display) = Display::start() else { return };
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path().join("home");
        let mut window = Command::new(env!("CARGO_BIN_EXE_modeldesk-workbench"))
            .args(["--sample", "--home"])
            .arg(&home)
            .env("DISPLAY", &display.name)
            .env("WINIT_X11_SCALE_FACTOR", scale)
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env_remove("WAYLAND_DISPLAY")
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let shown = Shown::find(&display, &mut window);
        // The samples are imported meanwhile.
        shown.hide();
        let desk =
            || Desk::open_to_read(DeskOptions::for_home(&home)).and_then(|desk| desk.models(&ModelFilter::default()));
        while desk().map_or(0, |models| models.len()) < 3 {
            assert!(window.try_wait().expect("asked").is_none(), "it ended early");
            std::thread::sleep(Duration::from_millis(100));
        }
        shown.show();
        for (width, height) in [(900, 600), (1_900, 1_300), (1, 1), (1_280, 800)] {
            shown.resize(width.into(), height.into());
            if height > 1 {
                shown.is_painted(width, height);
            }
        }
        assert!(Command::new("kill").arg(window.id().to_string()).status().expect("kill").success());
        let ended = window.wait_with_output().expect("ends");
        let noise = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success() && !noise.contains("panicked"), "scale {scale}: {}: {noise}", ended.status);
    }
}

fn measure(what: &str, renderer: &str) -> Option<Value> {
    let display = Display::start()?;
    let home = tempfile::tempdir().expect("a folder");
    let mut window = Command::new(env!("CARGO_BIN_EXE_modeldesk-workbench"))
        .arg("--home")
        .arg(home.path().join("home"))
        .args(["--measure", what])
        .env("DISPLAY", &display.name)
        .env("MODELDESK_RENDERER", renderer)
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env_remove("WAYLAND_DISPLAY")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut text = String::new();
    window.stdout.take().expect("piped").read_to_string(&mut text).expect("UTF-8");
    let ended = window.wait_with_output().expect("ends");
    let noise = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success(), "{}: {noise}", ended.status);
    assert!(!noise.contains("panicked"), "{noise}");
    Some(serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("{error}: {text}\n{noise}")))
}

#[test]
fn a_window_that_nobody_touches_paints_nothing() {
    let Some(idle) = measure("idle", "") else { return };
    assert_eq!(idle["frames"], 0, "something asks for frames without a reason: {idle}");
    let used = idle["cpu_seconds"].as_f64().expect("a number");
    assert!(used < 0.5, "{used} s of processor time in 10 s: {idle}");
}

/// The names of a process's threads.
fn threads(process: u32) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok()).collect()
}

#[test]
fn a_home_that_is_gone_is_not_made_anew_when_the_window_closes() {
    let Some(display) = Display::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join("home");
    let mut window = Command::new(env!("CARGO_BIN_EXE_modeldesk-workbench"))
        .arg("--home")
        .arg(&home)
        // It closes by itself.
        .args(["--measure", "idle"])
        .env("DISPLAY", &display.name)
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env_remove("WAYLAND_DISPLAY")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    // The window is there once it measures itself.
    while !threads(window.id()).iter().any(|name| name.trim() == "measure") {
        assert!(window.try_wait().expect("asked").is_none(), "it ended early");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    std::fs::rename(&home, folder.path().join("away")).expect("moved away");
    assert!(window.wait().expect("ends").success());
    assert!(!home.exists(), "{:?}", std::fs::read_dir(&home).map(|entries| entries.flatten().collect::<Vec<_>>()));
}

#[test]
fn the_first_frame_comes_with_either_renderer() {
    for renderer in ["", "glow"] {
        let Some(first) = measure("first-frame", renderer) else { return };
        let seconds = first["seconds"].as_f64().expect("a number");
        assert!(seconds > 0.0 && seconds < 60.0, "{renderer}: {seconds}");
    }
}

#[test]
fn without_any_graphics_there_is_one_clear_message() {
    let Some(display) = Display::start() else { return };
    let home = tempfile::tempdir().expect("a folder");
    let nothing = "/nonexistent";
    let ended = Command::new(env!("CARGO_BIN_EXE_modeldesk-workbench"))
        .arg("--home")
        .arg(home.path().join("home"))
        // Where there is something to draw with all the same, the window closes by itself.
        .args(["--measure", "first-frame"])
        .env("DISPLAY", &display.name)
        .envs(
            ["VK_ICD_FILENAMES", "VK_DRIVER_FILES", "__EGL_VENDOR_LIBRARY_FILENAMES", "LIBGL_DRIVERS_PATH"]
                .map(|name| (name, nothing)),
        )
        .env("GALLIUM_DRIVER", "none")
        .env("MESA_LOADER_DRIVER_OVERRIDE", "none")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("MODELDESK_RENDERER")
        .env_remove("MODELDESK_LOG")
        .output()
        .expect("starts");
    if ended.status.success() {
        return;
    }
    let noise = String::from_utf8_lossy(&ended.stderr);
    // What the system's own libraries print is not ours to change.
    let foreign = ["libGL", "MESA", "XDG_RUNTIME_DIR", "libEGL"];
    let said: Vec<&str> = noise.lines().filter(|line| !foreign.iter().any(|part| line.contains(part))).collect();
    assert_eq!(ended.status.code(), Some(3), "{noise}");
    assert!(said.len() == 1 && said[0].contains("modeldesk --help"), "{noise}");
}
