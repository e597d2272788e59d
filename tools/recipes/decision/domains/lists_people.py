"""Listed words about people: names, their short forms, towns, streets and work."""

from __future__ import annotations


def _split(text: str, between: str = " ") -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split(between))


GIVEN: dict[str, tuple[str, ...]] = {
    "english": _split(
        "James John William Robert Thomas George Charles Henry Edward Michael David Richard Joseph Samuel "
        "Daniel Andrew Peter Paul Mark Stephen Oliver Jack Harry Arthur Albert Alfred Walter Ernest "
        "Frederick Francis Mary Elizabeth Margaret Sarah Jane Anne Emily Alice Emma Charlotte Catherine "
        "Helen Grace Ruth Florence Susan Linda Karen Jennifer Jessica Amy Laura Rebecca Rachel Hannah "
        "Olivia Sophie Lucy Ella Eleanor Benjamin Alexander Nicholas Christopher Matthew Anthony Patricia "
        "Barbara Deborah Victoria Abigail"
    ),
    "german": _split(
        "Hans Karl Heinrich Wilhelm Friedrich Johann Jakob Georg Otto Klaus Jürgen Günther Wolfgang Dieter "
        "Stefan Matthias Uwe Lukas Anna Maria Elisabeth Katharina Margarete Ursula Ingrid Helga Sabine "
        "Petra Monika Claudia Heike Birgit Gertrud Käthe Lena Frieda Johanna Sophia Martin Ludwig Ernst "
        "Franz Josef"
    ),
    "french": _split(
        "Jean Pierre Louis François Jacques Michel André Philippe Henri René Étienne Gérard Luc Thierry "
        "Hélène Marie Jeanne Anne Françoise Monique Catherine Isabelle Nathalie Sylvie Chloé Amélie Léa "
        "Camille Élodie Jean-Luc Jean-Paul Marie-Claire Antoine Guillaume Mathieu Benoît Cécile Céline"
    ),
    "spanish": tuple(
        "José Juan Antonio Manuel Francisco Luis Miguel Jesús Carlos Pedro Javier Rafael Ángel Diego Pablo "
        "María Carmen Ana Isabel Dolores Pilar Teresa Rosa Lucía Elena Cristina Marta Sofía Paula Raquel "
        "José Luis,María José,Juan Carlos,Ana María".replace(",", " ").split()
    ),
    "italian": _split(
        "Giuseppe Giovanni Antonio Mario Luigi Francesco Angelo Vincenzo Pietro Salvatore Carlo Franco "
        "Paolo Maria Anna Rosa Angela Giovanna Teresa Lucia Carmela Caterina Francesca Chiara Giulia Elisa "
        "Paola"
    ),
    "slavic": _split(
        "Jan Piotr Andrzej Krzysztof Tomasz Stanisław Ivan Petr Pavel Jiří Milan Dmitri Sergei Vladimir "
        "Andriy Oleksandr Bohdan Mikhail Nikola Marko Anna Katarzyna Małgorzata Agnieszka Jana Olga Natalia "
        "Tatiana Svetlana Irina Marija Milica Jovana Zuzana Lenka Oksana Iryna"
    ),
    "nordic": _split(
        "Lars Anders Per Erik Karl Nils Ole Jens Hans Søren Bjørn Olav Gunnar Sven Mikkel Anna Kristina "
        "Ingrid Karin Birgitta Astrid Liv Solveig Kirsten Inger Åse Märta Elin Freja Maja"
    ),
    "turkic": _split(
        "Mehmet Mustafa Ahmet Ali Hüseyin Hasan İbrahim Osman Murat Emre Kemal Fatma Ayşe Emine Hatice "
        "Zeynep Elif Meryem Esra Aylin Gülay Yusuf Ömer"
    ),
    "indic": _split(
        "Rajesh Amit Sanjay Rahul Vijay Suresh Anil Ravi Arjun Krishna Mohammed Priya Sunita Anita Pooja "
        "Lakshmi Deepa Kavita Meena Asha Neha Rani Gopal Ramesh Mahesh Dinesh"
    ),
    "romaji": _split(
        "Hiroshi Takashi Kenji Akira Satoshi Makoto Yuki Kazuo Haruto Sota Yoko Keiko Akiko Sakura Yui Aoi "
        "Mei Naoko Emi Tomoko Shigeru Minoru Kiyoshi"
    ),
}

