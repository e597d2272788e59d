"""Every public name of linktransformer 0.1.18 has every argument that it had there."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.compat import old_arguments, old_clusters
from linktransformer.linking import keyed_model
from linktransformer.training import legacy_settings

M = "on model left_on right_on suffixes batch_size openai_key gemini_key"
JUDGE = f"""df1 df2 k {M} knn_sbert_model knn_api_model drop_sim_threshold judge_llm_model llm_provider
        llm_prompt llm_params confidence_threshold max_retries ratelimit_sleep_time"""
PAIRS = "df model left_on right_on openai_key gemini_key"
CLUSTERS = "df model on cluster_type cluster_params openai_key gemini_key"
OLD = {
    "merge": f"df1 df2 merge_type {M}",
    "merge_blocking": f"df1 df2 merge_type blocking_vars {M}",
    "merge_knn": f"df1 df2 k drop_sim_threshold {M}",
    "merge_range": f"df1 df2 sim_threshold {M}",
    "merge_k_judge": JUDGE,
    "merge_knn_with_llm": JUDGE,
    "merge_knn_openai": JUDGE,
    "aggregate_rows": "df ref_df model left_on right_on openai_key gemini_key",
    "evaluate_pairs": PAIRS,
    "all_pair_combos_evaluate": PAIRS,
    "cluster_rows": CLUSTERS,
    "dedup_rows": CLUSTERS,
    "classify_rows": """df on model num_labels label_map batch_size openai_key openai_topic openai_prompt
        openai_params progress_bar""",
    "transform_rows": """df on openai_key model openai_prompt openai_params batch_size output_column
        progress_bar""",
    "train_model": """data train_data val_data test_data model_path left_col_names right_col_names
        left_id_name right_id_name label_col_name clus_id_col_name clus_text_col_names config_path
        training_args log_wandb""",
    "train_clf_model": """data model on label_col_name train_data val_data test_data data_dir training_args
        config eval_steps save_steps batch_size lr epochs model_save_dir weighted_loss weight_list wandb_log
        wandb_name print_test_mistakes""",
    "create_new_train_config": """base_config_path config_save_path model_save_dir model_save_name
        train_batch_size num_epochs warm_up_perc learning_rate loss_type val_perc wandb_names
        add_pooling_layer opt_model_description opt_model_lang test_at_end save_val_test_pickles
        val_query_prop""",
    "LinkTransformer": """model_name_or_path modules device cache_folder use_auth_token
        opt_model_description opt_model_lang""",
    "LinkTransformer.save": """path model_name create_model_card train_datasets override_model_description
        override_model_lang safe_serialization""",
    "LinkTransformer.save_to_hub": """repo_name organization private commit_message local_model_path
        exist_ok replace_model_card train_datasets replace_all_contents retain_model_card""",
}


def taken(name: str) -> set[str]:
    """What a public name takes: its own arguments, and those that are translated for it."""
    function: Any = lt
    for part in name.split("."):
        function = getattr(function, part)
    names = set(inspect.signature(function).parameters)
    more: dict[str, set[str]] = {
        "merge": {*old_arguments.OF_MERGE, *keyed_model.KEYS},
        "merge_blocking": {"openai_key", "gemini_key"},
        "train_clf_model": {"model_save_dir", *legacy_settings.CLASSIFIER_WITHOUT_EFFECT},
        "create_new_train_config": {*legacy_settings.DEFAULTS, *legacy_settings.WITHOUT_EFFECT},
    }
    for verb, instead in (
        ("cluster_rows", old_clusters.old_cluster_rows),
        ("dedup_rows", old_clusters.old_dedup_rows),
    ):
        more[verb] = {*inspect.signature(instead).parameters, *keyed_model.KEYS}
    return names | more.get(name, set())


@pytest.mark.parametrize("name", OLD)
def test_every_argument_is_there(name: str) -> None:
    assert not set(OLD[name].split()) - taken(name)


TABLE = pd.DataFrame({"name": ["Acme Steel", "Acme Steel Co"], "other": ["Acme", "Zeller"]})
SIDES = {"left_on": "name", "right_on": "other"}
CALLS: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = [
    (lt.merge, (TABLE, TABLE), {"on": "name", "merge_type": "m:1"}),
    (lt.merge_blocking, (TABLE, TABLE), {"on": "name", "blocking_vars": ["other"]}),
    (lt.merge_knn, (TABLE, TABLE), {"on": "name"}),
    (lt.merge_range, (TABLE, TABLE), {"on": "name"}),
    (lt.aggregate_rows, (TABLE, TABLE), SIDES),
    (lt.evaluate_pairs, (TABLE,), SIDES),
    (lt.all_pair_combos_evaluate, (TABLE,), SIDES),
    (lt.cluster_rows, (TABLE,), {"on": "name", "cluster_type": "SLINK"}),
    (lt.dedup_rows, (TABLE,), {"on": "name", "cluster_type": "agglomerative"}),
    (lt.cluster_rows, (TABLE,), {"on": "name"}),
    (lt.dedup_rows, (TABLE,), {"on": "name"}),
]


@pytest.mark.parametrize(("verb", "tables", "named"), CALLS, ids=lambda value: getattr(value, "__name__", ""))
def test_every_verb_that_embeds_keeps_vectors_where_it_is_told_to(
    verb: Callable[..., Any], tables: tuple[Any, ...], named: dict[str, Any], tmp_path: Any
) -> None:
    class Model:
        cache_key = "letters 1"
        asked: list[str] = []  # noqa: RUF012 - counted over two objects of the class

        def encode(self, texts: list[str]) -> list[list[float]]:
            self.asked.extend(texts)
            return [[text.lower().count(letter) + 0.1 for letter in "acelmorstz"] for text in texts]

    first = verb(*tables, model=Model(), cache=tmp_path, **named)
    asked = len(Model.asked)
    assert asked and list(tmp_path.rglob("*.vectors"))
    again = verb(*tables, model=Model(), cache=tmp_path, **named)
    assert len(Model.asked) == asked  # nothing was encoded again
    pd.testing.assert_frame_equal(first, again)


def test_a_key_goes_with_the_name_of_a_remote_model_only(tmp_path: Any) -> None:
    found = keyed_model.keyed_model("text-embedding-3-small", "sk-secret1")
    assert found.name == "openai:text-embedding-3-small"
    assert "secret1" not in repr(vars(found))
    assert keyed_model.keyed_model("lexical") == "lexical"
    for model in (None, "lexical", "all-MiniLM-L6-v2", "org/name", str(tmp_path), object(), "gemini:x"):
        with pytest.raises(lt.InvalidArgumentError, match=r"openai_key= would send") as caught:
            lt.merge_knn(TABLE, TABLE, on="name", model=model, openai_key="sk-secret1")
        assert "secret1" not in str(caught.value)


@pytest.mark.parametrize("name", ["merge", "cluster_rows", "dedup_rows"])
def test_a_function_that_accepts_old_calls_can_be_sent_to_another_process(name: str) -> None:
    assert pickle.loads(pickle.dumps(getattr(lt, name))) is getattr(lt, name)
