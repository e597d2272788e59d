"""Made words: syllables of several languages, and of scripts other than Latin."""

from __future__ import annotations

from dataclasses import dataclass

from .draw import Draw


def _split(text: str, between: str = " ") -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split(between))


@dataclass(frozen=True)
class Tongue:
    """How the words of a language sound: parts that are put together."""

    starts: tuple[str, ...]
    middles: tuple[str, ...]
    vowels: tuple[str, ...]
    ends: tuple[str, ...]
    people: tuple[str, ...] = ("",)
    towns: tuple[str, ...] = ("",)


def _parts(text: str) -> tuple[str, ...]:
    return tuple("" if part == "-" else part for part in text.split())


TONGUES: dict[str, Tongue] = {
    "english": Tongue(
        _parts("b br c ch cl d f g gr h j k l m n p r s sh st t th tr w wh - -"),
        _parts("ck dd ll mm nd ng nt r rr s st t tt l n v th m"),
        _parts("a e i o u a e o ea oo ai"),
        _parts("- n l r t ck ll nd rd x m y er s"),
        _parts("- son s ford ton well wood ley man er by field"),
        _parts("ton ford ham bury ley worth bridge field wick mouth port - dale"),
    ),
    "german": Tongue(
        _parts("b br d f fr g gr h k kl kr l m n p r s sch st t w z v pf - -"),
        _parts("ch ck ff ll mm nn nd rb rg ss tz st l n r ng lt"),
        _parts("a e i o u ei au ie ä ö ü e a"),
        _parts("- n l r t ck ll nd rt m er en el"),
        _parts("- mann er meier bauer hofer berger ke ing stein schmidt"),
        _parts("burg dorf heim hausen stadt berg feld bach ingen furt tal -"),
    ),
    "french": Tongue(
        _parts("b bl br c ch d f g j l m n p pr r s t v vr - -"),
        _parts("ll nn r rr s ss t tt v ch gn l m nd rg"),
        _parts("a e i o u é è ai eau ou oi an on"),
        _parts("- - t s r l n x ne"),
        _parts("- eau ier ard et on ault elle in ot"),
        _parts("ville -sur-Mer ac y court mont bourg - ey es"),
    ),
    "spanish": Tongue(
        _parts("b c d f g j l m n p qu r s t v z ch al - -"),
        _parts("ll nd r rr s t v l m n ñ z d b g st nt"),
        _parts("a e i o u a e o ie ue í ó á"),
        _parts("- - n s r l z da"),
        _parts("ez es - ero illo ado era ales"),
        _parts("ia illa ales - ada mar ón anca osa"),
    ),
    "italian": Tongue(
        _parts("b c d f g l m n p r s t v z gi sc tr - -"),
        _parts("ll nn rr ss tt zz cc gn l m n r s t v nt rd"),
        _parts("a e i o u a e o ia"),
        _parts("- - -"),
        _parts("i ini etti ari elli o one ucci"),
        _parts("ano ello ona ia igo - ate eto ara"),
    ),
    "slavic": Tongue(
        _parts("b br d dr g gr h k kr l m mil n p pr r s sl st t v vl z z - č š ž"),
        _parts("d l n r s t v z k j rk sl št n m b dn vn"),
        _parts("a e i o u a e o y ě"),
        _parts("- n l r k t v j"),
        _parts("ić ski ova ek ov in enko czyk ský ák"),
        _parts("ov ice grad sk owo no in ovac any -"),
    ),
    "nordic": Tongue(
        _parts("b bj br d f fj g gr h hj k l m n r s sk sv t th v - -"),
        _parts("gg kk ll nd ng nn rs rd st v l n r s t dr"),
        _parts("a e i o u å ø ö ä y ei"),
        _parts("- n r d k l m t s"),
        _parts("sen sson - berg lund strand gaard ström vik dal"),
        _parts("vik by sund stad havn borg ås - holm nes"),
    ),
    "turkic": Tongue(
        _parts("b c ç d g h k m n s ş t y z al er - -"),
        _parts("l r n m t k y z rk lm ld nd ğ ş b"),
        _parts("a e ı i o ö u ü a e"),
        _parts("- n r k l z m t ş"),
        _parts("oğlu - er kaya türk demir soy maz"),
        _parts("köy lar kent pınar hisar - ova dağ"),
    ),
    "romaji": Tongue(
        _parts("k s t n h m y r w g z d b sh ch ts j - -"),
        _parts("k s t n h m y r g z d b sh ch n"),
        _parts("a i u e o a i o ō"),
        _parts("- - - n"),
        _parts("moto mura da kawa yama shita no guchi saki"),
        _parts("yama shima saki hama kawa - machi hara"),
    ),
    "indic": Tongue(
        _parts("b bh ch d dh g gh j k kh l m n p r s sh t v pr sr - -"),
        _parts("d dh g j k l m n nd nk p r t v y sh tr rm"),
        _parts("a aa i u e o a a ee oo"),
        _parts("- n r l m t sh a"),
        _parts("- kar wal an ani pur wala appa"),
        _parts("pur abad nagar ganj garh - palli kot"),
    ),
    "pinyin": Tongue(
        _parts("b ch d f g h j k l m n p q r s sh t w x y z zh"),
        _parts("n ng - - -"),
        _parts("a ai ao e i ia iao u uo ei ou ian"),
        _parts("- n ng - ng"),
        _parts("-"),
        _parts("zhou shan jiang cheng hai - tou kou"),
    ),
    "latin": Tongue(
        _parts("b c cr d f g l m n p ph pr qu r s sc sp st t tr v x - -"),
        _parts("c ct l m n nt r rc s st t v x ph th cc ll"),
        _parts("a e i o u ae y io ia"),
        _parts("- n r s x l"),
        _parts("us ius anus ensis oides ata inus"),
        _parts("um ia ona anum ensis -"),
    ),
}

