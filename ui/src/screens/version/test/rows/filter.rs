//! The form for one filter: column, condition, value; and filters in words.

use std::collections::BTreeSet;

use desk_app::rows::{ColumnFacts, ColumnKind, Filter, ROW, Relation, RowColumn, Rows, Test};
use desk_core::Cancel;
use desk_uikit::field::{self, Field};
use desk_uikit::{Button, Card, Icon, Tokens, format, text};
use egui::{Key, Modifiers, Popup, ScrollArea, Ui};

use super::finding::Found;
use crate::background::{Slot, Topic};
use crate::cx::Cx;

/// A list of values is no higher; more scroll.
const LIST_HEIGHT: f32 = 168.0;
/// So many different texts are chosen from rather than looked through.
const FEW: usize = 12;

/// What can be asked of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    Between,
    Is(Relation),
    Contains,
    OneOf,
    Missing,
    Present,
}

impl Condition {
    /// Those that a kind of column has, the usual one first.
    fn all(kind: ColumnKind) -> Vec<Self> {
        use Relation::{AtLeast, AtMost, Equal, Greater, Less, NotEqual};
        let some: Vec<Self> = match kind {
            ColumnKind::Number => {
                vec![Self::Between, Self::Is(Equal), Self::Is(NotEqual), Self::Is(Less), Self::Is(AtMost)]
                    .into_iter()
                    .chain([Self::Is(Greater), Self::Is(AtLeast)])
                    .collect()
            }
            ColumnKind::Text => {
                vec![Self::Contains, Self::OneOf, Self::Is(Equal), Self::Is(NotEqual), Self::Between]
            }
            ColumnKind::Bool => vec![Self::OneOf],
            ColumnKind::Other => Vec::new(),
        };
        some.into_iter().chain([Self::Missing, Self::Present]).collect()
    }

    fn label(self) -> &'static str {
        match self {
            Self::Between => "is between",
            Self::Is(Relation::Equal) => "is",
            Self::Is(Relation::NotEqual) => "is not",
            Self::Is(Relation::Less) => "is less than",
            Self::Is(Relation::AtMost) => "is at most",
            Self::Is(Relation::Greater) => "is greater than",
            Self::Is(Relation::AtLeast) => "is at least",
            Self::Contains => "contains",
            Self::OneOf => "is one of",
            Self::Missing => "is missing",
            Self::Present => "is present",
        }
    }
}

/// A filter in words, for its chip: `age ≥ 30`.
pub fn words(filter: &Filter) -> String {
    let column = if filter.column == ROW { "Row" } else { &filter.column };
    match &filter.test {
        Test::Is(relation, value) => {
            let sign = match relation {
                Relation::Equal => "=",
                Relation::NotEqual => "≠",
                Relation::Less => "<",
                Relation::AtMost => "≤",
                Relation::Greater => ">",
                Relation::AtLeast => "≥",
            };
            format!("{column} {sign} {value}")
        }
        Test::Contains(part) => format!("{column} contains {part}"),
        Test::OneOf(values) => format!("{column}: {}", values.join(", ")),
        Test::Missing => format!("{column} is missing"),
        Test::Present => format!("{column} is present"),
    }
}

/// A number as a filter has it: as it was typed where that reads as one, else as it is understood.
fn number(text: &str) -> Result<String, String> {
    let number = field::finite(text)?;
    Ok(if text.parse() == Ok(number) { text.to_owned() } else { number.to_string() })
}

/// The form while it is open.
pub struct FilterForm {
    column: String,
    kind: ColumnKind,
    condition: Condition,
    first: String,
    second: String,
    chosen: BTreeSet<String>,
    find: String,
    /// The filters that this one takes the place of.
    replaces: Vec<Filter>,
    facts: Slot<String, ColumnFacts>,
    /// The first line has had the keyboard.
    begun: bool,
    /// Enter was pressed in a line.
    entered: bool,
    /// Nobody has chosen the condition: columns of few texts are asked for some of them.
    usual: bool,
}

/// What became of the form.
pub enum Done {
    /// These filters take the place of those.
    Apply(Vec<Filter>, Vec<Filter>),
    /// Nothing changes.
    Cancel,
}

