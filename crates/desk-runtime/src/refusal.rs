//! Why ONNX Runtime refuses a model: the families of what it says, each in our own words with what to do.
//!
//! What it says itself names functions of its source and types of C++; that is kept as a detail.

use desk_core::FaultKind;
use desk_core::words::{bytes, quoted, shell_word};

/// So many characters of the runtime's own words stand in a sentence of ours.
const QUOTED: usize = 160;

/// Why a model is no session, whatever it would be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Operators that change the case of texts need a locale that this computer does not have.
    Locale(String),
    /// An operator set that is newer than the library.
    Opset {
        /// What the model was made for.
        needed: String,
        /// What the library knows.
        known: String,
    },
    /// A file format that is newer than the library.
    Format {
        /// What the model was written in.
        needed: String,
        /// What the library knows.
        known: String,
    },
    /// An operator that this build computes for other types or devices only.
    NotImplemented(String),
    /// An operator of somebody's own, or one that does not exist.
    UnknownOperator(String),
    /// A file with weights is not beside the model.
    ExternalMissing(Option<String>),
    /// A file with weights is shorter than the model says.
    ExternalShort,
    /// Not the bytes of a model.
    Damaged,
    /// The nodes do not fit together.
    Graph(String),
    /// An operator's attributes cannot be used.
    Preparation(String),
    /// It asked for more memory than there is.
    Memory(Option<u64>),
    /// Something else.
    Other(String),
}

impl Refusal {
    /// Tells the family from what the runtime said.
    pub(crate) fn of(said: &str) -> Self {
        let text = plain(said);
        let after = |words: &str| text.split_once(words).map(|(_, rest)| rest);
        if let Some(rest) = after("Failed to construct locale with name:") {
            return Self::Locale(word(rest, &[':', ' ']));
        }
        if let (Some(needed), Some(known)) = (after(". Opset "), after("is till opset ")) {
            return Self::Opset { needed: word(needed, &[' ']), known: word(known, &['.', ' ']) };
        }
        if let Some(rest) = after("Unsupported model IR version: ") {
            let known = rest.split_once("max supported IR version: ").map_or("", |(_, known)| known);
            return Self::Format { needed: word(rest, &[',', ' ']), known: word(known, &['.', ' ']) };
        }
        if let Some(rest) = after("Could not find an implementation for ") {
            return Self::NotImplemented(word(rest, &['(', ' ']));
        }
        if let Some((before, _)) = text.split_once(" is not a registered function/op") {
            let operator = before.rsplit(' ').next().unwrap_or_default();
            return Self::UnknownOperator(word(operator, &['(']));
        }
        if let Some(rest) = after("No Op registered for ").or_else(|| after("No opset import for domain ")) {
            return Self::UnknownOperator(word(rest, &[' ']));
        }
        if let Some(lacking) = lacking(said) {
            return Self::Memory(lacking.bytes);
        }
        if text.contains("are out of bounds or can not be read in full") {
            return Self::ExternalShort;
        }
        let external =
            text.contains("External data") || text.contains("external data") || text.contains("External init");
        if external {
            let name = text.rsplit(['/', '\\']).next().map(|name| word(name, &['"', ' ', '\'']));
            let quoted = text.contains("does not exist");
            return Self::ExternalMissing(name.filter(|name| quoted && !name.is_empty()));
        }
        if text.contains("Protobuf parsing failed") || text.contains("No graph was found in the protobuf") {
            return Self::Damaged;
        }
        if let Some(rest) = text.strip_prefix("Exception during initialization:") {
            return Self::Preparation(clipped(rest));
        }
        let graph = [
            "This is an invalid model",
            "Invalid model",
            "Type Error",
            "[ShapeInferenceError]",
            "[TypeInferenceError]",
        ];
        if graph.iter().any(|words| text.contains(words)) || text.contains("acyclic") {
            let rest = text.trim_start_matches("This is an invalid model.").trim_start_matches("Invalid model.");
            return Self::Graph(clipped(rest));
        }
        Self::Other(clipped(&text))
    }