SCRIPTS: dict[str, tuple[str, ...]] = {
    "cyrillic": _split(
        "ба бо ве га го да де ди жа за зе ка ко ла ле ли ма ми на не но па пе ра ро са се ста те то ти тр "
        "ва ви ха че ша ю я ор ин"
    ),
    "greek": _split(
        "α βα γε δη ζα θε ιω κα κο λα λε μα μι να νι πα πο ρα ρο σα στα τα το φι χα χρι ψα ων ου αι"
    ),
    "hangul": _split(
        "김 이 박 최 정 강 조 윤 장 임 한 오 서 신 권 황 안 송 민 지 수 현 영 준 "
        "은 혜 성 우 재 태 대 산 천 구 동 남 북 미 세 원 주 진 광 전 자 화 공 기"
    ),
    "kanji": tuple(
        "山川田中村本林森石井高橋大小西東南北松竹梅藤原野島崎浜海岸上下内外新古金銀銅鐵木水火土日月"
        "星光明正義和平安永長谷福德吉富士宮城京都阪横神戶名屋岡廣德製造工業商店會社機械電氣化學紡織"
        "運輸倉庫建設鑛油"
    ),
    "kana": tuple(
        "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワンガギグゲゴザジズデドバビブベボパピプペポー"
    ),
    "arabic": _split("ا ب ت ث ج ح خ د ر ز س ش ص ط ع غ ف ق ك ل م ن ه و ي ال ان ين وا را ما نا لي سا"),
    "hebrew": _split("א ב ג ד ה ו ז ח ט י כ ל מ נ ס ע פ צ ק ר ש ת ים ון ית"),
    "devanagari": _split(
        "अ आ क का कि कु ख ग गा च ज जा ट ड त ता द दा न ना नि प पा ब बा भ म मा मि य र रा री ल ला व वा श स सा ह"
    ),
    "georgian": _split("ა ბა გა დე ვა ზე თა იკა ლა მა ნი ორ პა რე სა შვი ძე ხა ჯა ბერი"),
    "thai": _split("กา ขา คำ งา จา ชัย ดี ตา ทา นา บา ปา พร มา ยา รา ลา วา สา หา อา ศรี ทอง"),
}

# letters that are one another's misreading, for scripts without case
MISREAD: dict[str, str] = {
    "cyrillic": "абвгдежзиклмнопрстуфхцчшыья",
    "greek": "αβγδεζηθικλμνξοπρστυφχψω",
    "hangul": "김이박최정강조윤장임한오서신권황안송민지수현영준은혜성우재태",
    "kanji": "山川田中村本林森石井高橋大小西東南北太犬木末未士土日目白由甲申",
    "kana": "アイウエオカキクケコサシスセソツンノメナタクケリソ",
    "arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "hebrew": "אבגדהוזחטיכלמנסעפצקרשת",
    "devanagari": "कखगघचजटडतदनपबभमयरलवशसह",
    "georgian": "აბგდევზთიკლმნოპრსტუფქღყშჩცძწჭხჯჰ",
    "thai": "กขคงจชซดตถทนบปพมยรลวสหอ",
}


def word(draw: Draw, tongue: str, low: int = 1, high: int = 2, tail: str = "") -> str:
    """A made word of a language.

    Args:
        draw: The source of chance.
        tongue: A key of `TONGUES`.
        low: Fewest syllables.
        high: Most syllables.
        tail: "people" or "towns": how the word ends.
    """
    sound = TONGUES[tongue]
    count = draw.whole(low, high)
    text = draw.pick(sound.starts) + draw.pick(sound.vowels)
    for _ in range(count - 1):
        text += draw.pick(sound.middles) + draw.pick(sound.vowels)
    text += draw.pick(sound.ends) or draw.pick(sound.middles)
    ending = draw.pick(getattr(sound, tail)) if tail else ""
    if ending and ending[0] in "aeiouyíóáäöü" and text[-1] in "aeiouyíóáäöü":
        text = text[:-1]
    made = (text + ending).replace("aaa", "aa").replace("eee", "ee").replace("ooo", "oo")
    return made[0].upper() + made[1:] if len(made) > 2 else word(draw, tongue, low + 1, high + 1, tail)


def script_word(draw: Draw, script: str, low: int = 2, high: int = 4) -> str:
    """A made word of a script other than Latin."""
    text = "".join(draw.pick(SCRIPTS[script]) for _ in range(draw.whole(low, high)))
    return text.capitalize() if script in ("cyrillic", "greek") else text


def scientific(draw: Draw) -> str:
    """A made name like those of plants, drugs or galaxies: learned, without meaning."""
    return word(draw, "latin", 2, 3, "people")