impl FilterForm {
    /// A form for a column; what asks something of it already is changed, `of` alone where it is given.
    pub fn new(columns: &[RowColumn], column: &str, filters: &[Filter], of: Option<&Filter>) -> Self {
        let mine = |filter: &&Filter| filter.column == column && of.is_none_or(|of| *filter == of);
        let replaces: Vec<Filter> = filters.iter().filter(mine).cloned().collect();
        let mut form = Self {
            column: column.to_owned(),
            kind: ColumnKind::Number,
            condition: Condition::Between,
            first: String::new(),
            second: String::new(),
            chosen: BTreeSet::new(),
            find: String::new(),
            replaces: Vec::new(),
            facts: Slot::default(),
            begun: false,
            entered: false,
            usual: true,
        };
        form.choose(columns, column);
        form.fill(&replaces);
        form
    }

    /// Another column: what was typed for the one before says nothing of it.
    fn choose(&mut self, columns: &[RowColumn], column: &str) {
        let known = columns.iter().find(|known| known.name == column);
        self.kind = known.map_or(ColumnKind::Number, |known| known.kind);
        column.clone_into(&mut self.column);
        let all = Condition::all(self.kind);
        self.condition = all.first().copied().unwrap_or(Condition::Missing);
        self.first.clear();
        self.second.clear();
        self.chosen.clear();
        self.find.clear();
        self.replaces.clear();
        self.usual = true;
    }

    /// Fills in what is asked already: one filter, or the two ends of a range.
    fn fill(&mut self, filters: &[Filter]) {
        let tests: Vec<&Test> = filters.iter().map(|filter| &filter.test).collect();
        match tests.as_slice() {
            [Test::Is(Relation::AtLeast, low), Test::Is(Relation::AtMost, high)] => {
                self.condition = Condition::Between;
                (self.first, self.second) = (low.clone(), high.clone());
                self.replaces = filters.to_vec();
                return;
            }
            [] => return,
            _ => {}
        }
        self.replaces = filters[..1].to_vec();
        self.usual = false;
        match tests[0] {
            Test::Is(relation, value) => {
                self.condition = Condition::Is(*relation);
                self.first.clone_from(value);
            }
            Test::Contains(part) => {
                self.condition = Condition::Contains;
                self.first.clone_from(part);
            }
            Test::OneOf(values) => {
                self.condition = Condition::OneOf;
                self.chosen = values.iter().cloned().collect();
            }
            Test::Missing => self.condition = Condition::Missing,
            Test::Present => self.condition = Condition::Present,
        }
    }

    /// What the form asks; or what is wrong with what was typed, empty where nothing was typed yet.
    fn filters(&self) -> Result<Vec<Filter>, String> {
        let of = |test| Filter::new(self.column.clone(), test);
        let value = |text: &str| {
            let text = text.trim();
            match (self.kind, text.is_empty()) {
                (_, true) => Err(String::new()),
                (ColumnKind::Number, false) => number(text),
                _ => Ok(text.to_owned()),
            }
        };
        let end = |relation, text: &str| match value(text) {
            Ok(value) => Ok(Some(of(Test::Is(relation, value)))),
            Err(what) if what.is_empty() => Ok(None),
            Err(what) => Err(what),
        };
        match self.condition {
            Condition::Between => {
                let ends = [end(Relation::AtLeast, &self.first)?, end(Relation::AtMost, &self.second)?];
                let ends: Vec<Filter> = ends.into_iter().flatten().collect();
                if ends.is_empty() { Err(String::new()) } else { Ok(ends) }
            }
            Condition::Is(relation) => Ok(vec![of(Test::Is(relation, value(&self.first)?))]),
            Condition::Contains => Ok(vec![of(Test::Contains(value(&self.first)?))]),
            Condition::OneOf if self.chosen.is_empty() => Err(String::new()),
            Condition::OneOf => Ok(vec![of(Test::OneOf(self.chosen.iter().cloned().collect()))]),
            Condition::Missing => Ok(vec![of(Test::Missing)]),
            Condition::Present => Ok(vec![of(Test::Present)]),
        }
    }

