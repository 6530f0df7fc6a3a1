//! A tiny writer of ONNX files, so that tests can write what no exporter would.

/// A Protocol Buffers message under construction.
#[derive(Clone, Default)]
pub(crate) struct Msg(pub Vec<u8>);

pub(crate) fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

impl Msg {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn int(mut self, field: u64, value: i64) -> Self {
        self.0.extend(varint(field << 3));
        self.0.extend(varint(value as u64));
        self
    }

    pub(crate) fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.0.extend(varint(field << 3 | 2));
        self.0.extend(varint(bytes.len() as u64));
        self.0.extend(bytes);
        self
    }

    pub(crate) fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    pub(crate) fn msg(self, field: u64, message: &Msg) -> Self {
        self.bytes(field, &message.0)
    }

    pub(crate) fn all<'a>(self, field: u64, messages: impl IntoIterator<Item = &'a Msg>) -> Self {
        messages.into_iter().fold(self, |whole, message| whole.msg(field, message))
    }
}

/// `ValueInfoProto` of a float32 tensor; a negative dimension gets the name `n`.
pub(crate) fn value(name: &str, dims: &[i64]) -> Msg {
    let dim = |size: &i64| if *size < 0 { Msg::new().text(2, "n") } else { Msg::new().int(1, *size) };
    let dims: Vec<Msg> = dims.iter().map(dim).collect();
    let tensor = Msg::new().int(1, 1).msg(2, &Msg::new().all(1, &dims));
    Msg::new().text(1, name).msg(2, &Msg::new().msg(1, &tensor))
}

/// `NodeProto`.
pub(crate) fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> Msg {
    let node = inputs.iter().fold(Msg::new(), |node, name| node.text(1, name));
    outputs.iter().fold(node, |node, name| node.text(2, name)).text(4, op)
}

/// `TensorProto` of float32 with raw bytes.
pub(crate) fn tensor(name: &str, dims: &[i64], raw: &[u8]) -> Msg {
    let dims = dims.iter().fold(Msg::new(), |tensor, dim| tensor.int(1, *dim));
    dims.int(2, 1).text(8, name).bytes(9, raw)
}

/// `TensorProto` of float32 whose data lies elsewhere.
pub(crate) fn external(name: &str, dims: &[i64], entries: &[(&str, &str)]) -> Msg {
    let tensor = dims.iter().fold(Msg::new(), |tensor, dim| tensor.int(1, *dim)).int(2, 1).text(8, name);
    let pairs: Vec<Msg> = entries.iter().map(|(key, value)| Msg::new().text(1, key).text(2, value)).collect();
    tensor.all(13, &pairs).int(14, 1)
}

/// `GraphProto` from x to y.
pub(crate) fn graph(nodes: &[Msg], initializers: &[Msg]) -> Msg {
    let graph = Msg::new().all(1, nodes).text(2, "test").all(5, initializers);
    graph.msg(11, &value("x", &[-1, 4])).msg(12, &value("y", &[-1, 4]))
}

/// `OperatorSetIdProto`.
pub(crate) fn opset(domain: &str, version: i64) -> Msg {
    Msg::new().text(1, domain).int(2, version)
}

/// `ModelProto` around a graph, with opset 18.
pub(crate) fn model(graph: &Msg) -> Msg {
    Msg::new().int(1, 9).text(2, "test").msg(7, graph).msg(8, &opset("", 18))
}

/// Writes a model into a new folder.
pub(crate) fn file(bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("model.onnx");
    std::fs::write(&path, bytes).expect("written");
    (dir, path)
}
