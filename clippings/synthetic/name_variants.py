"""The different spellings of a firm in two books: legal forms, abbreviations, old characters."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from clippings.errors import EncoderError

SIDES = ("source", "target")
Vary = Callable[
    [str, str, np.random.Generator], str
]  # (name, side, draws) -> the name as that side prints it


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of writing a name otherwise.

    Args:
        side: "source" or "target": which book writes so.
        find: A regular expression; the first place where it fits is rewritten. A name without such a place
            stays as it is.
        put: The replacement text; it may refer to groups of `find`, in the syntax of `re.sub`.
        rate: How often the side does so, from 0 to 1.
        group: Of the variants of one group a name takes at most one; "" for none.

    Raises:
        EncoderError: The side, the expression or the rate cannot be used.

    Example:
        >>> Variant("source", r"Company$", "Co.", 0.5).rate
        0.5
    """

    side: str
    find: str
    put: str
    rate: float
    group: str = ""

    def __post_init__(self) -> None:
        try:
            re.compile(self.find)
        except re.error as problem:
            raise EncoderError(
                f"A variant of names has no regular expression ({problem}). Given: {self.find!r}."
            ) from None
        if self.side not in SIDES or not 0 <= self.rate <= 1:
            raise EncoderError(
                f"A variant of names cannot work. Given: {self}. Give side 'source' or 'target', and a rate "
                "from 0 to 1."
            )


def vary(name: str, side: str, draw: np.random.Generator, table: Sequence[Variant]) -> str:
    """Write a name as one of the books does.

    Args:
        name: The name.
        side: "source" or "target".
        draw: Where the choices come from.
        table: What may happen, in this order.

    Returns:
        The name, changed or not.

    Example:
        >>> table = [Variant("source", "Company$", "Co.", 1)]
        >>> vary("Hill Company", "source", np.random.default_rng(0), table)
        'Hill Co.'
    """
    done: set[str] = set()
    for variant, chance in zip(table, draw.random(len(table)).tolist(), strict=True):
        if variant.side != side or chance >= variant.rate or variant.group in done:
            continue
        changed = re.sub(variant.find, variant.put, name, count=1)
        if changed != name and variant.group:
            done.add(variant.group)
        name = changed
    return name


def by_table(table: Sequence[Variant]) -> Vary:
    """A function that varies names by a table, for `synthesize`.

    Args:
        table: What may happen.

    Returns:
        The function.
    """
    variants = tuple(table)

    def change(name: str, side: str, draw: np.random.Generator) -> str:
        return vary(name, side, draw, variants)

    return change


def english(rate: float = 0.3) -> Vary:
    """Variants of English firms: the target is longer ("The", "Ltd."), the source abbreviates.

    Args:
        rate: 0 leaves all names as they are, 1 changes most of them.

    Returns:
        The function, for `synthesize`.

    Example:
        >>> english(1.0)("Hill Railway", "source", np.random.default_rng(1))
        'Hill Ry.'
    """
    short = {
        "Company": "Co.", "Works": "Wks.", "Mills": "Mls.", "Railway": "Ry.", "Railroad": "R. R.",
        "Manufacturing": "Mfg.", "Brothers": "Bros.", "Insurance": "Ins.", "National": "Nat.",
        "Association": "Assn.", "Electric": "Elec.", "Incorporated": "Inc.", "and": "&",
    }  # fmt: skip
    return by_table(
        [
            Variant("target", r"^(?!The )", "The ", 0.15 * rate, "form"),
            Variant("target", r"(?<!Ltd\.)$", ", Ltd.", 0.15 * rate, "form"),
            *(Variant("source", rf"\b{word}\b", put, 0.5 * rate, "short") for word, put in short.items()),
        ]
    )


def japanese(rate: float = 0.15) -> Vary:
    """Variants of Japanese firms: 株式会社 and old characters in the target, (株) in the source.

    Args:
        rate: 0 leaves all names as they are, 1 changes most of them.

    Returns:
        The function, for `synthesize`.

    Example:
        >>> japanese(1.0)("山田工業", "source", np.random.default_rng(16))
        '山田工'
    """
    form = "^(?!.*(?:株|銀行|金庫))"
    short = {"工業": "工", "製作所": "製", "産業": "産", "電機": "電", "商事": "商", "化学": "化"}
    change = by_table(
        [
            Variant("target", form, "株式会社", 0.2 * rate, "form"),
            Variant("target", form + "(.*)$", r"\g<1>株式会社", 0.1 * rate, "form"),
            Variant("source", form, "(株)", 0.05 * rate, "form"),
            Variant("source", form + "(.*)$", r"\g<1>(株)", 0.05 * rate, "form"),
            *(Variant("source", f"(?<=..){word}$", put, 0.1 * rate, "short") for word, put in short.items()),
        ]
    )

    def change_or_age(name: str, side: str, draw: np.random.Generator) -> str:
        old = draw.random() < 0.2 * rate
        name = change(name, side, draw)
        return old_characters(name) if old and side == "target" else name

    return change_or_age


def old_characters(text: str) -> str:
    """A text in the characters that Japan used before 1946.

    Example:
        >>> old_characters("大阪鉄工会社")
        '大阪鐵工會社'
    """
    return text.translate(_OLD)


# characters in the form of today, and in that of before 1946
NEW = (
    "亜悪圧囲医栄営駅円塩応桜価画会絵学楽関観気帰亀拠挙区勲径経茎軽芸剣権顕県検験厳広恒黄国済斎剤雑蚕"
    "糸実写釈寿収従渋処叙奨焼条乗浄剰畳嬢譲醸触真尽図粋穂髄枢数瀬声静窃摂専浅戦践銭潜繊禅双壮争荘捜挿"
    "巣装総騒増蔵属続堕対体帯滞台滝択沢担単胆団弾断遅昼鋳庁聴鎮逓鉄転点伝灯当党盗稲闘独読届弐悩脳覇廃"
    "拝売麦発髪抜蛮浜瓶払仏並変辺弁歩宝豊翻万満黙訳薬与予余誉様謡覧竜両猟緑塁励礼霊齢炉労楼湾"
)
OLD = (
    "亞惡壓圍醫榮營驛圓鹽應櫻價畫會繪學樂關觀氣歸龜據擧區勳徑經莖輕藝劍權顯縣檢驗嚴廣恆黃國濟齋劑雜蠶"
    "絲實寫釋壽收從澁處敍奬燒條乘淨剩疊孃讓釀觸眞盡圖粹穗髓樞數瀨聲靜竊攝專淺戰踐錢潛纖禪雙壯爭莊搜插"
    "巢裝總騷增藏屬續墮對體帶滯臺瀧擇澤擔單膽團彈斷遲晝鑄廳聽鎭遞鐵轉點傳燈當黨盜稻鬪獨讀屆貳惱腦霸廢"
    "拜賣麥發髮拔蠻濱甁拂佛竝變邊辨步寶豐飜萬滿默譯藥與豫餘譽樣謠覽龍兩獵綠壘勵禮靈齡爐勞樓灣"
)
_OLD = str.maketrans(NEW, OLD)