    /// Draws the form; what became of it, once.
    pub fn show(&mut self, ui: &mut Ui, cx: &Cx<'_>, found: &Found, run: &str) -> Option<Done> {
        self.look(cx, run);
        let mut done = None;
        Card::new().show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                self.which(ui, &found.rows);
                self.values(ui);
            });
            if self.condition == Condition::OneOf {
                self.list(ui);
            }
            ui.add_space(2.0);
            done = self.buttons(ui);
        });
        // A list or menu over the form closes first.
        if !Popup::is_any_open(ui.ctx()) && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            done = Some(Done::Cancel);
        }
        done
    }

    /// Applies or leaves; Enter in a line applies, too.
    fn buttons(&self, ui: &mut Ui) -> Option<Done> {
        let asked = self.filters();
        let typed = !(self.first.is_empty() && self.second.is_empty());
        let problem = asked.as_ref().err().filter(|what| !what.is_empty() && typed).cloned();
        let why = asked
            .as_ref()
            .err()
            .map(|what| if what.is_empty() { "Say what to look for" } else { what })
            .map(String::from);
        let mut done = None;
        ui.horizontal(|ui| {
            // Enter ends the editing of a line in the same frame.
            let mut apply = self.entered;
            apply |= ui.add(Button::primary("Apply filter").icon(Icon::Check).disabled_if(why.as_deref())).clicked();
            if ui.add(Button::ghost("Cancel")).clicked() {
                done = Some(Done::Cancel);
            }
            if let Some(problem) = problem {
                ui.label(Icon::Fail.rich(12.0, Tokens::of(ui).err));
                text::caption(ui, problem);
            }
            if let Ok(filters) = asked
                && apply
            {
                done = Some(Done::Apply(self.replaces.clone(), filters));
            }
        });
        done
    }

    /// What the column holds is looked up once for each column.
    fn look(&mut self, cx: &Cx<'_>, run: &str) {
        if self.column == ROW {
            return;
        }
        let (run, column) = (run.to_owned(), self.column.clone());
        self.facts.ensure(cx.background, column.clone(), Topic::Fixed, move |desk| {
            let view = desk_app::rows::RowView::default();
            desk.rows(&run, &view, &Cancel::new(), &desk_core::NoProgress)?.facts(&column, &Cancel::new())
        });
        let few = |facts: &ColumnFacts| !facts.more && (1..=FEW).contains(&facts.values.len());
        if self.usual && self.condition == Condition::Contains && self.facts.value.value().is_some_and(few) {
            self.usual = !self.first.is_empty();
            if !self.usual {
                self.condition = Condition::OneOf;
            }
        }
    }

    fn which(&mut self, ui: &mut Ui, rows: &Rows) {
        let columns = rows.columns();
        let usual = rows.usual_order();
        let mut options: Vec<(String, &str)> = vec![(ROW.to_owned(), "Row")];
        options.extend(usual.iter().map(|i| (columns[*i].name.clone(), columns[*i].name.as_str())));
        let mut column = self.column.clone();
        if Field::new("Column to filter").hide_label().width(190.0).show_choice(ui, &mut column, &options) {
            self.choose(columns, &column);
        }
        let options: Vec<(Condition, &str)> =
            Condition::all(self.kind).into_iter().map(|condition| (condition, condition.label())).collect();
        let field = Field::new("Condition").hide_label().width(140.0);
        self.usual &= !field.show_choice(ui, &mut self.condition, &options);
    }

    fn values(&mut self, ui: &mut Ui) {
        let ends = self.facts.value.value().and_then(|facts| facts.numbers).filter(|_| self.column != ROW);
        let (low, high) = ends.map_or(("from".to_owned(), "to".to_owned()), |(low, high)| {
            (format!("from {}", format::number(low)), format!("to {}", format::number(high)))
        });
        self.entered = false;
        let mut line = |ui: &mut Ui, label: &str, width: f32, value: &mut String, hint: &str| {
            let response = Field::new(label).hide_label().width(width).show_text(ui, value, hint);
            self.entered |= response.has_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if !std::mem::replace(&mut self.begun, true) {
                response.request_focus();
            }
        };
        match self.condition {
            Condition::Between => {
                line(ui, "From", 130.0, &mut self.first, &low);
                line(ui, "To", 130.0, &mut self.second, &high);
            }
            Condition::Is(_) => line(ui, "Value", 180.0, &mut self.first, "value"),
            Condition::Contains => line(ui, "Text", 200.0, &mut self.first, "text, in upper or lower case"),
            Condition::OneOf | Condition::Missing | Condition::Present => {}
        }
    }

    /// The most common values, to be ticked.
    fn list(&mut self, ui: &mut Ui) {
        let Self { facts, chosen, find, .. } = self;
        let Some(facts) = facts.value.value() else {
            text::caption(ui, "Looking through the column…");
            return;
        };
        if facts.values.len() > 8 {
            Field::new("Find a value").width(280.0).show_filter(ui, find, "Find a value");
        }
        let wanted = find.to_lowercase();
        // Values that were chosen stay to be seen, however rare they are.
        let rare = chosen.iter().filter(|value| facts.values.iter().all(|(known, _)| known != *value));
        let mut all: Vec<(String, Option<u64>)> = rare.map(|value| (value.clone(), None)).collect();
        all.extend(facts.values.iter().map(|(value, count)| (value.clone(), Some(*count))));
        all.retain(|(value, _)| value.to_lowercase().contains(&wanted));
        ScrollArea::vertical().max_height(LIST_HEIGHT).auto_shrink([false, true]).show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing.x = 18.0;
                for (value, count) in &all {
                    let mut on = chosen.contains(value);
                    let count = count.map(|count| format!("  {}", format::count(count))).unwrap_or_default();
                    if field::check(ui, &mut on, &format!("{value}{count}")).changed() {
                        if on {
                            chosen.insert(value.clone())
                        } else {
                            chosen.remove(value)
                        };
                    }
                }
            });
        });
        match (all.is_empty(), facts.more) {
            (true, _) => drop(text::caption(ui, "No value has this in it")),
            (false, true) => drop(text::caption(ui, "These are the most common values; “contains” finds any other")),
            (false, false) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<RowColumn> {
        let column = |name: &str, kind| RowColumn { name: name.to_owned(), kind, role: desk_app::rows::Role::Data };
        vec![column("age", ColumnKind::Number), column("name", ColumnKind::Text)]
    }

    fn filter(text: &str) -> Filter {
        Filter::parse(text, &["age", "name"]).expect("a filter")
    }

    #[test]
    fn what_is_asked_already_is_filled_in_and_asked_again() {
        for texts in [
            &["age>=3", "age<=5"][..],
            &["age<5"],
            &["age is missing"],
            &["name~x"],
            &["name in a,b"],
            &["name!=a"],
            &["#>=10"],
        ] {
            let filters: Vec<Filter> = texts.iter().map(|text| filter(text)).collect();
            let form = FilterForm::new(&columns(), &filters[0].column, &filters, None);
            assert_eq!(form.filters().as_ref(), Ok(&filters), "{texts:?}");
            assert_eq!(form.replaces, filters);
        }
        let both = [filter("age>=3"), filter("age<=5")];
        let form = FilterForm::new(&columns(), "age", &both, Some(&both[1]));
        assert_eq!((form.replaces.as_slice(), form.condition), (&both[1..], Condition::Is(Relation::AtMost)));
    }

    #[test]
    fn a_half_filled_form_asks_for_what_is_there() {
        let mut form = FilterForm::new(&columns(), "age", &[], None);
        assert_eq!(form.filters(), Err(String::new()));
        form.second = " 5 ".into();
        assert_eq!(form.filters(), Ok(vec![filter("age<=5")]));
        form.first = "much".into();
        assert_eq!(form.filters(), Err("much is not a number".to_owned()));
        form.first = "1e400".into();
        assert_eq!(form.filters(), Err("1e400 is no finite number".to_owned()));
        form.first = "1 000,5".into();
        assert_eq!(form.filters(), Ok(vec![filter("age>=1000.5"), filter("age<=5")]));
        form.choose(&columns(), "name");
        assert_eq!((form.condition, form.filters()), (Condition::Contains, Err(String::new())));
    }

    #[test]
    fn chips_are_short_words() {
        let said: Vec<String> = ["age>=3", "age!=3", "name~x", "name in a,b", "name is missing", "#<=7"]
            .map(|text| words(&filter(text)))
            .to_vec();
        assert_eq!(said, ["age ≥ 3", "age ≠ 3", "name contains x", "name: a, b", "name is missing", "Row ≤ 7"]);
    }
}
