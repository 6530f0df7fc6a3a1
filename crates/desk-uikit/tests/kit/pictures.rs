//! A picture of every page of the gallery in both themes; `UPDATE_SNAPSHOTS=1` makes them anew.

use desk_uikit::gallery::PAGES;

use crate::support::pictures;

fn page(name: &str) {
    let page = PAGES.iter().find(|page| page.name == name).expect("a page of the gallery");
    pictures(page.name, page.size, (page.make)());
}

/// One test for each page, so that they run side by side and fail by name.
macro_rules! pages {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            page(stringify!($name));
        })*

        #[test]
        fn every_page_has_its_picture() {
            let tested = [$(stringify!($name)),*];
            let all: Vec<&str> = PAGES.iter().map(|page| page.name).collect();
            assert_eq!(all, tested);
        }
    };
}

pages! {
    button,
    button_focus,
    row,
    tabs,
    badge,
    chip,
    field,
    palette,
    card_metric,
    kv,
    code,
    table,
    progress,
    loadable,
    empty,
    error,
    toast,
    confirm,
    plot_waterfall,
    plot_bars,
    plot_beeswarm,
    plot_dependence,
    plot_lines,
    plot_latency,
    plot_histogram_heat,
    plot_force,
    plot_decision,
    plot_map,
    plot_overlay,
    plot_branches,
}
