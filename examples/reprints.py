"""A newspaper archive: which articles of four papers are reprints of one story, abridged and misread."""

import random

import pandas as pd

import linktransformer as lt

TOWNS = ["Dayton", "Peoria", "Macon", "Tulsa", "Salem", "Akron", "Boise", "Utica", "Selma", "Laredo"]
NAMES = ["Hayes", "Murdock", "Ellery", "Pruitt", "Tolman", "Vance", "Whitlow", "Sayre", "Kemper", "Loomis"]
WORKS = ["creamery", "cotton mill", "wagon works", "brick yard", "tannery", "foundry", "sawmill"]
EVENTS = ["fire", "flood", "strike", "auction", "explosion", "robbery", "inspection"]
SENTENCES = [
    "A {event} at the {work} of {name} and Sons in {town} kept the whole county talking on {day}.",
    "The loss is put at {n} dollars, of which the insurers will bear {m}.",
    "Mr. {name} told a reporter that {n} hands would be paid until the end of the month.",
    "The sheriff of {town} has asked for {m} deputies and does not expect to need them.",
    "According to witnesses the {event} began shortly after {m} o'clock in the east wing of the {work}.",
    "Judge {other} will hear the matter on {day}, and {n} persons have been called.",
    "The railway has set aside {m} cars for freight that was to leave {town} on {day}.",
    "Nothing like it has been seen in {town} since the {work} of {other} closed its doors.",
    "A subscription opened by Mrs. {name} had reached {n} dollars when this paper went to press.",
    "The {work} was built by {other} in 18{m}, and employed {n} men at its best.",
    "Governor {other} sent word that he would travel to {town} if the roads allow.",
    "It is said that the directors meet on {day} to decide whether the {work} will be moved from {town}.",
]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
STORIES, PAPERS = 40, ["Courier", "Herald", "Bee", "Sentinel"]


def story(draw: random.Random) -> list[str]:
    """The sentences of one story of the news wire, some 4,000 characters."""
    name, other = draw.sample(NAMES, 2)
    fixed = {"town": draw.choice(TOWNS), "name": name, "other": other}
    fixed |= {"work": draw.choice(WORKS), "event": draw.choice(EVENTS)}
    lines = [SENTENCES[0], *(line for _ in range(5) for line in draw.sample(SENTENCES[1:], 9))]
    return [
        line.format(**fixed, day=draw.choice(DAYS), n=draw.randint(100, 9999), m=draw.randint(11, 99))
        for line in lines
    ]


def printed(sentences: list[str], share: float, draw: random.Random) -> str:
    """An editor keeps a share of the sentences, in order; OCR misreads one letter in twenty."""
    kept = sorted(draw.sample(range(len(sentences)), round(share * len(sentences))))
    text = " ".join(sentences[at] for at in kept)
    return "".join(draw.choice("eoaclit.,") if draw.random() < 0.05 else letter for letter in text)


def archive(draw: random.Random) -> pd.DataFrame:
    """Articles of all papers: each story in one to four of them, whole, by half or by a third."""
    rows = []
    for number in range(STORIES):
        wire = story(draw)
        for paper in draw.sample(PAPERS, draw.randint(1, len(PAPERS))):
            rows.append((paper, number, printed(wire, draw.choice([1, 0.5, 0.35]), draw)))
    draw.shuffle(rows)
    return pd.DataFrame(rows, columns=["paper", "story", "text"])


def main() -> None:
    """Find the reprints, count right ones, and find the story that a cutting is from."""
    draw = random.Random(4)
    articles = archive(draw)
    length = articles.text.str.len()
    print(f"{len(articles)} articles of {STORIES} stories, {length.min()} to {length.max()} characters")

    # a paper prints a story once; no label, no model, no threshold
    reprints = lt.cluster(articles, on="text", one_per="paper")
    report = reprints.report()
    print(f"how long records were read: {report['long']}")
    found = articles.assign(cluster=reprints.label)
    pairs = found.merge(found, on="cluster").query("paper_x < paper_y")
    true = articles.merge(articles, on="story").query("paper_x < paper_y")
    right = (pairs.story_x == pairs.story_y).sum()
    print(f"pairs of reprints: {len(pairs)} found, {right} of them right, of {len(true)}")

    widest = found.groupby("cluster").size().idxmax()
    print("\nthe story that most papers have begins:")
    for row in found[found.cluster == widest].sort_values("paper").itertuples():
        print(f"  {row.paper:<9} {len(row.text):>5} characters  {row.text[:60]}")

    # a cutting of a few sentences without the name of its paper
    stories = found.loc[found.groupby("cluster").text.apply(lambda texts: texts.str.len().idxmax())]
    other = printed(story(random.Random(99)), 0.3, draw)
    cutting = pd.DataFrame({"text": [other, articles.text[7][120:620]]})
    links = lt.merge(cutting, stories, on="text", model="lexical")
    print("\nof two cuttings, one is from a paper that is not in the archive:")
    for row in links.itertuples():
        print(f"  {row.text_x[:60]!r}: {'none' if pd.isna(row.story) else f'story {row.story}'}")
    print(f"  the second one is of story {articles.story[7]}")


if __name__ == "__main__":
    main()
