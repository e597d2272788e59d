"""Word lists of the example tables, written for them: no list of a training recipe, no outside data."""

from __future__ import annotations


def _split(text: str, between: str | None = None) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(word.strip() for word in text.split(between))


SURNAMES = _split(
    """
    Quincy Baxter Halloran Penrose Tolliver Whitcomb Ostrander Delacroix Hargrove Lindqvist Marchetti Novotny
    Pemberton Rutledge Sedgwick Thackeray Underhill Vandermeer Wainwright Yardley Zimmer Ashcombe Birdsall
    Castleman Dunleavy Eberhart Fairbanks Gallagher Hollister Ingersoll Jernigan Kessler Lathrop McAllister
    Nordstrom Oglethorpe Pinkney Quackenbush Ravensdale Stroud Trowbridge Upchurch Vosburgh Wetherell Yoder
    Abernathy Blackwood Corrigan Drummond Ellsworth
    """
)
GIVEN = {
    "f": _split(
        """
        Abigail Beatrice Cornelia Dorothea Eleanor Florence Georgiana Harriet Isabella Josephine Katherine
        Lucinda Margaret Nancy Octavia Philippa Rebecca Susanna Theodora Wilhelmina
        """
    ),
    "m": _split(
        """
        Ambrose Benjamin Cornelius Daniel Ebenezer Frederick Gilbert Horatio Isaac Jeremiah Leonard Matthias
        Nathaniel Obadiah Patrick Reuben Solomon Thaddeus Valentine William
        """
    ),
}
NICKNAMES = {
    "Abigail": "Abby", "Beatrice": "Bea", "Cornelia": "Nelly", "Dorothea": "Dora", "Eleanor": "Nora",
    "Florence": "Flo", "Georgiana": "Georgie", "Harriet": "Hattie", "Isabella": "Bella",
    "Josephine": "Josie", "Katherine": "Kate", "Lucinda": "Lucy", "Margaret": "Maggie",
    "Philippa": "Pippa", "Rebecca": "Becky", "Susanna": "Sue", "Theodora": "Thea", "Wilhelmina": "Mina",
    "Benjamin": "Ben", "Daniel": "Dan", "Frederick": "Fred", "Gilbert": "Gil", "Isaac": "Ike",
    "Jeremiah": "Jerry", "Leonard": "Len", "Matthias": "Matt", "Nathaniel": "Nat", "Patrick": "Pat",
    "Solomon": "Sol", "Thaddeus": "Tad", "Valentine": "Val", "William": "Bill",
}  # fmt: skip
TOWNS = _split(
    """
    Ashford Mills;Bramble Creek;Cedar Point;Dunmore;Eastwick;Fallbrook;Granite Falls;Harrow Junction;
    Ironton;Juniper Springs;Kingsferry;Larkhaven;Millbridge;Northgate;Orchard Park;Port Selwyn
    """,
    ";",
)
STREETS = _split("Main;Mill;Church;Harbor;Spruce;Canal;Jefferson;Prospect;Orchard;Water;Summit;Depot", ";")
STATES = _split("Vermont;Ohio;Virginia;Maine;Ireland;Bavaria;New York;Kentucky;Scotland;Connecticut", ";")
WORK = _split(
    "Farmer;Blacksmith;Laborer;Teacher;Cooper;Seamstress;Carpenter;Servant;Miller;Clerk;Tailor;Weaver", ";"
)
# the trade in full, and how a directory shortens it
TRADES = {
    "Glass Works": "Glass Wks", "Steel": "Stl", "Dairy": "Dairy", "Furniture": "Furn",
    "Manufacturing": "Mfg", "Machinery": "Mach", "Lumber": "Lbr", "Brothers Printing": "Bros Ptg",
    "Paper Mills": "Paper Mls", "Electric": "Elec", "Chemical": "Chem", "Bearings": "Brgs",
    "Shoe": "Shoe", "Textiles": "Tex", "Tool & Die": "Tool & Die", "Instruments": "Instr",
}  # fmt: skip
FORMS = {"Company": "Co", "Corporation": "Corp", "Incorporated": "Inc", "& Sons": "& Sons", "": ""}
# kind of article, other words for it, units and sizes
ARTICLES = (
    ("cordless drill", "drill driver", "V", (12, 14, 18, 20)),
    ("angle grinder", "disc grinder", "W", (720, 850, 1200, 1500)),
    ("desk lamp", "table light", "W", (5, 7, 9, 12)),
    ("electric kettle", "water boiler", "ml", (1000, 1200, 1500, 1700)),
    ("vacuum flask", "thermos bottle", "ml", (350, 500, 750, 1000)),
    ("power bank", "portable charger", "mAh", (5000, 10000, 20000, 26800)),
    ("toner cartridge", "printer toner", "pages", (1500, 2600, 5000, 8000)),
    ("garden hose", "watering hose", "ft", (25, 50, 75, 100)),
    ("bookshelf speaker", "compact loudspeaker", "W", (20, 40, 60, 80)),
    ("bicycle pump", "floor pump", "psi", (120, 140, 160, 200)),
)
BRANDS = _split("Tarnwell Okira Velstrom Bryndle Corvane Nuvolo Hestra Pilgrove Ardent Zephon")
COLORS = _split("black;white;red;silver;blue", ";")
# English, German, Japanese
GOODS = tuple(
    _split(line, "|")
    for line in """
    Wheat flour|Weizenmehl|小麦粉
    Rye flour|Roggenmehl|ライ麦粉
    Roasted coffee|Röstkaffee|焙煎コーヒー
    Green tea|Grüner Tee|緑茶
    Black tea|Schwarzer Tee|紅茶
    Cane sugar|Rohrzucker|サトウキビ糖
    Honey|Honig|蜂蜜
    Olive oil|Olivenöl|オリーブ油
    Frozen fish|Tiefgefrorener Fisch|冷凍魚
    Canned tuna|Thunfisch in Dosen|ツナ缶
    Fresh milk|Frischmilch|牛乳
    Butter|Butter|バター
    Sheep cheese|Schafskäse|羊乳チーズ
    Dried apples|Getrocknete Äpfel|乾燥りんご
    Orange juice|Orangensaft|オレンジジュース
    Mineral water|Mineralwasser|ミネラルウォーター
    Red wine|Rotwein|赤ワイン
    Beer|Bier|ビール
    Cigarettes|Zigaretten|紙巻きたばこ
    Table salt|Speisesalz|食塩
    Cotton yarn|Baumwollgarn|綿糸
    Woolen blankets|Wolldecken|毛布
    Silk fabric|Seidenstoff|絹織物
    Men's shirts|Herrenhemden|紳士用シャツ
    Women's shoes|Damenschuhe|婦人靴
    Children's clothing|Kinderkleidung|子供服
    Leather gloves|Lederhandschuhe|革手袋
    Umbrellas|Regenschirme|傘
    Writing paper|Schreibpapier|便箋
    Newsprint|Zeitungspapier|新聞用紙
    Wooden furniture|Holzmöbel|木製家具
    Office chairs|Bürostühle|事務用椅子
    Window glass|Fensterglas|窓ガラス
    Porcelain plates|Porzellanteller|磁器の皿
    Kitchen knives|Küchenmesser|包丁
    Steel pipes|Stahlrohre|鋼管
    Copper wire|Kupferdraht|銅線
    Aluminium foil|Aluminiumfolie|アルミホイル
    Screws and bolts|Schrauben und Bolzen|ねじとボルト
    Bicycles|Fahrräder|自転車
    Car tires|Autoreifen|自動車用タイヤ
    Truck engines|Lkw-Motoren|トラック用エンジン
    Sewing machines|Nähmaschinen|ミシン
    Washing machines|Waschmaschinen|洗濯機
    Refrigerators|Kühlschränke|冷蔵庫
    Electric motors|Elektromotoren|電動機
    Light bulbs|Glühbirnen|電球
    Wrist watches|Armbanduhren|腕時計
    Cameras|Fotoapparate|カメラ
    Musical instruments|Musikinstrumente|楽器
    Toys|Spielzeug|玩具
    Fishing rods|Angelruten|釣り竿
    Toothbrushes|Zahnbürsten|歯ブラシ
    Soap|Seife|石鹸
    Candles|Kerzen|ろうそく
    Medicines|Arzneimittel|医薬品
    Fertilizer|Düngemittel|肥料
    Hard coal|Steinkohle|石炭
    Cement|Zement|セメント
    Natural rubber|Naturkautschuk|天然ゴム
    """.strip().splitlines()
)
# an article of a newspaper
EVENTS = _split("fire;flood;strike;sale;collapse;robbery;dispute;hearing", ";")
WORKS = _split("creamery;cotton mill;wagon works;brick yard;tannery;foundry;sawmill;ferry landing", ";")
DAYS = _split("Monday;Tuesday;Wednesday;Thursday;Friday;Saturday", ";")
SENTENCES = (
    "A {event} at the {work} of {name} and Sons in {town} drew a crowd on {day}.",
    "Damage is estimated at {n} dollars, and insurance will cover {m} percent.",
    "Mr. {name} said that wages of {n} hands would be paid through the month.",
    "The sheriff of {town} asked for {m} deputies.",
    "Witnesses state that it began shortly after {h} o'clock in the east wing.",
    "Judge {other} will hear the matter on {day}.",
    "The railroad set aside {m} cars for freight bound from {town}.",
    "The {work} was built by {other} {m} years ago and employed {n} men at its best.",
    "A collection opened by Mrs. {name} had reached {n} dollars at press time.",
    "Directors meet on {day} to decide whether the {work} will move to {elsewhere}.",
    "Governor {other} telegraphed that he would visit {town} if the roads allow.",
    "Nothing like it has been seen in {town} since the winter of 18{m}.",
    "The state engineer found the beams of the {work} sound {m} weeks before.",
    "{name} came to {town} from {elsewhere} as a boy and learned the trade under {other}.",
    "Neighbors carried the account books to the church, where {m} of them remain.",
    "The company owes {n} dollars to a bank in {elsewhere}.",
)
