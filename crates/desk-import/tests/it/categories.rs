//! The texts that encoders know, by input and column.

use desk_import::describe;

use crate::build::{Msg, file, model, node, opset, value};

/// A tensor of strings as an input; a negative dimension is open.
fn texts(name: &str, dims: &[i64]) -> Msg {
    let dim = |size: &i64| if *size < 0 { Msg::new().text(2, "n") } else { Msg::new().int(1, *size) };
    let dims: Vec<Msg> = dims.iter().map(dim).collect();
    let tensor = Msg::new().int(1, 8).msg(2, &Msg::new().all(1, &dims));
    Msg::new().text(1, name).msg(2, &Msg::new().msg(1, &tensor))
}

fn listed(name: &str, texts: &[&str]) -> Msg {
    texts.iter().fold(Msg::new().text(1, name), |attribute, text| attribute.text(9, text)).int(20, 8)
}

fn number(name: &str, value: i64) -> Msg {
    Msg::new().text(1, name).int(3, value).int(20, 2)
}

fn one_hot(from: &str, to: &str, known: &[&str]) -> Msg {
    node("OneHotEncoder", &[from], &[to]).text(7, "ai.onnx.ml").msg(5, &listed("cats_strings", known))
}

fn indices(name: &str, values: &[i64]) -> Msg {
    let tensor = values.iter().fold(Msg::new().int(1, values.len() as i64).int(2, 7), |t, value| t.int(7, *value));
    tensor.text(8, name)
}

/// `input/column: texts` of a graph; the last of the nodes gives `y`.
fn known(inputs: &[Msg], nodes: &[Msg], constants: &[Msg]) -> Vec<String> {
    let graph =
        Msg::new().all(1, nodes).text(2, "test").all(5, constants).all(11, inputs).msg(12, &value("y", &[-1, 4]));
    let (_dir, path) = file(&model(&graph).msg(8, &opset("ai.onnx.ml", 3)).0);
    let shown = |column: Option<usize>| column.map_or("*".to_owned(), |column| column.to_string());
    let categories = describe(&path).expect("describes").categories;
    categories.iter().map(|c| format!("{}/{}: {}", c.input, shown(c.column), c.values.join(","))).collect()
}

#[test]
fn encoders_of_columns_of_their_own() {
    let inputs = [texts("c", &[-1, 1]), texts("d", &[-1])];
    let nodes = [one_hot("c", "e", &["a", "b"]), one_hot("d", "f", &["x", "y"]), node("Concat", &["e", "f"], &["y"])];
    assert_eq!(known(&inputs, &nodes, &[]), ["c/0: a,b", "d/0: x,y"]);
    let mapper = |op: &str, name: &str| {
        let mapper = node(op, &["c"], &["y"]).text(7, "ai.onnx.ml").msg(5, &listed(name, &["a", "b"]));
        known(&inputs[..1], &[mapper], &[])
    };
    assert_eq!(mapper("CategoryMapper", "cats_strings"), ["c/0: a,b"]);
    assert_eq!(mapper("LabelEncoder", "keys_strings"), ["c/0: a,b"]);
    assert_eq!(mapper("LabelEncoder", "classes_strings"), ["c/0: a,b"]);
    let tensor = Msg::new().int(1, 2).int(2, 8).text(6, "a").text(6, "b");
    let keys = Msg::new().text(1, "keys_tensor").msg(5, &tensor).int(20, 4);
    let encoder = node("LabelEncoder", &["c"], &["y"]).text(7, "ai.onnx.ml").msg(5, &keys);
    assert_eq!(known(&inputs[..1], &[encoder], &[]), ["c/0: a,b"]);
}

#[test]
fn columns_are_followed_through_what_only_moves_them() {
    // As scikit-learn's imputer is exported: a mask of what is missing, and what is put there.
    let concat = || node("Concat", &["c", "d"], &["both"]).msg(5, &number("axis", 1));
    let is_missing =
        node("LabelEncoder", &["second"], &["m"]).text(7, "ai.onnx.ml").msg(5, &listed("keys_strings", &[""]));
    let nodes = [
        concat(),
        node("ArrayFeatureExtractor", &["both", "one"], &["second"]).text(7, "ai.onnx.ml"),
        is_missing,
        node("Cast", &["m"], &["mask"]).msg(5, &number("to", 9)),
        node("Where", &["mask", "fill", "second"], &["filled"]),
        one_hot("filled", "y", &["x", "y"]),
    ];
    let constants = [indices("one", &[1]), Msg::new().int(1, 1).int(2, 8).text(6, "x").text(8, "fill")];
    let inputs = [texts("c", &[-1, 1]), texts("d", &[-1, 1])];
    assert_eq!(known(&inputs, &nodes, &constants), ["d/0: ,x,y"], "an empty cell is filled");

    let gather = |which: &str, to: &str| node("Gather", &["X", which], &[to]).msg(5, &number("axis", 1));
    let nodes =
        [gather("last", "g"), one_hot("g", "h", &["p", "q"]), one_hot("X1", "y", &["a", "b"]), gather("one", "X1")];
    let constants = [indices("last", &[-1]), indices("one", &[1])];
    assert_eq!(known(&[texts("X", &[-1, 3])], &nodes, &constants), ["X/1: a,b", "X/2: p,q"]);

    let split = node("Split", &["X", "sizes"], &["l", "r"]).msg(5, &number("axis", 1));
    let nodes = [split, one_hot("r", "y", &["p", "q"])];
    assert_eq!(known(&[texts("X", &[-1, 3])], &nodes, &[indices("sizes", &[1, 2])]), ["X/1: p,q", "X/2: p,q"]);
    assert_eq!(known(&[texts("X", &[-1, -1])], &[one_hot("X", "y", &["p", "q"])], &[]), ["X/*: p,q"]);
}

#[test]
fn what_is_changed_on_the_way_is_not_guessed() {
    let inputs = [texts("c", &[-1, 1])];
    let lower = node("StringNormalizer", &["c"], &["l"]);
    assert!(known(&inputs, &[lower, one_hot("l", "y", &["a", "b"])], &[]).is_empty());
    assert!(known(&inputs, &[one_hot("c", "y", &["only"])], &[]).is_empty(), "a question, not a list of categories");
    // Numbers have no texts.
    assert!(known(&[value("c", &[-1, 1])], &[one_hot("c", "y", &["a", "b"])], &[]).is_empty());
}
