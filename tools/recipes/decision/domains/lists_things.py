"""Listed words about things: firms, goods, works, places and what they are called."""

from __future__ import annotations


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


LEGAL: dict[str, tuple[tuple[str, ...], ...]] = {
    "english": (
        ("Limited", "Ltd", "Ltd."),
        ("Incorporated", "Inc", "Inc."),
        ("Corporation", "Corp", "Corp."),
        ("Public Limited Company", "PLC", "plc"),
        ("Limited Liability Company", "LLC", "L.L.C."),
    ),
    "german": (
        ("Gesellschaft mit beschränkter Haftung", "GmbH", "mbH"),
        ("Aktiengesellschaft", "AG", "A.G."),
        ("Kommanditgesellschaft", "KG"),
    ),
    "french": (("Société Anonyme", "SA", "S.A."), ("Société à responsabilité limitée", "SARL", "S.à r.l.")),
    "spanish": (("Sociedad Anónima", "SA", "S.A."), ("Sociedad Limitada", "SL", "S.L.")),
    "italian": (
        ("Società per Azioni", "SpA", "S.p.A."),
        ("Società a responsabilità limitata", "Srl", "S.r.l."),
    ),
    "slavic": (("Spółka z o.o.", "Sp. z o.o."), ("a.s.", "as"), ("d.o.o.", "doo")),
    "nordic": (("Aktiebolag", "AB"), ("Aktieselskab", "A/S", "AS")),
}
TRADES: tuple[str, ...] = _split(
    "Steel,Textiles,Foods,Chemicals,Motors,Electric,Insurance,Shipping,Mining,Construction,"
    "Printing,Paper,Glass,"
    "Furniture,Machinery,Instruments,Pharmaceuticals,Brewery,Bakery,Transport,Logistics,Trading,Consulting,"
    "Solutions,Systems,Technologies,Holdings,Investments,Properties,Energy,Plastics,Packaging,Tools,Timber,"
    "Cement,Rubber,Leather,Optics,Software,Media,Design,Catering,Travel,Security,Cleaning,"
    "Engineering,Capital,"
    "Ventures,Industries,Services,Enterprises,Partners,Group,International,Manufacturing,Brothers,Products"
)
HEADS: tuple[str, ...] = _split(
    "Acme,Global,Premier,United,General,Royal,National,First,Alpha,Delta,Omega,Apex,Summit,"
    "Pioneer,Atlas,Phoenix,"
    "Star,Sun,Blue,Green,Golden,Silver,Northern,Southern,Eastern,Western,Central,Pacific,"
    "Atlantic,Continental,"
    "Universal,Imperial,Standard,Modern,New,City,Metro,Crown,Eagle,Lion,River,Mountain,Lake,"
    "Ocean,Anglo,Euro"
)
BRANDS: tuple[str, ...] = _split(
    "Sonika,Panatec,Veltra,Nordica,Bosken,Philmar,Lumix,Kanova,Tefora,Makiro,Dewalton,Hitaro,"
    "Brauno,Garmond,"
    "Logiteq,Netgrid,Asterion,Corsar,Kingmax,Toshira,Samsora,Fujina,Canora,Olympa,Sharpo,"
    "Delora,Acerra,Levono"
)
GOODS: dict[str, tuple[str, ...]] = {
    "electronics": _split(
        "Headphones,Digital Camera,Laptop,Monitor,Printer,Keyboard,Speaker,Router,Memory Card,"
        "Hard Drive,Television,"
        "Smartphone,Tablet,Projector,Microphone,Battery,Charger,Receiver,Webcam,Scanner,Camcorder,Turntable"
    ),
    "kitchen": _split(
        "Microwave,Dishwasher,Blender,Toaster,Kettle,Coffee Maker,Frying Pan,Saucepan,Refrigerator,"
        "Freezer,Oven,"
        "Mixer,Food Processor,Knife Set,Grill,Steamer,Juicer,Ice Maker,Cooker Hood,Wine Cooler"
    ),
    "clothes": _split(
        "T-Shirt,Jacket,Jeans,Running Shoes,Boots,Dress,Skirt,Sweater,Socks,Cap,Gloves,Backpack,"
        "Belt,Scarf,Coat,"
        "Hoodie,Sandals,Shorts,Polo Shirt,Raincoat"
    ),
    "tools": _split(
        "Cordless Drill,Circular Saw,Hammer,Screwdriver Set,Wrench,Sander,Tape Measure,Ladder,"
        "Pliers,Jigsaw,"
        "Angle Grinder,Toolbox,Work Light,Air Compressor,Heat Gun,Chisel,Hex Bolt,Wood Screw,"
        "Washer,Pipe Clamp"
    ),
    "food": _split(
        "Olive Oil,Ground Coffee,Green Tea,Dark Chocolate,Orange Juice,Tomato Sauce,Peanut Butter,"
        "Strawberry Jam,"
        "Oat Biscuits,Potato Chips,Wheat Flour,Basmati Rice,Pale Ale,India Pale Ale,Stout,Lager,"
        "Red Wine,Cider,"
        "Honey,Mustard,Vanilla Yogurt,Cheddar Cheese"
    ),
}
TRAITS: tuple[str, ...] = _split(
    "Wireless,Portable,Compact,Professional,Deluxe,Classic,Digital,Stainless,Heavy Duty,Slim,"
    "Ultra,Premium,Basic,"
    "Waterproof,Foldable,Rechargeable,Electric,Organic,Original,Extra,Mini,Smart,Travel,Outdoor"
)
COLOURS: tuple[str, ...] = _split(
    "Black,White,Silver,Red,Blue,Green,Grey,Pink,Yellow,Brown,Orange,Purple,Navy,Beige"
)
PROGRAMS: tuple[str, ...] = _split(
    "Photo Studio,Office,Antivirus,Video Editor,Accounting,Tax,Backup,Language Tutor,Typing,"
    "Database,Draw,Web "
    "Designer,Mail Server,Project Manager,Music Maker,Firewall,Spell Checker,Map,Genealogy,"
    "Chess,PDF Creator,"
    "Encyclopedia,Math Tutor,Presentation,Disk Manager,Animation,Publisher,Site Builder"
)
NOUNS: tuple[str, ...] = _split(
    "Night,Day,River,House,Garden,Love,War,Peace,Heart,Dream,Shadow,Light,Road,Sea,Winter,"
    "Summer,Storm,Fire,Stone,"
    "Mirror,Child,King,Queen,Mother,Father,Stranger,Secret,Song,Dance,Letter,Island,Forest,"
    "Mountain,City,Bridge,"
    "Window,Door,Clock,Rose,Wolf,Horse,Bird,Angel,Devil,Ghost,Journey,Silence,Memory,Promise,"
    "Truth,Star,Moon,Sun"
)
ADJECTIVES: tuple[str, ...] = _split(
    "Last,First,Lost,Hidden,Broken,Silent,Dark,Golden,Little,Great,Long,Red,Blue,White,Black,"
    "Wild,Secret,Endless,"
    "Forgotten,Burning,Cold,Sweet,Lonely,Distant,Strange,Beautiful,Old,New,Empty,Eternal,Crooked,Quiet"
)
TOPICS: tuple[str, ...] = _split(
    "neural networks,query optimization,gene expression,image segmentation,data mining,"
    "time series,spatial indexing,"
    "record linkage,protein folding,climate models,labour markets,monetary policy,"
    "income inequality,social networks,"
    "machine translation,information retrieval,distributed databases,wireless sensors,"
    "cancer screening,drug trials,"
    "patient outcomes,language acquisition,graph matching,decision trees,concurrency control,"
    "schema integration,"
    "XML documents,stream processing,survey methods,soil erosion,galaxy clusters,"
    "quantum computing,risk assessment,"
    "child nutrition,urban growth,trade flows,supply chains,speech recognition,object tracking,"
    "fault tolerance"
)
METHODS: tuple[str, ...] = _split(
    "A survey of,Efficient methods for,On the complexity of,A new approach to,Learning,"
    "Adaptive,A comparison of,"
    "An empirical study of,Towards scalable,Robust,A framework for,Bayesian analysis of,"
    "Fast algorithms for,"
    "The role of,Measuring,Effects of,Modelling,An introduction to,Evaluation of,Understanding,Automatic"
)
VENUES: tuple[tuple[str, ...], ...] = (
    ("Proceedings of the International Conference on Management of Data", "SIGMOD Conference", "SIGMOD"),
    ("Very Large Data Bases", "VLDB", "VLDB Journal"),
    ("Transactions on Database Systems", "TODS", "ACM Trans. Database Syst."),
    ("Journal of Machine Learning Research", "JMLR", "J. Mach. Learn. Res."),
    ("Annals of Statistics", "Ann. Statist.", "Ann Stat"),
    ("British Medical Journal", "BMJ", "Br Med J"),
    ("American Economic Review", "AER", "Am. Econ. Rev."),
    ("Journal of Clinical Oncology", "J Clin Oncol", "JCO"),
    ("International Journal of Epidemiology", "Int J Epidemiol", "IJE"),
    ("Knowledge and Information Systems", "KAIS", "Knowl. Inf. Syst."),
    ("Proceedings of the National Conference on Artificial Intelligence", "AAAI", "Proc. AAAI"),
    ("Physical Review Letters", "Phys. Rev. Lett.", "PRL"),
)
FIELDS: tuple[str, ...] = _split(
    "Computer Science,Mathematics,Physics,Chemistry,Biology,Economics,History,Law,Medicine,"
    "Psychology,Statistics,"
    "Electrical Engineering,Mechanical Engineering,Sociology,Philosophy,Geography,Linguistics,"
    "Public Health,"
    "Information Systems,Education,Surgery,Pharmacology,Architecture,Political Science"
)
COUNTRIES: tuple[str, ...] = _split(
    "Germany,France,Italy,Spain,Poland,Sweden,Norway,Denmark,Austria,Greece,Turkey,Egypt,Kenya,"
    "Nigeria,Ghana,India,"
    "China,Japan,Korea,Thailand,Vietnam,Australia,New Zealand,Canada,United States,Mexico,"
    "Brazil,Argentina,Chile,"
    "Peru,Colombia,Cuba,Ireland,United Kingdom,Portugal,Belgium,Netherlands,Switzerland,"
    "Hungary,Romania,Bulgaria,"
    "Serbia,Croatia,Slovenia,Slovakia,Ukraine,Russia,Iran,Iraq,Israel,Jordan,Lebanon,Morocco,"
    "Tunisia,Algeria,Niger,"
    "Guinea,Guinea-Bissau,Equatorial Guinea,Mali,Malawi,Austria-Hungary,Dominica,"
    "Dominican Republic,North Korea"
)
MATERIALS: tuple[str, ...] = _split(
    "cotton,wool,silk,linen,iron,steel,copper,zinc,tin,lead,wood,paper,glass,leather,rubber,"
    "clay,stone,plastic,"
    "synthetic fibres,straw,bone,horn,wax,aluminium,brass,silver"
)
ARTICLES: tuple[str, ...] = _split(
    "fabrics,yarn,thread,pipes,wire,sheets,bars,plates,boxes,bottles,hats,gloves,shoes,belts,"
    "buttons,tools,knives,"
    "nails,screws,chains,ropes,bags,toys,furniture,lamps,clocks,instruments,machines,vessels,"
    "tiles,bricks,brushes"
)
FILM_GENRES: tuple[str, ...] = _split(
    "Drama,Comedy,Thriller,Horror,Western,Crime,Romance,Documentary,Animation"
)
GENRES: tuple[str, ...] = _split(
    "Rock,Pop,Jazz,Classical,Folk,Blues,Country,Metal,Electronic,Soul,Reggae,Punk,Hip Hop"
)
CUISINES: tuple[str, ...] = _split(
    "Italian,Chinese,Indian,Mexican,French,Thai,Japanese,Greek,Steakhouse,Seafood,Vegetarian,"
    "Pizza,Cafe,Bakery,Diner"
)
# one word in several languages: a head word may be translated
TRANSLATED: tuple[tuple[str, ...], ...] = (
    ("Hospital", "Krankenhaus", "Hôpital", "Ospedale", "Szpital"),
    ("University", "Universität", "Université", "Universidad", "Università", "Uniwersytet"),
    ("Museum", "Musée", "Museo", "Muzeum"),
    ("Library", "Bibliothek", "Bibliothèque", "Biblioteca", "Biblioteka"),
    ("School", "Schule", "École", "Escuela", "Scuola", "Szkoła"),
    ("Institute", "Institut", "Instituto", "Istituto", "Instytut"),
    ("Academy", "Akademie", "Académie", "Academia", "Accademia"),
    ("Church", "Kirche", "Église", "Iglesia", "Chiesa", "Kościół"),
    ("Bridge", "Brücke", "Pont", "Puente", "Ponte", "Most"),
    ("Lake", "See", "Lac", "Lago", "Jezioro"),
    ("Castle", "Burg", "Château", "Castillo", "Castello", "Zamek"),
    ("Station", "Bahnhof", "Gare", "Estación", "Stazione", "Dworzec"),
    ("Bank", "Banque", "Banco", "Banca"),
    ("Theatre", "Theater", "Théâtre", "Teatro", "Teatr"),
    ("Ministry", "Ministerium", "Ministère", "Ministerio", "Ministero"),
    ("Foundation", "Stiftung", "Fondation", "Fundación", "Fondazione", "Fundacja"),
)
