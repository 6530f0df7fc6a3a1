//! Everything that the window itself can do, once: palette, shortcuts and help come from here.

use desk_uikit::{Icon, ThemeChoice};
use egui::{Key, KeyboardShortcut, Modifiers};

use crate::route::{Route, Section, VersionTab};

/// Something that the window can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "`text` and `tooltip` say it in the window's own words")]
pub enum UiCommand {
    Palette,
    Import,
    AddSamples,
    NewTarget,
    NewCredential,
    Find,
    RunPrimary,
    CopyCommand,
    Rename,
    Remove,
    Undo,
    Redo,
    CancelJob,
    Refresh,
    Back,
    Forward,
    GoHome,
    GoModels,
    GoDeployments,
    GoTargets,
    GoCredentials,
    GoActivity,
    TabOverview,
    TabGraph,
    TabTest,
    TabExplain,
    TabDeploy,
    ToggleNav,
    ToggleInspector,
    ToggleDrawer,
    Notices,
    NextRegion,
    PreviousRegion,
    ZoomIn,
    ZoomOut,
    ZoomReset,
    ThemeSystem,
    ThemeLight,
    ThemeDark,
    HighContrast,
    Density,
    Doctor,
    Verify,
    Settings,
    Help,
    Tour,
    Shortcuts,
    Quit,
}

impl UiCommand {
    /// All commands, in the order of the help.
    pub const ALL: [Self; 48] = [
        Self::Palette,
        Self::Import,
        Self::AddSamples,
        Self::NewTarget,
        Self::NewCredential,
        Self::Find,
        Self::RunPrimary,
        Self::CopyCommand,
        Self::Rename,
        Self::Remove,
        Self::Undo,
        Self::Redo,
        Self::CancelJob,
        Self::Refresh,
        Self::Back,
        Self::Forward,
        Self::GoHome,
        Self::GoModels,
        Self::GoDeployments,
        Self::GoTargets,
        Self::GoCredentials,
        Self::GoActivity,
        Self::TabOverview,
        Self::TabGraph,
        Self::TabTest,
        Self::TabExplain,
        Self::TabDeploy,
        Self::ToggleNav,
        Self::ToggleInspector,
        Self::ToggleDrawer,
        Self::Notices,
        Self::NextRegion,
        Self::PreviousRegion,
        Self::ZoomIn,
        Self::ZoomOut,
        Self::ZoomReset,
        Self::ThemeSystem,
        Self::ThemeLight,
        Self::ThemeDark,
        Self::HighContrast,
        Self::Density,
        Self::Doctor,
        Self::Verify,
        Self::Settings,
        Self::Help,
        Self::Tour,
        Self::Shortcuts,
        Self::Quit,
    ];

