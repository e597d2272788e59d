"""The words of DeepKeyLink: common ones, in lists that do not overlap."""

from __future__ import annotations

_SURNAMES = """
    archer baker bishop butler carter chandler collins cook cooper craig dawson dixon edwards ellis
    evans ferguson fisher fletcher foster fowler fraser gardner gibson graham grant greene griffin
    hamilton harper harris harvey henderson hill holmes howard hughes hunter jackson jenkins johnson
    kelly kennedy lawrence lewis marshall mason miller mitchell morgan murphy nelson palmer parker
    patterson perry peterson phillips potter powell reynolds richards roberts robinson rogers
    russell sanders sawyer shepherd simpson slater smith stewart stone sullivan taylor thompson
    turner wagner walker wallace watson weaver webster wheeler williams wilson woods wright
"""
_PLACES = """
    aberdeen albany atlanta augusta austin baltimore bangor belfast boston bradford brighton bristol
    cambridge canterbury cardiff carlisle charleston chester chicago cincinnati cleveland concord
    cork dallas denver derby detroit dover dublin dundee durham edinburgh exeter galway glasgow
    gloucester halifax hartford hereford houston inverness lancaster leeds leicester limerick
    lincoln liverpool london louisville manchester memphis milwaukee mobile nashville newcastle
    newport norfolk nottingham oxford paris perth phoenix plymouth portland portsmouth preston
    providence raleigh richmond sacramento salem salisbury savannah sheffield southampton suffolk
    swansea trenton winchester worcester york
"""
_HOUSES = """
    anchor angel apple arrow barrel bear bell boar bottle bridge bull castle chain chair cherry
    clock cloud coach compass cross crown cup dolphin dragon drum eagle feather fiddle flag fountain
    fox garden gate glove goat golden grape hammer harp hart hat hawk horn horse kettle key king
    ladder lamb lamp lion maiden mirror moon mouse nest oak orange pearl pigeon plough queen rainbow
    raven ring rose saddle ship shovel spear spoon squirrel star sun swan sword tiger tower tree
    trumpet wheel windmill wolf
"""
_MARKS = """
    alpha beta gamma delta epsilon zeta theta kappa lambda sigma omega alder birch cedar elm hazel
    holly ivy juniper laurel maple pine willow amber coral crystal jade opal ruby silver copper iron
    cobalt crimson purple scarlet violet azure ivory ebony
"""
_FILLER = """
    the of and to in a that which this for with by on at from was were had has been shall may such
    any other said same aforesaid court county parish office record book page volume entry year
    month day date hand seal paper letter account sum pounds money debt rent land field meadow farm
    mill river road house barn wall door window church market street corner village district winter
    summer spring autumn morning evening weather rain snow harvest corn wheat cattle sheep horses
    wool cloth linen cotton trade goods cargo vessel harbour coast captain crew voyage port duty
    customs tax list register copy original notice hearing matter cause case order bill act law
    right claim title deed will estate heir widow son daughter brother sister child father mother
    family name person people man woman servant labourer tenant owner master mistress doctor teacher
    school lesson reading writing number measure weight price value sale purchase payment receipt
    balance interest bank loan bond share company society meeting member vote report committee
    council mayor officer guard soldier army battle war peace treaty news story column article press
    ink type sheet edition reader public opinion speech party election canal railway engine coal
    brick timber nail rope oil candle fire water well orchard fruit flower seed plant wood forest
    valley north south east west great small old new long short good bad high low first last many
    few several also then there here when where while after before under over between against
    without within upon about
"""
SUBJECT = "subject"
_ROLES = "witness clerk notary neighbour printer surveyor guardian creditor"
ROLES = (SUBJECT, *_ROLES.split())
FIELDS = {"surname": _SURNAMES.split(), "place": _PLACES.split(), "house": _HOUSES.split()}
MARKS = _MARKS.split()
FILLER = _FILLER.split()
_MISREAD = "e=c c=e l=1 o=0 i=l n=u u=n h=b b=h t=f f=t s=5 a=o r=n m=n g=q y=v v=y d=cl w=vv"
TAKEN_FOR = dict(pair.split("=") for pair in _MISREAD.split())