    /// Whether this computer lacks something or the model is what cannot be used.
    pub(crate) fn kind(&self) -> FaultKind {
        match self {
            Self::Locale(_) | Self::Memory(_) => FaultKind::Environment,
            _ => FaultKind::Input,
        }
    }

    /// What to do next, most useful first.
    pub(crate) fn hints(&self) -> Vec<String> {
        let newer =
            "The model is newer than the runtime: export it with an older opset, or use a newer ONNX Runtime library";
        match self {
            Self::Locale(name) => vec![
                install(name),
                "Or export the model with a locale that every computer has: StringNormalizer with locale=\"C\"".to_owned(),
                "Each machine that shall serve it needs the same locale".to_owned(),
            ],
            Self::Opset { .. } | Self::Format { .. } => vec![newer.to_owned()],
            Self::NotImplemented(operator) => vec![
                format!("Export the model so that {} gets another element type, such as float32", quoted(operator)),
                "Or name a library of ONNX Runtime that has it in Settings > Runtime".to_owned(),
            ],
            Self::UnknownOperator(_) => vec![
                "Export the model without custom operators: their code is in a library of their own, which is not loaded here"
                    .to_owned(),
            ],
            Self::ExternalMissing(_) => {
                vec!["Keep the model's external data files in the folder of the model file, then import the folder".to_owned()]
            }
            Self::ExternalShort => {
                vec!["Copy the model and its external data files again: they do not belong together, or one was cut off".to_owned()]
            }
            Self::Damaged => vec!["The file is damaged or is not an ONNX model: export or copy it again".to_owned()],
            Self::Graph(_) | Self::Preparation(_) | Self::Other(_) => {
                vec!["Export the model again, and check it with the ONNX checker: onnx.checker.check_model(PATH, full_check=True)".to_owned()]
            }
            Self::Memory(_) => vec![
                "Close other programs, or use a computer with more memory".to_owned(),
                "Or export a smaller model, such as one with quantised weights".to_owned(),
            ],
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Locale(name) => {
                write!(f, "its text operators need the locale {}, which this computer does not have", quoted(name))
            }
            Self::Opset { needed, known } => {
                write!(f, "it needs opset {needed}, and this runtime knows opsets up to {known}")
            }
            Self::Format { needed, known } if known.is_empty() => {
                write!(f, "it is written in IR version {needed}, which this runtime does not know")
            }
            Self::Format { needed, known } => {
                write!(f, "it is written in IR version {needed}, and this runtime knows versions up to {known}")
            }
            Self::NotImplemented(operator) => {
                write!(
                    f,
                    "this runtime does not compute the operator {} for the types that the model gives it",
                    quoted(operator)
                )
            }
            Self::UnknownOperator(operator) => {
                write!(f, "it uses the operator {}, which this runtime does not know", quoted(operator))
            }
            Self::ExternalMissing(Some(name)) => write!(f, "its external data file {} is missing", quoted(name)),
            Self::ExternalMissing(None) => write!(f, "its external data cannot be read"),
            Self::ExternalShort => write!(f, "one of its external data files is shorter than the model says"),
            Self::Damaged => write!(f, "the file is not a whole ONNX model"),
            Self::Graph(what) => write!(f, "its graph is not valid: {what}"),
            Self::Preparation(what) => write!(f, "one of its operators cannot be prepared: {what}"),
            Self::Memory(Some(asked)) => {
                write!(f, "it asks for more memory than it can have: {} at once", bytes(*asked))
            }
            Self::Memory(None) => write!(f, "it asks for more memory than it can have"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

/// How a locale gets onto a computer of this sort.
fn install(name: &str) -> String {
    if cfg!(target_os = "linux") {
        let (language, name) = (shell_word(language(name)), shell_word(name));
        format!("Install the locale (package locales), then try again: sudo localedef -i {language} -f UTF-8 {name}")
    } else {
        format!("Install the language of the locale {} in the system's settings and try again", quoted(name))
    }
}

fn language(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// It got no memory.
pub(crate) struct Lacking {
    /// How much it asked for at once, where that is said.
    pub bytes: Option<u64>,
}

/// What the runtime says when it gets no memory, with how much it asked for where it says so.
pub(crate) fn lacking(said: &str) -> Option<Lacking> {
    let lacks = ["Failed to allocate", "bad_alloc", "out of memory", "bad allocation"];
    lacks.iter().any(|words| said.contains(words)).then(|| {
        let digits = said.split_once("of size ").map(|(_, rest)| rest);
        let digits = digits.map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default());
        Lacking { bytes: digits.and_then(|digits| digits.parse().ok()) }
    })
}

/// Up to the first of some characters.
fn word(text: &str, ends: &[char]) -> String {
    text.trim_start().split(|c| ends.contains(&c)).next().unwrap_or_default().to_owned()
}

/// Without the path, which is in the error already, and without places of the runtime's own source.
fn plain(said: &str) -> String {
    let text = tidy(said);
    match text.split_once(" failed:") {
        Some((before, after)) if before.starts_with("Load model from") => after.trim_start().to_owned(),
        _ => text,
    }
}

/// What the runtime said, without the place in its own source that it puts in the middle.
pub(crate) fn tidy(message: &str) -> String {
    let message = message.trim();
    let Some(start) = message.find("/onnxruntime_src/") else { return message.to_owned() };
    let (before, rest) = message.split_at(start);
    // `file.cc:12 type function(types) text`: the text starts after the closing parenthesis.
    let Some(end) = rest.find(") ") else { return message.to_owned() };
    let mut text = rest[end + 2..].trim_start();
    // `[with T = float] text`, where the function is a template.
    if let Some((_, after)) = text.strip_prefix("[with ").and_then(|with| with.split_once("] ")) {
        text = after.trim_start();
    }
    format!("{} {text}", before.trim_end()).trim().to_owned()
}

/// As much of the runtime's words as a sentence bears.
fn clipped(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.trim_end_matches('.');
    if text.chars().count() <= QUOTED {
        return text.to_owned();
    }
    let cut: String = text.chars().take(QUOTED).collect();
    format!("{}…", cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What ONNX Runtime 1.31 says, as it says it.
    const SAID: [(&str, &str, &str); 13] = [
        (
            "Exception during initialization: /onnxruntime_src/onnxruntime/core/providers/cpu/text/string_normalizer.cc:235 \
             onnxruntime::StringNormalizer::Locale::Locale(const std::string&)::<lambda()> Failed to construct locale with \
             name:en_US.UTF-8:locale::facet::_S_create_c_locale name not valid:Please, install necessary language-pack-XX \
             and configure locales",
            "its text operators need the locale `en_US.UTF-8`, which this computer does not have",
            "en_US.UTF-8",
        ),
        (
            "Load model from /a/opset.onnx failed:/onnxruntime_src/onnxruntime/core/graph/model_load_utils.h:46 void \
             onnxruntime::model_load_utils::ValidateOpsetForDomain(const std::unordered_map<int>&, int) ONNX Runtime only \
             *guarantees* support for models stamped with official released onnx opset versions. Opset 60 is under \
             development and support for this is limited. Current official support for domain ai.onnx is till opset 26.",
            "it needs opset 60, and this runtime knows opsets up to 26",
            "older opset",
        ),
        (
            "Load model from a.onnx failed:/onnxruntime_src/core/graph/model.cc:182 onnxruntime::Model::Model(ModelProto&&, \
             const Options&) Unsupported model IR version: 99, max supported IR version: 13",
            "it is written in IR version 99, and this runtime knows versions up to 13",
            "newer than the runtime",
        ),
        (
            "Could not find an implementation for Sin(22) node with name ''",
            "this runtime does not compute the operator `Sin` for the types that the model gives it",
            "float32",
        ),
        (
            "Load model from /a/custom.onnx failed:Fatal error: my.ops:Foo(-1) is not a registered function/op",
            "it uses the operator `my.ops:Foo`, which this runtime does not know",
            "custom operators",
        ),
        (
            "Load model from /a/b.onnx failed:This is an invalid model. In Node, (\"\", Foo, \"\", -1) : (\"x\": \
             tensor(float),) -> (\"y\": tensor(float),) , Error No Op registered for Foo with domain_version of 17",
            "it uses the operator `Foo`, which this runtime does not know",
            "custom operators",
        ),
        (
            "External data path validation failed for initializer: w. Error: tensorprotoutils.cc:461 \
             ValidateExternalDataPathFromDir External data path does not exist: \"/tmp/a b/ext.data\"",
            "its external data file `ext.data` is missing",
            "external data files",
        ),
        (
            "Deserialize tensor w failed.tensorprotoutils.cc:1876 GetExtDataFromTensorProto External initializer: w \
             offset: 0 size to read: 36 given file_length: 4 are out of bounds or can not be read in full.",
            "one of its external data files is shorter than the model says",
            "again",
        ),
        ("Load model from /a/b.onnx failed:Protobuf parsing failed.", "the file is not a whole ONNX model", "damaged"),
        (
            "Load model from /a/b.onnx failed:This is an invalid model. Type Error: Type 'tensor(string)' of input \
             parameter (x) of operator (Relu) in node () is invalid.",
            "its graph is not valid: Type Error: Type 'tensor(string)' of input parameter (x) of operator (Relu) in node () \
             is invalid",
            "ONNX checker",
        ),
        (
            "Exception during initialization: /onnxruntime_src/onnxruntime/core/providers/cpu/ml/label_encoder.h:65 \
             onnxruntime::ml::LabelEncoder_2<TKey, TValue>::LabelEncoder_2(const onnxruntime::OpKernelInfo&) [with TKey = \
             std::__cxx11::basic_string<char>; TValue = float] num_keys == num_values was false.",
            "one of its operators cannot be prepared: num_keys == num_values was false",
            "ONNX checker",
        ),
        (
            "Exception during initialization: bfc_arena.cc:1 Failed to allocate memory for requested buffer of size \
             2199023255552",
            "it asks for more memory than it can have: 2.2 TB at once",
            "more memory",
        ),
        ("something new", "something new", "ONNX checker"),
    ];

    #[test]
    fn each_family_has_a_sentence_of_ours_and_the_right_hint() {
        for (said, sentence, hint) in SAID {
            let refusal = Refusal::of(said);
            assert_eq!(refusal.to_string(), sentence);
            assert!(refusal.hints().iter().any(|known| known.contains(hint)), "{:?}", refusal.hints());
            assert!(!sentence.contains("::") && !sentence.contains("_src"), "{sentence}");
        }
        assert_eq!(Refusal::of(SAID[0].0).kind(), FaultKind::Environment);
        assert_eq!(Refusal::of(SAID[3].0).kind(), FaultKind::Input);
    }

    #[test]
    fn a_long_text_is_cut_at_a_word() {
        let said = "Type Error: ".to_owned() + &"long words ".repeat(40);
        let shown = Refusal::of(&said).to_string();
        assert!(shown.chars().count() < 200 && shown.ends_with("…"), "{shown}");
    }

    #[test]
    fn source_places_are_taken_out_of_messages() {
        let said = "Load model from a.onnx failed:/onnxruntime_src/core/graph/model.cc:182 \
                    onnxruntime::Model::Model(ModelProto&&, const Options&) Unsupported model IR version: 99";
        assert_eq!(tidy(said), "Load model from a.onnx failed: Unsupported model IR version: 99");
        assert_eq!(tidy(" plain "), "plain");
        assert_eq!(plain(said), "Unsupported model IR version: 99");
    }
}