SURNAMES: dict[str, tuple[str, ...]] = {
    "english": _split(
        "Smith Jones Williams Brown Taylor Davies Evans Wilson Thomas Johnson Roberts Walker Wright "
        "Robinson Thompson White Hughes Edwards Green Hall Wood Harris Lewis Martin Jackson Clarke Clark "
        "Turner Hill Scott Cooper Morris Ward Moore King Watson Baker Harrison Morgan Patel Young Allen "
        "Mitchell James Anderson Phillips Lee Bell Parker Davis Bennett Miller Cook Shaw Cox Stone Fletcher "
        "Nicholson Macdonald McKenzie O'Brien O'Connor Murphy Kelly Ryan Sullivan Carter Collins Reid Gray "
        "Hunter Marshall Palmer"
    ),
    "german": _split(
        "Müller Schmidt Schneider Fischer Weber Meyer Maier Wagner Becker Schulz Schulze Hoffmann Schäfer "
        "Koch Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann "
        "Lange Werner Krause Lehmann Köhler Herrmann König Walter Huber Kaiser Fuchs Peters Lang Scholz "
        "Möller Weiß"
    ),
    "french": _split(
        "Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefebvre "
        "Michel Garcia Bertrand Roux Vincent Fournier Morel Girard André Mercier Dupont Lambert Bonnet "
        "François Legrand Gauthier Perrin Lefèvre Besson Giraud"
    ),
    "spanish": _split(
        "García González Rodríguez Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz "
        "Hernández Díaz Moreno Muñoz Álvarez Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Ramos "
        "Gil Ramírez Serrano Blanco Molina Morales Suárez Ortega Delgado Castro Ortiz Rubio Marín Sanz "
        "Núñez"
    ),
    "italian": _split(
        "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti Costa "
        "Giordano Mancini Rizzo Lombardi Moretti Barbieri Fontana Santoro Mariani Rinaldi Caruso Ferrara "
        "Galli"
    ),
    "slavic": _split(
        "Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Novák Svoboda Novotný "
        "Dvořák Ivanov Petrov Smirnov Kuznetsov Popov Shevchenko Bondarenko Kovalenko Melnyk Jovanović "
        "Petrović Horvat Marković Kravchenko Tkachenko Bondar Koval"
    ),
    "nordic": _split(
        "Hansen Johansen Olsen Larsen Andersen Nielsen Jensen Pedersen Kristensen Johansson Andersson "
        "Karlsson Nilsson Eriksson Larsson Berg Lund Haugen Dahl Bakken Lindberg Nyström Sørensen Rasmussen"
    ),
    "turkic": _split("Yılmaz Kaya Demir Çelik Şahin Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç"),
    "indic": _split(
        "Sharma Singh Kumar Gupta Patel Shah Khan Reddy Rao Das Mehta Iyer Nair Verma Joshi Mishra Ghosh"
    ),
    "romaji": _split(
        "Sato Suzuki Takahashi Tanaka Watanabe Ito Yamamoto Nakamura Kobayashi Kato Yoshida Yamada Sasaki "
        "Yamaguchi Matsumoto Inoue Kimura Hayashi Shimizu Saito Mori Abe Ikeda Hashimoto"
    ),
}

NICKNAMES: dict[str, str] = dict(
    pair.split(":")
    for pair in _split(
        "James:Jim John:Jack William:Bill Robert:Bob Thomas:Tom Charles:Charlie Henry:Harry Edward:Ted "
        "Michael:Mike David:Dave Richard:Dick Joseph:Joe Samuel:Sam Daniel:Dan Andrew:Andy Stephen:Steve "
        "Frederick:Fred Francis:Frank Elizabeth:Betty Margaret:Peggy Sarah:Sally Catherine:Kate Susan:Sue "
        "Jennifer:Jenny Jessica:Jess Rebecca:Becky Benjamin:Ben Alexander:Alex Nicholas:Nick "
        "Christopher:Chris Matthew:Matt Anthony:Tony Patricia:Pat Barbara:Barb Deborah:Debbie "
        "Victoria:Vicky Abigail:Abby Johann:Hans Heinrich:Heinz Wilhelm:Willi Friedrich:Fritz Josef:Sepp "
        "Elisabeth:Lisbeth Katharina:Käthe Margarete:Grete Johanna:Hanna Francisco:Paco José:Pepe "
        "Dolores:Lola Giuseppe:Peppe Luigi:Gigi Salvatore:Totò Andrzej:Andrey Krzysztof:Krzys "
        "Małgorzata:Gosia Katarzyna:Kasia Dmitri:Dima Oleksandr:Sasha Vladimir:Vova Tatiana:Tanya "
        "Natalia:Natasha Andriy:Andrii Iryna:Irina Mikhail:Misha"
    )
)

