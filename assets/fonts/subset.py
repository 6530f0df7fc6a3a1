"""Makes the font files of this folder from the upstream releases.

usage: python subset.py FOLDER   (FOLDER holds Inter-*.otf, JetBrainsMono-Regular.ttf and DejaVuSans.ttf)

Two changes are made. Glyphs outside Latin, Greek, Cyrillic, arrows, mathematics and box shapes
are dropped; of DejaVu Sans only Hebrew and Arabic stay, which the others lack. In Inter the digits are replaced by its own tabular figures (the glyphs that its `tnum`
feature names), because numbers in tables must line up and the text engine's default is without.
Needs fonttools.
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

RANGES = [
    (0x0020, 0x007E), (0x00A0, 0x024F), (0x02B0, 0x02DD), (0x0300, 0x030C), (0x0370, 0x03FF),
    (0x0400, 0x045F), (0x1E80, 0x1E85), (0x1EF2, 0x1EF3), (0x2000, 0x206F), (0x2070, 0x209C),
    (0x20AC, 0x20AC), (0x2100, 0x2126), (0x2150, 0x215E), (0x2190, 0x21D9), (0x2200, 0x22FF),
    (0x2318, 0x2325), (0x23CE, 0x23CE), (0x2500, 0x25FF), (0x2713, 0x2718),
]

HEBREW_AND_ARABIC = [
    (0x0591, 0x05F4), (0x060C, 0x061F), (0x0620, 0x065F), (0x066A, 0x06D3), (0x06D5, 0x06DC), (0xFB1D, 0xFB4F),
]
# Arabic letters are joined by these.
JOINED = ["init", "medi", "fina", "isol", "rlig", "liga"]


def tabular_figures(font: TTFont) -> dict[str, str]:
    """What the `tnum` feature puts in place of each glyph."""
    gsub = font["GSUB"].table
    lookups = {
        index
        for record in gsub.FeatureList.FeatureRecord
        if record.FeatureTag == "tnum"
        for index in record.Feature.LookupListIndex
    }
    mapping = {}
    for index in sorted(lookups):
        for table in gsub.LookupList.Lookup[index].SubTable:
            mapping.update(getattr(table, "ExtSubTable", table).mapping)
    return mapping


def make(source: Path, target: Path, tabular: bool, ranges=RANGES, more=()) -> None:
    font = TTFont(source, lazy=False)
    if tabular:
        figures = tabular_figures(font)
        for table in font["cmap"].tables:
            for code in range(ord("0"), ord("9") + 1):
                if code in table.cmap:
                    table.cmap[code] = figures.get(table.cmap[code], table.cmap[code])
    options = subset.Options()
    options.layout_features = ["kern", "mark", "mkmk", "ccmp", "locl", *more]
    options.hinting = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.notdef_outline = True
    options.drop_tables += ["DSIG", "meta", "STAT"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[code for low, high in ranges for code in range(low, high + 1)])
    subsetter.subset(font)
    font.save(target)
    print(f"{target.name}: {target.stat().st_size // 1024} kB, {len(font.getGlyphOrder())} glyphs")


if __name__ == "__main__":
    folder, here = Path(sys.argv[1]), Path(__file__).parent
    for name in ["Inter-Regular.otf", "Inter-Medium.otf", "Inter-SemiBold.otf"]:
        make(next(folder.rglob(name)), here / name, tabular=True)
    make(next(folder.rglob("JetBrainsMono-Regular.ttf")), here / "JetBrainsMono-Regular.ttf", tabular=False)
    rtl = here / "DejaVuSans-HebrewArabic.ttf"
    make(next(folder.rglob("DejaVuSans.ttf")), rtl, tabular=False, ranges=HEBREW_AND_ARABIC, more=JOINED)
