"""LinkTransformer: a text model as an object, as in linktransformer 0.1.18."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from linktransformer.arrays import Floats
from linktransformer.compat.old_arguments import logger
from linktransformer.encoding import model_plan
from linktransformer.errors import ModelError
from linktransformer.optional import need

__all__ = ["LinkTransformer"]


class LinkTransformer:
    """A text model that is loaded once, for `merge(model=...)` and other functions.

    Args:
        model_name_or_path: A folder, "org/name@revision", the name of a bundled model, or an object with
            `encode`; None is the bundled model. Not used with `modules`.
        modules: Modules of sentence-transformers that make up the model.
        device: Device of a torch model; None takes a GPU if there is one.
        cache_folder: No effect; LINKTRANSFORMER_CACHE or HF_HOME names the folder.
        use_auth_token: No effect; a token is read from HF_TOKEN.
        opt_model_description: A sentence for the model card.
        opt_model_lang: Language or languages for the model card.

    Raises:
        ModelError: There is no such model.
        MissingExtraError: It needs a package that is not installed.

    Example:
        >>> LinkTransformer().encode(["tea", "coffee"]).shape
        (2, 384)
    """

    def __init__(
        self,
        model_name_or_path: str | os.PathLike[str] | None = None,
        modules: Sequence[object] | None = None,
        device: str | None = None,
        cache_folder: str | None = None,
        use_auth_token: bool | str | None = None,
        opt_model_description: str | None = None,
        opt_model_lang: str | Sequence[str] | None = None,
    ) -> None:
        if cache_folder is not None or use_auth_token is not None:
            logger.info("cache_folder= and use_auth_token= have no effect: see docs/old-scripts.md")
        if modules is not None:
            transformers = need("sentence_transformers", extra="cpu")
            model: model_plan.ModelLike = transformers.SentenceTransformer(
                modules=list(modules), device=device
            )
        else:
            model = model_name_or_path
        plan = model_plan.plan(model, device)
        if plan.encoder is None:
            raise ModelError(
                f"model_name_or_path={model_name_or_path!r} is not a model of texts. Give a text model."
            )
        self._encoder, self._model = plan.encoder, model
        self.name = plan.name
        self.serializer: Mapping[str, object] | None = plan.serializer.to_dict()
        self.decision: Path | None = getattr(plan.encoder, "decision", None)
        self._description, self._languages = opt_model_description, opt_model_lang

    def __repr__(self) -> str:
        return f"LinkTransformer({self.name!r})"

    def encode(self, texts: str | Sequence[str], batch_size: int | None = None) -> Floats:
        """Turn texts into vectors.

        Args:
            texts: Texts, or one of them.
            batch_size: Texts at a time; it does not change the vectors.

        Returns:
            (n_texts, dimension) float32 unit rows; (dimension,) of one text.
        """
        listed = [texts] if isinstance(texts, str) else list(texts)
        vectors = model_plan.embed(self._encoder, listed, batch_size=batch_size)
        return vectors[0] if isinstance(texts, str) else vectors

    def save(
        self,
        path: str | os.PathLike[str],
        model_name: str | None = None,
        create_model_card: bool = True,
        train_datasets: Sequence[str] | None = None,
        override_model_description: str | None = None,
        override_model_lang: str | Sequence[str] | None = None,
        safe_serialization: bool = True,
    ) -> str:
        """Write the model as a folder that `merge(model=...)` and `model_hub` read.

        Args:
            path: The folder; it is created, or must be empty.
            model_name: Its name; None for that of the folder.
            create_model_card: Whether it gets a README.md.
            train_datasets: What the model was trained on, for the model card; a manifest has it already.
            override_model_description: A sentence for the model card; None takes `opt_model_description`.
            override_model_lang: Language or languages for the model card; None takes `opt_model_lang`.
            safe_serialization: No effect: weights are always safetensors.

        Returns:
            The path.

        Raises:
            ModelError: The folder is not empty, or a model of this kind cannot be saved.
        """
        folder = Path(path).expanduser()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ModelError(f"path={os.fspath(path)!r} is not empty. Give a new folder.")
        if not safe_serialization:
            logger.info("safe_serialization=False has no effect: weights are never pickled")
        self._write(
            folder,
            model_name or folder.name,
            train_datasets,
            override_model_description or self._description,
            override_model_lang or self._languages,
        )
        if not create_model_card:
            (folder / "README.md").unlink(missing_ok=True)
        return os.fspath(path)

    def save_to_hub(
        self,
        repo_name: str,
        organization: str | None = None,
        private: bool | None = None,
        commit_message: str | None = None,
        local_model_path: str | os.PathLike[str] | None = None,
        exist_ok: bool | None = None,
        replace_model_card: bool | None = None,
        train_datasets: Sequence[str] | None = None,
        replace_all_contents: bool | None = None,
        retain_model_card: bool | None = None,
        *,
        revision: str | None = None,
        token: str | None = None,
    ) -> str:
        """Publish the model on the Hugging Face Hub, with its manifest and model card.

        Args:
            repo_name: "name", or "org/name".
            organization: The organisation, if `repo_name` has none.
            private: Whether a new repository is private.
            commit_message: No effect.
            local_model_path: A folder of `save` or `train_model` that is published instead of this model.
            exist_ok: No effect: an existing repository gets one more version.
            replace_model_card: No effect: the model card is rewritten, unless it was written by hand.
            train_datasets: What the model was trained on, for the model card; a manifest has it already.
            replace_all_contents: No effect: a version has only what was published.
            retain_model_card: No effect: a model card written by hand is kept, any other is rewritten.
            revision: A tag for this version.
            token: A key; None takes it from the environment.

        Returns:
            The pinned reference of this version.

        Raises:
            ModelError: There is no organisation, or the model cannot be saved.
            ModelHubError: The hub refuses the request, or cannot be reached.
        """
        from model_hub import publish

        old = {
            "commit_message": commit_message,
            "exist_ok": exist_ok,
            "replace_model_card": replace_model_card,
        }
        old |= {"replace_all_contents": replace_all_contents, "retain_model_card": retain_model_card}
        idle = [f"{argument}=" for argument, value in old.items() if value is not None]
        if idle:
            logger.info("%s: no effect, see docs/old-scripts.md", ", ".join(idle))
        name = f"{organization}/{repo_name}" if organization and "/" not in repo_name else repo_name
        if "/" not in name:
            raise ModelError(f"repo_name={repo_name!r} has no organisation. Give 'org/name'.")
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "model"
            if local_model_path is None:
                base = name.rpartition("/")[2]
                self._write(folder, base, train_datasets, self._description, self._languages)
            else:
                folder = Path(local_model_path).expanduser()
            reference = f"hf://{name}" + (f"@{revision}" if revision else "")
            return publish(folder, reference, token=token, private=private)

    def _write(
        self,
        folder: Path,
        name: str,
        datasets: Sequence[str] | None,
        description: str | None,
        lang: str | Sequence[str] | None,
    ) -> None:
        from linktransformer.training.run_folder import origin, versions
        from model_hub import ModelHubError, bundled_models, open_model, publish, seal

        model: Any = getattr(self._encoder, "model", None)  # of sentence-transformers
        if not callable(getattr(model, "save_pretrained", None)):  # a model with a manifest keeps it
            try:
                own = open_model(self.name if self.name in bundled_models() else cast("str", self._model))
            except (ModelHubError, TypeError) as error:
                raise ModelError(f"{self.name!r} cannot be saved: {error}") from error
            publish(own, folder.absolute())
            return
        folder.mkdir(parents=True, exist_ok=True)
        model.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)
        decision = None
        if self.decision is not None:
            decision = Path(shutil.copy(self.decision, folder)).name
        seal(
            folder,
            name=name,
            architecture="sentence-transformers",
            **origin(self.name),
            dimension=len(self.encode("a")),
            max_tokens=int(model.max_seq_length or 512),
            serializer=dict(self.serializer or {}),
            languages=[lang] if isinstance(lang, str) else list(lang or ()),
            decision=decision,
            description=description or "",
            trained_on={"datasets": list(datasets)} if datasets else {},
            task="record linkage",
            versions=versions(),
            created_by="linktransformer.LinkTransformer",
        )
