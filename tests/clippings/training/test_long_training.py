"""The three losses are what they say, and a run of steps drawn by number goes on where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")

from clippings.errors import EncoderError, TrainingError  # noqa: E402
from clippings.long.convert import Plan, convert  # noqa: E402
from clippings.text.sentence_models import load_sentence_transformer  # noqa: E402
from clippings.training import attention_transfer  # noqa: E402
from clippings.training.attention_transfer import relayered, transfer_loss  # noqa: E402
from clippings.training.long_training import (  # noqa: E402
    FRESH,
    LongRecipe,
    StepCourse,
    contrast_loss,
    distil_loss,
    long_adamw,
    opened,
    trained,
)
from clippings.training.loop import run_course  # noqa: E402
from clippings.training.trainable import Trainable  # noqa: E402
from model_hub import parse  # noqa: E402
from tests.tiny_model import make_base  # noqa: E402


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("base"))


def model(base: Path, **plan) -> Trainable:
    torch.manual_seed(0)
    made = Trainable(convert(load_sentence_transformer(parse(base), "cpu"), Plan(**plan)), "made")
    made.model.eval()
    for module in made.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0  # so that runs can be compared
    return made


def short(n: int = 4) -> tuple:
    ids = torch.randint(5, 60, (n, 64), generator=torch.Generator().manual_seed(1))
    return ids, torch.tensor([64, 30, 12, 64])[:n]


def test_nothing_is_far_from_what_it_was_copied_from(base: Path) -> None:
    wide, near = model(base, window=64), model(base, window=2)
    with torch.no_grad():
        assert float(transfer_loss(wide, *short())) < 1e-9 and float(distil_loss(wide, *short())) < 1e-6
        assert float(transfer_loss(near, *short())) > 1e-6 and float(distil_loss(near, *short())) > 1e-6


def full(base: Path) -> Trainable:
    return model(base, mixers="full", own_short=False, window=8)


def test_layers_of_other_kinds_keep_the_weights_that_they_had(base: Path) -> None:
    taught = full(base)
    with torch.no_grad():
        for weight in taught.model.parameters():
            weight.add_(0.01 * torch.randn_like(weight))
    ids, lengths = short()
    tokens = {"input_ids": ids, "attention_mask": (torch.arange(64)[None] < lengths[:, None]).long()}
    with torch.no_grad():
        wanted = taught.vectors_of(tokens)
        for changes, same in (
            ({"mixers": ["window"] * 2, "window": 64}, True),
            ({"mixers": ["full", "based"], "window": 64, "gate": 0.0}, True),
            ({"mixers": ["full", "based"], "window": 64, "gate": 0.5}, False),
            ({"mixers": ["window"] * 2, "window": 2}, False),
        ):
            found = Trainable(relayered(taught.model, **changes), "made").vectors_of(tokens)
            assert bool(torch.allclose(found, wanted, atol=1e-5)) == same, changes
    with pytest.raises(EncoderError, match="exact attention"):
        relayered(
            Trainable(relayered(taught.model, mixers=["linear"] * 2), "made").model, mixers=["full"] * 2
        )


def test_branches_of_other_layers_begin_with_the_taught_queries_and_keys(base: Path) -> None:
    one, two = full(base), full(base)
    with torch.no_grad():
        two.model[0].auto_model.layers[1].mixer.query.weight.mul_(2)
    made = [relayered(some.model, mixers=["full", "linear"]).requires_grad_(False) for some in (one, two)]
    mixers = [some[0].auto_model.layers[1].mixer for some in made]
    product = [mixer._heads(mixer.feature_query.weight.T[None])[0, 0] for mixer in mixers]
    other = [mixer._heads(mixer.feature_key.weight.T[None])[0, 0] for mixer in mixers]
    first, second = (q @ k.T for q, k in zip(product, other, strict=True))
    assert float(first.abs().max()) > 1e-4 and torch.allclose(2 * first, second, atol=1e-5)


def test_linear_shares_learn_where_a_taught_encoder_looks(base: Path) -> None:
    taught = full(base)
    with torch.no_grad():
        for layer in taught.model[0].auto_model.layers:
            layer.mixer.query.weight.copy_(6 * layer.mixer.key.weight)  # each word looks at its like
            layer.mixer.query.bias.copy_(6 * layer.mixer.key.bias)
    torch.manual_seed(0)
    made = Trainable(relayered(taught.model, mixers=["window", "based"], window=2, gate=0.5), "made")
    named = trained(made, lambda name: "feature_" in name or "key_gate" in name)
    steps = torch.optim.Adam(named.values(), lr=1e-2)
    losses = []
    for _ in range(40):
        loss = transfer_loss(made, *short(), taught)
        steps.zero_grad()
        loss.backward()
        steps.step()
        losses.append(float(loss.detach()))
    assert 0 < losses[-1] < 0.8 * losses[0], losses
    with torch.no_grad():
        same = relayered(taught.model, mixers=["window"] * 2, window=64)
        assert float(transfer_loss(Trainable(same, "same"), *short(), taught)) < 1e-9
        near = relayered(taught.model, mixers=["window"] * 2, window=2)
        assert float(transfer_loss(Trainable(near, "near"), *short(), taught)) > 1e-3
    with pytest.raises(EncoderError, match="nothing to imitate"):
        transfer_loss(taught, *short(), taught)
    with pytest.raises(EncoderError, match="imitates full attention"):
        transfer_loss(made, *short(), Trainable(same, "same"))


def test_shares_are_compared_of_some_records_where_there_are_many(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught = full(base)
    made = Trainable(relayered(taught.model, mixers=["full", "linear"]), "made")
    for module in (*taught.model.modules(), *made.model.modules()):
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    ids, lengths = short()
    with torch.no_grad():
        every = float(transfer_loss(made, ids, lengths, taught))
        monkeypatch.setattr(attention_transfer, "PAIRS", 2 * 64 * 64)
        some = float(transfer_loss(made, ids, lengths, taught))
        twice = float(transfer_loss(made, ids[:2].repeat(2, 1), lengths[:2].repeat(2), taught))
        two = float(transfer_loss(made, ids[:2], lengths[:2], taught))
    assert every != pytest.approx(some, rel=1e-4) and two == pytest.approx(twice, rel=1e-4)


def test_a_branch_that_is_shut_is_opened_for_training_and_learns_faster(base: Path) -> None:
    made = model(base, window=8)
    body = made.model[0].auto_model
    gates = [mixer.gate for mixer in body.mixers() if mixer.kind == "based"]
    assert opened(made) and gates and all(bool((gate == 0.1).all()) for gate in gates)
    assert body.window_dropout == 0.1
    with torch.no_grad():
        gates[0].fill_(-0.7)
    assert opened(made) and bool((gates[0] == -0.7).all())  # one that has learned stays what it is
    groups = long_adamw(made.weights(), 1e-3, 0.01).param_groups
    height = {id(value): group["height"] for group in groups for value in group["params"]}
    assert len(height) == len(made.weights())
    assert height[id(gates[0])] == 10 and height[id(body.tokens.weight)] == 1
    assert not opened(Trainable(load_sentence_transformer(parse(base), "cpu"), "short"))


def test_padding_has_no_say_in_the_losses(base: Path) -> None:
    made = model(base, window=2, gate=0.5)
    ids, lengths = short()
    other = torch.where(torch.arange(64)[None] < lengths[:, None], ids, 7)
    with torch.no_grad():
        for loss in (transfer_loss, distil_loss):
            one, two = (float(loss(made, some, lengths)) for some in (ids, other))
            assert one == pytest.approx(two, abs=1e-6) and one > 1e-4


def test_contrast_is_small_where_pairs_are_equal(base: Path) -> None:
    made = model(base, window=8)
    ids = torch.randint(5, 60, (4, 100))
    mask = torch.ones_like(ids)
    with torch.no_grad():
        same, mixed = (
            float(contrast_loss(made, {"input_ids": torch.cat([ids, other]), "attention_mask": both}, 0.05))
            for other, both in ((ids, mask.repeat(2, 1)), (ids.flip(0), mask.repeat(2, 1)))
        )
    assert same < mixed
    unit = made.vectors_of({"input_ids": ids, "attention_mask": mask}).detach()
    score = unit @ unit.T / 0.05
    assert same == pytest.approx(float(-score.log_softmax(dim=1).diagonal().mean()), abs=1e-4)


def course(made: Trainable, steps: int = 6, seed: int = 0) -> tuple[StepCourse, list[int]]:
    named = trained(made, lambda name: ".layers." in name and any(part in name for part in FRESH))
    seen: list[int] = []

    def loss(step: int):
        seen.append(step)
        return transfer_loss(made, *short())

    recipe = LongRecipe(steps, epochs=2, learning_rate=1e-3, log_steps=1, seed=seed, save_steps=2)
    return StepCourse(made, named, loss, lambda: {"done": 1.0}, recipe), seen


def test_a_run_learns_and_leaves_held_weights_alone(base: Path, tmp_path: Path) -> None:
    made = model(base, window=2)
    before = {name: weight.detach().clone() for name, weight in made.model.named_parameters()}
    one, seen = course(made, 30)
    done = run_course(one, one.recipe, tmp_path / "run", score="done", keep_last=True)
    losses = [line["loss"] for line in done.history if "loss" in line]
    assert seen == list(range(30)) and losses[-1] < 0.99 * losses[0]
    moved = {name for name, weight in made.model.named_parameters() if not torch.equal(weight, before[name])}
    assert moved and moved <= set(one.named) and any(name.endswith("mixer.gate") for name in moved)


def test_an_interrupted_run_is_the_uninterrupted_one(base: Path, tmp_path: Path) -> None:
    whole, _ = course(model(base, window=2))
    run_course(whole, whole.recipe, tmp_path / "whole", score="done", keep_last=True)
    broken, _ = course(model(base, window=2))
    plain = broken.loss

    def fails(step: int):
        if step == 4:
            raise KeyboardInterrupt
        return plain(step)

    broken.loss = fails
    with pytest.raises(KeyboardInterrupt):
        run_course(broken, broken.recipe, tmp_path / "broken", score="done", keep_last=True)
    again, seen = course(model(base, window=2))
    run_course(again, again.recipe, tmp_path / "broken", score="done", resume=True, keep_last=True)
    assert seen == [4, 5]
    for name, weight in again.named.items():
        assert torch.allclose(weight, whole.named[name], atol=1e-7), name
    other, _ = course(model(base, window=2), seed=1)
    with pytest.raises(TrainingError, match="another folder"):
        run_course(other, other.recipe, tmp_path / "broken", score="done", resume=True, keep_last=True)


def test_fresh_weights_learn_faster_and_only_matrices_decay(base: Path) -> None:
    one, _ = course(model(base))
    for group in one.optimizer(one.named).param_groups:
        assert group["height"] == 10.0
        assert all((value.dim() > 1) is (group["weight_decay"] > 0) for value in group["params"])


def test_the_weights_of_another_model_are_refused(base: Path) -> None:
    one, _ = course(model(base))
    with pytest.raises(TrainingError, match="another model"):
        one.load_weights({"x": torch.zeros(1)})
