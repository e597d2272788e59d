"""The fonts that names are printed with for training, and a small copy for a machine without packages.

All are Debian packages: `make training-fonts` installs them. Four families are left out on purpose, in
whatever package: BIZ UD Gothic, Dejima Mincho, Vollkorn and Essays 1743 are what the benchmark of scanned
names prints its unseen fonts with. "train" marks the families that its split train prints with, on that side.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from clippings.synthetic.render import Font
from tools.recipes.names.name_lists import english_names, japanese_names

INDEX = "fonts.json"
OPEN, TRUE = "/usr/share/fonts/opentype", "/usr/share/fonts/truetype"
TEX = "/usr/share/texmf/fonts/opentype/public"
#  language side family | package | licence | file | in the benchmark's train
TABLE = f"""
ja source IPA Gothic | fonts-ipafont-gothic | IPA | {OPEN}/ipafont-gothic/ipag.ttf | train
ja source Ume Gothic | fonts-horai-umefont | Ume | {TRUE}/horai-umefont/ume-tgo4.ttf | train
ja source Noto Serif CJK JP | fonts-noto-cjk | OFL | {OPEN}/noto/NotoSerifCJK-Regular.ttc | train
ja source Motoya L Cedar | fonts-motoya-l-cedar | Apache-2.0 | {TRUE}/motoya-l-cedar/MTLc3m.ttf | train
ja source Motoya L Maruberi | fonts-motoya-l-maruberi | Apache-2.0 | {TRUE}/motoya-l-maruberi/MTLmr3m.ttf |
ja source VL Gothic | fonts-vlgothic | M+ and Sazanami | {TRUE}/vlgothic/VL-Gothic-Regular.ttf |
ja source MigMix 1M | fonts-migmix | IPA and M+ | {TRUE}/migmix/migmix-1m-regular.ttf |
ja source Konatu | fonts-konatu | MIT | {TRUE}/konatu/Konatu.ttf |
ja source Sawarabi Gothic | fonts-sawarabi-gothic | CC BY 3.0 | {TRUE}/sawarabi-gothic/sawarabi-gothic-medium.ttf |
ja source Noto Sans CJK JP | fonts-noto-cjk | OFL | {OPEN}/noto/NotoSansCJK-Regular.ttc |
ja target Oradano Mincho GSRR | fonts-oradano-mincho-gsrr | own, free | {TRUE}/oradano-mincho/OradanoGSRR.ttf | train
ja target IPA Mincho | fonts-ipafont-mincho | IPA | {OPEN}/ipafont-mincho/ipam.ttf | train
ja target HanaMin A | fonts-hanazono | Hanazono or OFL | {TRUE}/hanazono/HanaMinA.ttf | train
ja target Ume Mincho | fonts-horai-umefont | Ume | {TRUE}/horai-umefont/ume-tmo3.ttf | train
ja target IPAex Mincho | fonts-ipaexfont-mincho | IPA | {OPEN}/ipaexfont-mincho/ipaexm.ttf |
ja target Ume Mincho S3 | fonts-horai-umefont | Ume | {TRUE}/horai-umefont/ume-tms3.ttf |
ja target Sawarabi Mincho | fonts-sawarabi-mincho | OFL | {TRUE}/sawarabi-mincho/sawarabi-mincho-medium.ttf |
ja target Noto Serif CJK JP | fonts-noto-cjk | OFL | {OPEN}/noto/NotoSerifCJK-Regular.ttc |
en source GNUTypewriter | fonts-gnutypewriter | OFL | {TRUE}/gnutypewriter/GNUTypewriter.ttf | train
en source Old Standard | fonts-oldstandard | OFL | {TRUE}/fonts-oldstandard/OldStandard-Regular.ttf | train
en source Century Catalogue | fonts-century-catalogue | OFL | {TRUE}/fonts-century-catalogue/Century-Catalogue.ttf | train
en source Fanwood Text | fonts-fanwood | MIT | {TRUE}/fanwood/FanwoodText.otf | train
en source Courier Prime | fonts-courier-prime | OFL | {OPEN}/courier-prime/Courier Prime.otf |
en source EB Garamond | fonts-ebgaramond | OFL | {OPEN}/ebgaramond/EBGaramond12-Regular.otf |
en source Linux Libertine | fonts-linuxlibertine | OFL | {OPEN}/linux-libertine/LinLibertine_R.otf |
en source GFS Didot | fonts-gfs-didot | OFL | {OPEN}/didot/GFSDidot.otf |
en source Latin Modern Roman | fonts-lmodern | GUST | {TEX}/lm/lmroman10-regular.otf |
en source TeX Gyre Schola | fonts-texgyre | GUST | {TEX}/tex-gyre/texgyreschola-regular.otf |
en source Prociono | fonts-prociono | public domain | {OPEN}/fonts-prociono/Prociono.otf |
en source Cardo | fonts-cardo | OFL | {TRUE}/cardo/Cardo104s.ttf |
en target Goudy Bookletter 1911 | fonts-goudybookletter | public domain | {OPEN}/sortsmill/GoudyBookletter1911.otf | train
en target Oldania ADF Std Bold | fonts-adf-oldania | GPL-2+ with font exception | {TRUE}/adf/OldaniaADFStd-Bold.otf | train
en target Jessen Cicero12 | fonts-gotico-antiqua | OFL | {OPEN}/gotico-antiqua/Jessen-Cicero12.otf | train
en target Blankenburg | fonts-blankenburg | OFL | {TRUE}/blankenburg/Blankenburg_UNZ1A.ttf | train
en target Hamlet Cicero12 | fonts-gotico-antiqua | OFL | {OPEN}/gotico-antiqua/Hamlet-Cicero12.otf |
en target Rusch GoticoAntiqua | fonts-gotico-antiqua | OFL | {OPEN}/gotico-antiqua/Rusch-GoticoAntiqua100G.otf |
en target Zainer GoticoAntiqua | fonts-gotico-antiqua | OFL | {OPEN}/gotico-antiqua/Zainer-GoticoAntiqua96G.otf |
en target Spira ProtoRoman | fonts-gotico-antiqua | OFL | {OPEN}/gotico-antiqua/Spira-ProtoRoman110R.otf |
en target Gamaliel | fonts-gamaliel | OFL | {TRUE}/gamaliel/Gamaliel.ttf |
en target Linden Hill | fonts-lindenhill | MIT | {TRUE}/lindenhill/LindenHill.otf |
en target Junicode | fonts-junicode | OFL | {OPEN}/junicode/JunicodeTwoBeta-Regular.otf |
en target Averia Serif | fonts-averia-serif-gwf | OFL | {TRUE}/averia-gwf/AveriaSerifGWF-Regular.ttf |
en target Romande ADF Std | fonts-adf-romande | GPL-2+ with font exception | {TRUE}/adf/RomandeADFStd-Regular.otf |
en target Accanthis ADF Std | fonts-adf-accanthis | GPL-2+ with font exception | {TRUE}/adf/AccanthisADFStd-Regular.otf |
"""  # noqa: E501 - one row a font


@dataclass(frozen=True, slots=True)
class Face:
    """A font of the table.

    Args:
        language: "ja" or "en".
        side: "source" (a modern book) or "target" (an old one; in Japanese its names stand in columns).
        family: What the records call it.
        package: The Debian package.
        licence: Of the font.
        path: The file.
        in_train: Whether the split train of the benchmark prints this side with it.
    """

    language: str
    side: str
    family: str
    package: str
    licence: str
    path: str
    in_train: bool

    @property
    def font(self) -> Font:
        """The font for `clippings.synthetic.render`."""
        return Font(self.path, name=self.family)


def _row(line: str) -> Face:
    first, package, licence, path, train = (cell.strip() for cell in line.split("|"))
    language, side, family = first.split(" ", 2)
    return Face(language, side, family, package, licence, path, train == "train")


FACES = tuple(_row(line) for line in TABLE.strip().splitlines())


def packages(faces: Iterable[Face] = FACES) -> list[str]:
    """The Debian packages of fonts, each once."""
    return sorted({face.package for face in faces})


def training_fonts(language: str, side: str, *, seen_only: bool = False) -> list[Font]:
    """The fonts of a side that are installed.

    Args:
        language: "ja" or "en".
        side: "source" or "target".
        seen_only: Only those that the benchmark's split train prints with too.

    Returns:
        The fonts, in the order of the table; an empty list if none is installed.
    """
    return [
        face.font
        for face in FACES
        if (face.language, face.side) == (language, side)
        and Path(face.path).exists()
        and (face.in_train or not seen_only)
    ]


def pack(folder: Path, characters: dict[str, str] | None = None, faces: Sequence[Face] = FACES) -> int:
    """Copy the fonts with only the characters that are wanted, to be carried to another machine.

    Needs the pip package fonttools.

    Args:
        folder: Where the files and their index go.
        characters: For each language, what shall be printed; None: all that is in the name lists, in the
            variants of names, and in ASCII.
        faces: Fonts to copy; those that are not installed are left out.

    Returns:
        Bytes in all.
    """
    subset: Any = import_module("fontTools.subset")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = characters or {language: alphabet(language) for language in ("ja", "en")}
    rows: list[dict[str, Any]] = []
    for number, face in enumerate(face for face in faces if Path(face.path).exists()):
        options = subset.Options(
            layout_features=["*"],
            notdef_outline=True,
            font_number=0,
            name_IDs=[0, 1, 2, 13, 14],
            hinting=True,
        )
        font = subset.load_font(face.path, options)
        if "gasp" in font:  # in some fonts it cannot be read, and nothing here looks at it
            del font["gasp"]
        maker = subset.Subsetter(options)
        maker.populate(text=wanted[face.language])
        maker.subset(font)
        name = f"{number:02d}-{Path(face.path).stem}{'.otf' if 'CFF ' in font else '.ttf'}".replace(" ", "")
        subset.save_font(font, str(folder / name), options)
        font.close()
        rows.append({**asdict(face), "path": name})
    (folder / INDEX).write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return sum(file.stat().st_size for file in folder.iterdir())


def packed(folder: Path) -> list[Face]:
    """The fonts of a folder that `pack` wrote.

    Args:
        folder: The folder.

    Returns:
        Rows like those of the table, with paths into the folder.
    """
    rows = json.loads((folder / INDEX).read_text("utf-8"))
    return [Face(**{**row, "path": str(folder / row["path"])}) for row in rows]


def alphabet(language: str) -> str:
    """Every character of the name lists of a language and of their variants, and ASCII."""
    from clippings.synthetic.name_variants import old_characters

    names = japanese_names() if language == "ja" else english_names()
    found = {chr(code) for code in range(32, 127)} | {char for name in names for char in name}
    return "".join(sorted(found | set(old_characters("".join(sorted(found)))) | set("株式会社有限合名資")))
