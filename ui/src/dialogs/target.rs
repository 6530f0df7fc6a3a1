//! A target: this computer, or another one by SSH.

use desk_app::Command;
use desk_app::command::TargetAdd;
use desk_app::outcome::TargetView;
use desk_app::query::CredentialItem;
use desk_core::ModelName;
use desk_uikit::field::Field;
use desk_uikit::modal::Dialog as Frame;
use desk_uikit::{Button, Icon, text};
use egui::Ui;

use super::Dialog;
use crate::background::{Slot, Topic};
use crate::cx::Cx;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Local,
    Ssh,
}

/// The state of the dialog.
pub struct TargetDialog {
    editing: bool,
    kind: Kind,
    name: String,
    host: String,
    port: String,
    user: String,
    folder: String,
    serve_port: String,
    credential: Option<String>,
    credentials: Slot<(), Vec<CredentialItem>>,
    focused: bool,
}

impl Default for TargetDialog {
    fn default() -> Self {
        Self {
            editing: false,
            kind: Kind::Local,
            name: String::new(),
            host: String::new(),
            port: "22".into(),
            user: String::new(),
            folder: String::new(),
            serve_port: String::new(),
            credential: None,
            credentials: Slot::default(),
            focused: false,
        }
    }
}

impl TargetDialog {
    /// A dialog with what the target has now.
    pub fn edit(target: &TargetView) -> Self {
        let get = |key: &str| target.config.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone()).unwrap_or_default();
        let local = target.kind == "local";
        Self {
            editing: true,
            kind: if local { Kind::Local } else { Kind::Ssh },
            name: target.name.clone(),
            host: get("host"),
            port: if local { "22".into() } else { get("port") },
            user: get("user"),
            folder: get("folder"),
            serve_port: if local { get("port") } else { get("serve-port") },
            credential: target.credential.clone(),
            ..Self::default()
        }
    }

    /// Shows the dialog; true when it is done with.
    pub fn show(&mut self, ctx: &egui::Context, cx: &Cx<'_>) -> bool {
        self.credentials.ensure(cx.background, (), Topic::Targets, desk_app::Desk::credentials);
        let mut done = false;
        let command = self.command(cx);
        let title = if self.editing { format!("Change target {}", self.name) } else { "New target".to_owned() };
        let output = Frame::new("target", &title).width(520.0).show_with(
            ctx,
            self,
            |ui, this| this.body(ui, cx),
            |ui, this, ()| {
                let label = if this.editing { "Save target" } else { "Add target" };
                done = super::footer(ui, cx, Button::primary(label).icon(Icon::Check), command, "Cancel");
            },
        );
        done || output.closed
    }

    fn name_error(&self, cx: &Cx<'_>) -> Option<String> {
        let name = self.name.trim();
        if name.is_empty() {
            return None;
        }
        if name.parse::<ModelName>().is_err() {
            return Some("Use letters, digits, dots, underscores and hyphens".to_owned());
        }
        let taken = cx.lists.targets.value.value().is_some_and(|list| list.iter().any(|t| t.name == name));
        (taken && !self.editing).then(|| "There is a target of this name already".to_owned())
    }

    fn port_error(text: &str) -> Option<&'static str> {
        let good = text.trim().is_empty() || text.trim().parse::<u16>().is_ok_and(|port| port > 0);
        (!good).then_some("A number between 1 and 65535")
    }

    /// Another target on this computer that has the port already.
    fn port_taken(&self, cx: &Cx<'_>) -> Option<String> {
        let port = self.serve_port.trim();
        if self.kind != Kind::Local || port.is_empty() {
            return None;
        }
        let has = |target: &&TargetView| {
            let its = target.config.iter().find(|(key, _)| key == "port");
            target.kind == "local" && target.name != self.name.trim() && its.is_some_and(|(_, its)| its == port)
        };
        let other = cx.lists.targets.value.value()?.iter().find(has)?;
        Some(format!("The target {} has this port", other.name))
    }

    fn command(&self, cx: &Cx<'_>) -> Result<Command, String> {
        if self.name.trim().is_empty() {
            return Err("Give the target a name first".to_owned());
        }
        if let Some(error) = self.name_error(cx) {
            return Err(error);
        }
        if let Some(error) = Self::port_error(&self.port).or_else(|| Self::port_error(&self.serve_port)) {
            return Err(format!("Port: {error}"));
        }
        if let Some(error) = self.port_taken(cx) {
            return Err(error);
        }
        let mut set = Vec::new();
        let mut add = |key: &str, value: &str| {
            if !value.trim().is_empty() {
                set.push((key.to_owned(), value.trim().to_owned()));
            }
        };
        match self.kind {
            Kind::Local => {
                add("folder", &self.folder);
                add("port", &self.serve_port);
            }
            Kind::Ssh => {
                if self.host.trim().is_empty() || self.user.trim().is_empty() {
                    return Err("Name the host and the user first".to_owned());
                }
                add("host", &self.host);
                add("port", &self.port);
                add("user", &self.user);
                add("folder", &self.folder);
                add("serve-port", &self.serve_port);
            }
        }
        Ok(Command::TargetAdd(TargetAdd {
            name: self.name.trim().to_owned(),
            kind: if self.kind == Kind::Local { "local" } else { "ssh" }.to_owned(),
            set,
            credential: self.credential.clone().filter(|_| self.kind == Kind::Ssh),
            replace: self.editing,
        }))
    }

    fn body(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        ui.spacing_mut().item_spacing.y = 10.0;
        let half = (ui.available_width() - 12.0) / 2.0;
        if !self.editing {
            self.name_and_kind(ui, cx, half);
        }
        match self.kind {
            Kind::Local => self.local(ui, cx, half),
            Kind::Ssh => self.ssh(ui, cx, half),
        }
    }

    /// What stays as it is once there is a target.
    fn name_and_kind(&mut self, ui: &mut Ui, cx: &Cx<'_>, half: f32) {
        let error = self.name_error(cx);
        ui.horizontal_top(|ui| {
            let field = Field::new("Name").width(half).error(error.as_deref());
            let name = field.show_text(ui, &mut self.name, "edge-01");
            if !std::mem::replace(&mut self.focused, true) {
                name.request_focus();
            }
            ui.add_space(4.0);
            let kinds = [(Kind::Local, "This computer"), (Kind::Ssh, "By SSH")];
            Field::new("Kind").width(half).show_segments(ui, &mut self.kind, &kinds);
        });
    }

    fn local(&mut self, ui: &mut Ui, cx: &Cx<'_>, half: f32) {
        text::sub(ui, "The server runs here, with the same steps, proof and rollback as on another machine");
        ui.horizontal_top(|ui| {
            let folder = Field::new("Folder").width(half).help("Below the home folder when empty");
            folder.show_text(ui, &mut self.folder, "");
            ui.add_space(4.0);
            let port = Field::new("Port").width(half).help("A free one when empty");
            let taken = self.port_taken(cx);
            let error = Self::port_error(&self.serve_port).or(taken.as_deref());
            port.error(error).show_text(ui, &mut self.serve_port, "");
        });
    }

    fn ssh(&mut self, ui: &mut Ui, cx: &Cx<'_>, half: f32) {
        ui.horizontal_top(|ui| {
            Field::new("Host").width(half).show_text(ui, &mut self.host, "edge-01.example.org");
            ui.add_space(4.0);
            let port = Field::new("SSH port").width(half).error(Self::port_error(&self.port));
            port.show_text(ui, &mut self.port, "22");
        });
        ui.horizontal_top(|ui| {
            Field::new("User").width(half).show_text(ui, &mut self.user, "deploy");
            ui.add_space(4.0);
            let items = self.credentials.value.value().map(Vec::as_slice).unwrap_or_default();
            let mut labels: Vec<String> = items.iter().map(|c| format!("{} ({})", c.name, c.kind)).collect();
            labels.push("New credential…".to_owned());
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            let current = items.iter().position(|c| Some(&c.name) == self.credential.as_ref());
            let field = Field::new("Credential").width(half).help("A key or password; none uses the SSH agent");
            match field.show_choice_index(ui, current, &labels, "SSH agent") {
                Some(i) if i < items.len() => self.credential = Some(items[i].name.clone()),
                Some(_) => cx.open(Dialog::new_credential()),
                None => {}
            }
        });
        ui.horizontal_top(|ui| {
            let folder = Field::new("Folder there").width(half).help("Below the user's home when empty");
            folder.show_text(ui, &mut self.folder, "");
            ui.add_space(4.0);
            let port = Field::new("Port of the model server").width(half).error(Self::port_error(&self.serve_port));
            port.help("On the target's own loopback address").show_text(ui, &mut self.serve_port, "8123");
        });
    }
}
