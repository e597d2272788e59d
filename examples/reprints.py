"""A newspaper archive: which articles of four papers are reprints of one story, abridged and misread."""

import pandas as pd

import linktransformer as lt

ELSEWHERE = (
    "The choir of the college sang at the fair, and the mayor gave out the prizes for the best apples and "
    "the longest rows of corn. A band from the coast played until the lamps were lit, and nobody was hurt "
    "when the roof of the tent came down in the wind. The prize for bread went to a baker of eleven years."
)


def main() -> None:
    """Find the reprints, count right ones, and find the story that a cutting is from."""
    data = lt.datasets.load_articles()
    articles = data.table.assign(story=data.truth["cluster"])
    length = articles.text.str.len()
    stories = articles.story.nunique()
    print(f"{len(articles)} articles of {stories} stories, {length.min()} to {length.max()} characters")

    # a paper prints a story once; no label, no model, no threshold
    reprints = lt.cluster(articles, on="text", one_per="paper")
    print(f"how long records were read: {reprints.report()['long']}")
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
    longest = found.loc[found.groupby("cluster").text.apply(lambda texts: texts.str.len().idxmax())]
    cutting = pd.DataFrame({"text": [ELSEWHERE, articles.text[7][120:620]]})
    links = lt.merge(cutting, longest, on="text", model="lexical")
    print("\nof two cuttings, one is from a paper that is not in the archive:")
    for row in links.itertuples():
        print(f"  {row.text_x[:60]!r}: {'none' if pd.isna(row.story) else f'story {row.story:.0f}'}")
    print(f"  the second one is of story {articles.story[7]}")


if __name__ == "__main__":
    main()
