//! Rows of explanations kept as evidence: pinned, listed, undone, and refused where there is nothing to pin.

use modeldesk_tests::{Cli, sample};

#[test]
fn a_row_is_pinned_with_its_note_and_undone() {
    let cli = Cli::new();
    cli.run(&["sample"]).good();
    let data = sample("tumour/heldout.csv");
    let explained = cli.run(&["explain", "tumour@1", "--data", &data, "--rows", "1..9"]).good();
    let run = explained["run"].as_str().expect("an id").to_owned();
    let pins = || cli.run(&["pins", "tumour@1"]).good()["items"].clone();
    assert_eq!(pins().as_array().map(Vec::len), Some(0));
    let pin = |row: &str, more: &[&str]| cli.run(&[&["pin", run.as_str(), "--row", row], more].concat());
    pin("4", &["--note", "  called malignant, and it is benign "]).good();
    pin("2", &[]).good();
    let all = pins();
    assert_eq!((&all[0]["row"], &all[1]["row"]), (&2.into(), &4.into()), "the newest first");
    assert_eq!(all[1]["note"], "called malignant, and it is benign");
    assert_eq!((&all[1]["method"], &all[1]["digest"]), (&explained["method"], &explained["digest"]));
    assert!(all[1]["standing"].as_str().is_some_and(|text| text.contains("and it is benign")), "{all}");
    // Another note replaces the first one, and each change can be taken back.
    let changed = pin("4", &["--note", "both versions"]).good();
    let now = pins();
    assert_eq!(now[1]["note"], "both versions", "the order is that of pinning");
    assert_eq!((&now[1]["at"], &now[1]["who"]), (&all[1]["at"], &all[1]["who"]), "it is pinned since before");
    assert!(now[1]["changed"].as_str() > all[1]["at"].as_str() && now[0]["changed"].is_null(), "{now}");
    pin("4", &[]).good();
    assert_eq!(pins()[1]["note"], "both versions", "without a note the one that is there stays");
    let told = cli.command().args(["pins", "tumour@1"]).output().expect("runs");
    assert!(String::from_utf8(told.stdout).expect("text").contains(", note changed "));
    let undo = changed["undo"].as_i64().expect("an operation").to_string();
    cli.run(&["undo", &undo]).good();
    assert_eq!(pins().as_array().map(Vec::len), Some(2));
    assert!(pins().to_string().contains("called malignant"));
    let removed = cli.run(&["unpin", &run, "--row", "4"]).good();
    assert_eq!(pins().as_array().map(Vec::len), Some(1));
    cli.run(&["undo", &removed["undo"].to_string()]).good();
    assert!(pins().to_string().contains("called malignant"), "its note is there again");
    assert_eq!(pins()[1]["at"], all[1]["at"], "since when it was");
    let told = cli.command().args(["pins", "tumour@1"]).output().expect("runs");
    let told = String::from_utf8(told.stdout).expect("text");
    assert!(told.contains("called malignant, and it is benign") && told.contains("tree"), "{told}");
    assert_eq!(cli.run(&["pins", "tumour@2"]).good()["items"].as_array().map(Vec::len), Some(0));

    let fault = pin("40", &[]).refused(3);
    assert!(fault["hints"].to_string().contains("9 rows from 1 to 9"), "{fault}");
    let fault = pin("3", &["--note", &"x".repeat(4_001)]).refused(3);
    assert!(fault["message"].to_string().contains("longer than 4000"), "{fault}");
    cli.run(&["unpin", &run, "--row", "3"]).refused(3);
    cli.run(&["pin", "nobody", "--row", "3"]).bad(3);
    let tested = cli.run(&["predict", "tumour@1", "--data", &data]).good();
    let fault = cli.run(&["pin", tested["run"].as_str().expect("an id"), "--row", "3"]).refused(3);
    assert!(fault["message"].to_string().contains("is no explanation"), "{fault}");
}

#[test]
fn a_page_shows_pinned_rows_first_and_what_was_measured() {
    let cli = Cli::new();
    cli.run(&["sample"]).good();
    let data = sample("tumour/heldout.csv");
    let explained = cli.run(&["explain", "tumour@1", "--data", &data, "--rows", "1..60", "--quality"]).good();
    let run = explained["run"].as_str().expect("an id").to_owned();
    cli.run(&["pin", &run, "--row", "50", "--note", "why <this> one"]).good();
    let out = cli.folder().join("page.html");
    cli.run(&["values", &run, "--out", &out.display().to_string()]).good();
    let page = std::fs::read_to_string(&out).expect("the page");
    let place = |what: &str| page.find(what).unwrap_or_else(|| panic!("{what} is not there: {page}"));
    assert!(place("<h2>Row 50,") < place("<h2>Row 1,"), "what is evidence comes first");
    assert!(place("Pinned as evidence by ") < place("why &lt;this&gt; one"));
    for said in ["would move contributions by ±", "is settled", "Answered ", "<h2>Quality</h2>", "max-sensitivity"] {
        place(said);
    }
}