TOWNS: tuple[str, ...] = _split(
    "London,Leeds,Bristol,Reading,Sheffield,York,Norwich,Cardiff,Glasgow,Aberdeen,Dublin,Cork,Berlin,"
    "Hamburg,München,Köln,Stuttgart,Leipzig,Dresden,Bremen,Hannover,Wien,Graz,Zürich,Basel,Paris,Lyon,"
    "Marseille,Lille,Nantes,Toulouse,Madrid,Sevilla,Valencia,Bilbao,Lisboa,Porto,Roma,Milano,Torino,"
    "Napoli,Bologna,Warszawa,Kraków,Poznań,Praha,Brno,Budapest,Zagreb,Beograd,Oslo,Bergen,Stockholm,"
    "Göteborg,København,Aarhus,Helsinki,Springfield,Portland,Columbus,Austin,Denver,Boston,Newport,"
    "Salem,Richmond,Madison,Arlington,Ottawa,Halifax,San José,Santa Cruz,Córdoba,Ankara,Izmir,Pune,"
    "Chennai,Osaka,Nagoya,Kobe,Sapporo",
    ",",
)

STREETS: dict[str, tuple[str, ...]] = {
    "english": ("Street", "Road", "Avenue", "Lane", "Drive", "Close", "Court", "Place", "Way", "Crescent"),
    "german": ("straße", "weg", "allee", "gasse", "platz", "ring"),
    "french": ("rue", "avenue", "boulevard", "place", "chemin", "impasse"),
    "spanish": ("Calle", "Avenida", "Plaza", "Paseo", "Camino"),
    "italian": ("via", "viale", "piazza", "corso"),
    "slavic": ("ul.", "aleja", "plac", "nám."),
}

SHORT: dict[str, str] = dict(
    pair.split(":")
    for pair in _split(
        "Street:St Road:Rd Avenue:Ave Lane:Ln Drive:Dr Close:Cl Court:Ct Place:Pl Crescent:Cres "
        "boulevard:bd avenue:av Calle:C/ Avenida:Avda Plaza:Pza piazza:p.za North:N South:S East:E West:W "
        "Saint:St Department:Dept University:Univ Institute:Inst Company:Co Limited:Ltd Corporation:Corp "
        "Incorporated:Inc Brothers:Bros Manufacturing:Mfg International:Intl National:Natl "
        "Association:Assoc Laboratory:Lab Technology:Tech Engineering:Eng Science:Sci Journal:J "
        "Proceedings:Proc Conference:Conf Review:Rev Research:Res Studies:Stud Letters:Lett Volume:Vol "
        "Edition:Ed Series:Ser Number:No Hospital:Hosp Center:Ctr Centre:Ctr Building:Bldg Apartment:Apt "
        "Floor:Fl Mount:Mt Fort:Ft Services:Svcs Management:Mgmt Development:Dev Government:Govt "
        "General:Gen Professional:Pro Standard:Std Black:Blk Software:SW Systems:Sys System:Sys and:& "
        "Inches:in Bottle:Btl Package:Pkg Stainless:SS Tablets:Tabs"
    )
)

WORK: tuple[str, ...] = _split(
    "farmer labourer teacher nurse clerk carpenter tailor blacksmith baker butcher weaver miner servant "
    "cook driver engineer accountant lawyer doctor pharmacist painter mason plumber electrician sailor "
    "soldier merchant shopkeeper waiter hairdresser gardener journalist musician actor priest student "
    "retired secretary manager mechanic programmer architect dentist librarian translator policeman "
    "fisherman"
)

MAIL: tuple[str, ...] = (
    "gmail.com",
    "yahoo.com",
    "hotmail.com",
    "outlook.com",
    "web.de",
    "gmx.net",
    "orange.fr",
    "mail.com",
)