    /// The name in palette and menus; "…" where a dialog opens.
    pub fn text(self) -> &'static str {
        match self {
            Self::Palette => "Search or run a command",
            Self::Import => "Import model…",
            Self::AddSamples => "Add the sample models",
            Self::NewTarget => "New target…",
            Self::NewCredential => "New credential…",
            Self::Find => "Find in this list",
            Self::RunPrimary => "Do the next step of this view",
            Self::CopyCommand => "Copy the next step as a command",
            Self::Rename => "Rename, or move an alias…",
            Self::Remove => "Archive or remove what is selected",
            Self::Undo => "Undo the last change",
            Self::Redo => "Redo what was undone",
            Self::CancelJob => "Cancel the running job",
            Self::Refresh => "Refresh",
            Self::Back => "Back",
            Self::Forward => "Forward",
            Self::GoHome => "Go to home",
            Self::GoModels => "Go to models",
            Self::GoDeployments => "Go to deployments",
            Self::GoTargets => "Go to targets",
            Self::GoCredentials => "Go to credentials",
            Self::GoActivity => "Go to activity",
            Self::TabOverview => "Version: overview",
            Self::TabGraph => "Version: graph",
            Self::TabTest => "Version: test",
            Self::TabExplain => "Version: explain",
            Self::TabDeploy => "Version: deploy",
            Self::ToggleNav => "Show or hide the navigation",
            Self::ToggleInspector => "Show or hide the inspector",
            Self::ToggleDrawer => "Show or hide the jobs",
            Self::Notices => "Show the notices",
            Self::NextRegion => "Go to the next region",
            Self::PreviousRegion => "Go to the region before",
            Self::ZoomIn => "Zoom in",
            Self::ZoomOut => "Zoom out",
            Self::ZoomReset => "Zoom to 100 %",
            Self::ThemeSystem => "Theme: follow the system",
            Self::ThemeLight => "Theme: light",
            Self::ThemeDark => "Theme: dark",
            Self::HighContrast => "High contrast on or off",
            Self::Density => "Compact or comfortable rows",
            Self::Doctor => "Check this computer",
            Self::Verify => "Verify everything that is stored",
            Self::Settings => "Settings",
            Self::Help => "Help for this view",
            Self::Tour => "Take the tour",
            Self::Shortcuts => "Keyboard shortcuts",
            Self::Quit => "Quit",
        }
    }

    /// One sentence more, for tooltips.
    pub fn tooltip(self) -> &'static str {
        match self {
            Self::Palette => "Type a few letters of any command, model or target",
            Self::Import => "Read an ONNX file and store it as a version",
            Self::AddSamples => "Small models with their data, which work offline",
            Self::NewTarget => "This computer, or another one by SSH",
            Self::NewCredential => "A key or password, kept in the system's keyring",
            Self::Find => "Puts the cursor into the list's filter",
            Self::RunPrimary => "Presses the view's blue button",
            Self::CopyCommand => "The command line that does the same",
            Self::Rename => "An alias of the version, or the settings of a target or credential",
            Self::Remove => "A model is only hidden and can be shown again; the rest asks first",
            Self::Undo => "Aliases, archived and renamed models",
            Self::Redo => "Makes the last undone change once more",
            Self::CancelJob => "Asks the newest running job to stop",
            Self::Refresh => "Reads again what this view shows",
            Self::Back => "To the place before this one",
            Self::Forward => "To the place you came back from",
            Self::GoHome
            | Self::GoModels
            | Self::GoDeployments
            | Self::GoTargets
            | Self::GoCredentials
            | Self::GoActivity => "Opens the view",
            Self::TabOverview => "What the version is",
            Self::TabGraph => "Its operators and how they are connected",
            Self::TabTest => "Score data and measure",
            Self::TabExplain => "Why it answers as it does",
            Self::TabDeploy => "Put it on a target, or go back",
            Self::ToggleNav => "The list at the left",
            Self::ToggleInspector => "Details of what is selected, at the right",
            Self::ToggleDrawer => "Running and finished jobs, at the bottom",
            Self::Notices => "Warnings, errors and what ended while you were elsewhere",
            Self::NextRegion | Self::PreviousRegion => "Top bar, navigation, view, inspector, jobs, status bar",
            Self::ZoomIn | Self::ZoomOut | Self::ZoomReset => "Between 80 and 200 %",
            Self::ThemeSystem | Self::ThemeLight | Self::ThemeDark => "Changes the window's colours",
            Self::HighContrast => "Stronger colours and lines, in the dark and in the light",
            Self::Density => "Compact shows more rows on the same screen",
            Self::Doctor => "Runtime, keyring, store: what works and what to do",
            Self::Verify => "Reads every file and compares its digest",
            Self::Settings => "Appearance, runtime, storage",
            Self::Help => "What can be done here, and its keys",
            Self::Tour => "Over the samples: test, explain, compare, deploy, roll back; the same again closes it",
            Self::Shortcuts => "All shortcuts in one list",
            Self::Quit => "Closes the window",
        }
    }

    /// Other words that people look for it by, shown beside its name where commands are searched.
    pub fn also(self) -> &'static str {
        match self {
            Self::ZoomIn | Self::ZoomOut | Self::ZoomReset => "interface and text size",
            Self::ThemeSystem | Self::ThemeLight | Self::ThemeDark | Self::HighContrast => "appearance",
            Self::Density => "height and spacing of rows",
            Self::Doctor => "runtime, keyring, store",
            Self::Settings => "preferences, options",
            Self::Shortcuts => "key map",
            Self::Quit => "exit, close the window",
            _ => "",
        }
    }

    /// Its shortcuts; the first is the one that is shown.
    pub fn shortcuts(self) -> Vec<KeyboardShortcut> {
        let command = |key| KeyboardShortcut::new(Modifiers::COMMAND, key);
        let plain = |key| KeyboardShortcut::new(Modifiers::NONE, key);
        let alt = |key| KeyboardShortcut::new(Modifiers::ALT, key);
        let shift = |more: Modifiers, key| KeyboardShortcut::new(more.plus(Modifiers::SHIFT), key);
        match self {
            Self::Palette => vec![command(Key::K), command(Key::P)],
            Self::Import => vec![command(Key::O)],
            Self::NewTarget => vec![command(Key::N)],
            Self::Find => vec![command(Key::F)],
            Self::RunPrimary => vec![command(Key::Enter)],
            Self::CopyCommand => vec![KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::ALT), Key::C)],
            Self::Rename => vec![plain(Key::F2)],
            Self::Remove => vec![plain(Key::Delete)],
            Self::Undo => vec![command(Key::Z)],
            Self::Redo => vec![shift(Modifiers::COMMAND, Key::Z), command(Key::Y)],
            Self::NextRegion => vec![plain(Key::F6)],
            Self::PreviousRegion => vec![shift(Modifiers::NONE, Key::F6)],
            Self::CancelJob => vec![command(Key::Period)],
            Self::Refresh => vec![plain(Key::F5), command(Key::R)],
            Self::Back => vec![alt(Key::ArrowLeft)],
            Self::Forward => vec![alt(Key::ArrowRight)],
            Self::TabOverview => vec![command(Key::Num1)],
            Self::TabGraph => vec![command(Key::Num2)],
            Self::TabTest => vec![command(Key::Num3)],
            Self::TabExplain => vec![command(Key::Num4)],
            Self::TabDeploy => vec![command(Key::Num5)],
            Self::ToggleNav => vec![command(Key::B)],
            Self::ToggleInspector => vec![command(Key::I)],
            Self::ToggleDrawer => vec![command(Key::J)],
            Self::Notices => vec![shift(Modifiers::COMMAND, Key::N)],
            Self::ZoomIn => vec![command(Key::Plus), command(Key::Equals)],
            Self::ZoomOut => vec![command(Key::Minus)],
            Self::ZoomReset => vec![command(Key::Num0)],
            Self::Settings => vec![command(Key::Comma)],
            Self::Help => vec![plain(Key::F1)],
            Self::Shortcuts => vec![shift(Modifiers::NONE, Key::F1)],
            Self::Quit => vec![command(Key::Q)],
            Self::AddSamples
            | Self::NewCredential
            | Self::GoHome
            | Self::GoModels
            | Self::GoDeployments
            | Self::GoTargets
            | Self::GoCredentials
            | Self::GoActivity
            | Self::ThemeSystem
            | Self::ThemeLight
            | Self::ThemeDark
            | Self::HighContrast
            | Self::Density
            | Self::Doctor
            | Self::Tour
            | Self::Verify => vec![],
        }
    }

    /// Its icon in the palette.
    pub fn icon(self) -> Icon {
        match self {
            Self::Palette | Self::ZoomReset => Icon::Search,
            Self::Import => Icon::Import,
            Self::AddSamples => Icon::Sample,
            Self::NewTarget | Self::GoTargets => Icon::Target,
            Self::NewCredential | Self::GoCredentials => Icon::Credential,
            Self::Find => Icon::Filter,
            Self::RunPrimary => Icon::Run,
            Self::CopyCommand => Icon::Terminal,
            Self::Rename => Icon::Edit,
            Self::Remove => Icon::Remove,
            Self::Undo => Icon::Undo,
            Self::NextRegion => Icon::Right,
            Self::PreviousRegion => Icon::Left,
            Self::CancelJob => Icon::Stop,
            Self::Refresh | Self::Redo => Icon::Retry,
            Self::Back => Icon::Back,
            Self::Forward => Icon::Forward,
            Self::GoHome => Icon::Home,
            Self::GoModels => Icon::Models,
            Self::GoDeployments | Self::TabDeploy => Icon::Deploy,
            Self::GoActivity => Icon::Activity,
            Self::TabOverview => Icon::Info,
            Self::Help => Icon::Help,
            Self::Tour => Icon::Hint,
            Self::TabGraph => Icon::Graph,
            Self::TabTest => Icon::Test,
            Self::TabExplain => Icon::Explain,
            Self::ToggleNav => Icon::PanelLeft,
            Self::ToggleInspector => Icon::PanelRight,
            Self::ToggleDrawer => Icon::PanelBottom,
            Self::Notices => Icon::Bell,
            Self::ZoomIn => Icon::Add,
            Self::ZoomOut => Icon::Minus,
            Self::ThemeSystem | Self::HighContrast | Self::Density => Icon::Appearance,
            Self::ThemeLight => Icon::Sun,
            Self::ThemeDark => Icon::Moon,
            Self::Doctor => Icon::Runtime,
            Self::Verify => Icon::Proof,
            Self::Settings => Icon::Settings,
            Self::Shortcuts => Icon::Keyboard,
            Self::Quit => Icon::Close,
        }
    }

    /// The place that the command goes to, for those that only go somewhere.
    pub fn route(self) -> Option<Route> {
        Some(match self {
            Self::GoHome => Route::Home,
            Self::GoModels => Route::Models,
            Self::GoDeployments => Route::Deployments,
            Self::GoTargets => Route::Targets,
            Self::GoCredentials => Route::Credentials,
            Self::GoActivity => Route::Activity,
            Self::Settings => Route::Settings(Section::Appearance),
            Self::Shortcuts => Route::Settings(Section::Shortcuts),
            _ => return None,
        })
    }

    /// The version's tab that the command chooses.
    pub fn tab(self) -> Option<VersionTab> {
        match self {
            Self::TabOverview => Some(VersionTab::Overview),
            Self::TabGraph => Some(VersionTab::Graph),
            Self::TabTest => Some(VersionTab::Test),
            Self::TabExplain => Some(VersionTab::Explain),
            Self::TabDeploy => Some(VersionTab::Deploy),
            _ => None,
        }
    }

    /// The theme that the command chooses.
    pub fn theme(self) -> Option<ThemeChoice> {
        match self {
            Self::ThemeSystem => Some(ThemeChoice::System),
            Self::ThemeLight => Some(ThemeChoice::Light),
            Self::ThemeDark => Some(ThemeChoice::Dark),
            _ => None,
        }
    }

    /// The first shortcut as text for this platform; empty when there is none.
    pub fn shortcut_text(self, ctx: &egui::Context) -> String {
        self.shortcuts().first().map(|shortcut| keys(ctx, shortcut)).unwrap_or_default()
    }

    /// All its shortcuts as text for this platform.
    pub fn keys_text(self, ctx: &egui::Context) -> String {
        let keys: Vec<String> = self.shortcuts().iter().map(|shortcut| keys(ctx, shortcut)).collect();
        keys.join("  or  ")
    }

    /// It changes neither what is below a dialog nor the dialog itself, so it works while one is open.
    pub fn works_over_dialogs(self) -> bool {
        use UiCommand as C;
        let looks = [C::ZoomIn, C::ZoomOut, C::ZoomReset, C::ThemeSystem, C::ThemeLight, C::ThemeDark, C::HighContrast];
        let dialog = [C::RunPrimary, C::CopyCommand, C::Find, C::Rename, C::Remove];
        looks.contains(&self)
            || dialog.contains(&self)
            || matches!(self, C::Density | C::Refresh | C::CancelJob | C::Quit)
    }

    /// Its keys mean something else while text is being edited.
    fn leaves_to_text(self) -> bool {
        matches!(self, Self::Undo | Self::Redo | Self::Remove)
    }

    /// Takes out of the input what was typed after this command's keys in the same frame: a slow frame has both.
    pub fn typed_after(self, ctx: &egui::Context) -> String {
        let keys = self.shortcuts();
        let is_mine = |event: &egui::Event| match event {
            egui::Event::Key { key, pressed: true, modifiers, .. } => {
                keys.iter().any(|mine| mine.logical_key == *key && modifiers.matches_logically(mine.modifiers))
            }
            _ => false,
        };
        ctx.input_mut(|input| {
            let (mut typed, mut after) = (String::new(), false);
            input.events.retain(|event| {
                after |= is_mine(event);
                match event {
                    egui::Event::Text(text) if after => typed.push_str(text),
                    _ => return true,
                }
                false
            });
            typed
        })
    }

    /// Takes the commands whose shortcuts were pressed out of the input.
    pub fn pressed(ctx: &egui::Context) -> Vec<Self> {
        let typing = ctx.text_edit_focused();
        // What has more modifiers goes first: Ctrl+Alt+C must not be taken for Ctrl+C.
        let mut keys: Vec<(KeyboardShortcut, Self)> =
            Self::ALL.iter().flat_map(|command| command.shortcuts().into_iter().map(|s| (s, *command))).collect();
        keys.retain(|(_, command)| !typing || !command.leaves_to_text());
        keys.sort_by_key(|(shortcut, _)| {
            let m = shortcut.modifiers;
            std::cmp::Reverse(u8::from(m.alt) + u8::from(m.command) + u8::from(m.shift))
        });
        ctx.input_mut(|input| {
            keys.iter().filter(|(shortcut, _)| input.consume_shortcut(shortcut)).map(|(_, command)| *command).collect()
        })
    }
}

/// A shortcut as keys are printed: `Ctrl+.` and `Alt+←`, where egui says `Ctrl+Period` and `Alt+Left`.
pub fn keys(ctx: &egui::Context, shortcut: &KeyboardShortcut) -> String {
    let text = ctx.format_shortcut(shortcut);
    let key = shortcut.logical_key;
    let printed = match key {
        Key::ArrowLeft => "←",
        Key::ArrowRight => "→",
        Key::ArrowUp => "↑",
        Key::ArrowDown => "↓",
        key => key.symbol_or_name(),
    };
    text.strip_suffix(key.name()).map_or_else(|| text.clone(), |modifiers| format!("{modifiers}{printed}"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_are_named_as_they_are_printed() {
        let ctx = egui::Context::default();
        ctx.set_os(egui::os::OperatingSystem::Nix);
        let first = |command: UiCommand| command.shortcut_text(&ctx);
        assert_eq!(first(UiCommand::CancelJob), "Ctrl+.");
        assert_eq!((first(UiCommand::Back), first(UiCommand::Forward)), ("Alt+←".to_owned(), "Alt+→".to_owned()));
        assert_eq!(UiCommand::ZoomIn.keys_text(&ctx), "Ctrl++  or  Ctrl+=");
        assert_eq!((first(UiCommand::Settings), first(UiCommand::Help)), ("Ctrl+,".to_owned(), "F1".to_owned()));
    }

    #[test]
    fn names_and_shortcuts_are_unique_and_say_something() {
        let mut names = HashSet::new();
        let mut keys = HashSet::new();
        for command in UiCommand::ALL {
            assert!(names.insert(command.text()), "two commands are called {}", command.text());
            assert!(!command.tooltip().is_empty() && !command.text().ends_with('.'));
            for shortcut in command.shortcuts() {
                assert!(keys.insert(format!("{shortcut:?}")), "{command:?}: {shortcut:?} is taken");
            }
        }
        assert_eq!(UiCommand::ALL.iter().collect::<HashSet<_>>().len(), UiCommand::ALL.len());
    }
}
