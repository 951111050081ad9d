"""`ContrastiveEncoder`: a scikit-learn transformer that learns its features by contrast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from contrapose.data import Images, Rows, Samples
from contrapose.data.images.pixels.other_white import warn_of_pixels
from contrapose.data.source import MakeViews
from contrapose.embedder import pick_device
from contrapose.encoders import Encoder, ImageEncoder, RowEncoder, Start, starting_point
from contrapose.errors import ArgumentError
from contrapose.estimator.configuration import configure
from contrapose.estimator.first_weights import begun, untrained, usual_encoder
from contrapose.estimator.frozen import from_bytes, to_bytes
from contrapose.estimator.inputs import open_pictures, with_targets
from contrapose.estimator.kinds import IN_WORDS, kind_of_samples, opened_as
from contrapose.methods import METHODS, Method
from contrapose.modalities import modality_of
from contrapose.training.in_memory import train_in_memory
from contrapose.views import ViewGenerator
from contrapose.views.prepared import PreparedViews
from contrapose.views.rows import RowViews
from contrapose.views.rows.features import FeatureCorruption

ROWS_AT_A_TIME = 2048  # bounds the memory of `transform`
_OF_TABLES = ("scaler_", "n_features_in_", "feature_names_in_")


class ContrastiveEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Features of a table, of pictures, texts, graphs or sequences, learned by telling views of a sample from others.

    Tables: columns are standardised; a view of a row has random values replaced by those of other rows (SCARF); the
    encoder is a perceptron. All others: views and encoders are those of `contrapose.train`. What comes out are
    the encoder's embeddings, before the projection head, not normalised.

    >>> features = ContrastiveEncoder(random_state=0).fit(X_all)                          # doctest: +SKIP
    >>> few = make_pipeline(features, LogisticRegression()).fit(X_labelled, y_labelled)   # doctest: +SKIP

    >>> reviews = ["arrived broken", "fits well", "broke at once", "a good fit"] * 8
    >>> ContrastiveEncoder("simclr", epochs=1, device="cpu", random_state=0).fit_transform(reviews).shape
    (32, 128)

    (A pipeline's `fit` fits the encoder again, on what it is given. To keep features learned from unlabelled data, wrap
    the fitted encoder in `sklearn.frozen.FrozenEstimator`.)

    Shapes:
        X: a table `(N, F)` of finite numbers, with or without column names; or pictures `(N, H, W)` or `(N, H, W, C)`;
            or a list of N paths, Pillow images or arrays; or N texts, in a list, an array or a series; or a list of
            graphs, of sequences or of histories of items as `contrapose.train` takes them; or `Samples` of any kind.
        transform: `(N, D)` float32.

    Arguments:
        method: a name from `contrapose.methods.METHODS`. "supcon" learns from `y`, in which -1 is "not labelled";
            the others take no notice of `y`. "selfcon" is for pictures,
            "simcse" for texts.
        epochs: passes over the data. [design] 20, seconds for thousands of rows; SCARF stops by a validation loss.
        batch_size: samples a step, at most all. 128: SCARF.
        learning_rate: peak of the schedule. 1e-3: SCARF's, with Adam.
        encoder: name of the backbone. None: "mlp" for tables, "small_conv" for pictures, "bag_of_words" for texts (or
            "transformer", "hf:NAME"), of other kinds as in `contrapose.train`.
        init: trained weights to start from, of any method: a run or encoder folder, "timm:NAME", "hf:NAME", an
            encoder (such as another estimator's `encoder_`) or what `contrapose.load` returns. Of pictures it
            brings channels, size and normalisation along, of texts their vocabulary; a table must have as many
            columns. None: new weights.
        encoder_options: arguments of the backbone, such as {"widths": [128, 128]}.
        method_options: options of the method, such as {"sigma": 2.0}, and of its optimiser (`OF_EVERY_RUN` in
            `configuration`); for all but tables also {"views": ...}, such as {"views": {"delete": 0.3}}.
        corruption_rate: of tables, the probability of a value to be replaced. 0.6: SCARF.
        image_size: of pictures, the working resolution in pixels. None: as `contrapose.data.open_data` chooses.
        image_fit: of pictures that are not square: "crop" keeps the central square, "pad" the whole picture.
        white: the value that is white in pictures deeper than 8 bits. None: decided by `fit`, by the range of all.
        max_length: of texts, how many tokens are read. 64: URLBERT, see `contrapose.encoders.texts`.
        device: where to train: "auto" (a GPU where there is one), "cpu", "cuda". An unpickled encoder is on the CPU.
        random_state: an integer makes fits repeat: on the CPU bit for bit, with the same number of threads.

    Attributes:
        encoder_: the trained encoder; `encoders.save_encoder` writes it.
        loss_curve_: mean loss of each epoch.
        scaler_: of tables, the `StandardScaler` before the encoder.
        n_features_in_, feature_names_in_: of tables, number and names of the columns.

    Errors:
        ArgumentError: an argument that cannot be used; a method that needs labels without `y`; something among texts
            that is none.
        DataError: pictures that cannot be read.
        ValueError: scikit-learn's, for tables that are no tables of finite numbers.

    Papers: SCARF, https://arxiv.org/abs/2106.15147; those of the methods.
    """

    def __init__(
        self,
        method: str = "mmcl",
        *,
        epochs: int = 20,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        encoder: str | None = None,
        init: Any = None,
        encoder_options: Mapping[str, Any] | None = None,
        method_options: Mapping[str, Any] | None = None,
        corruption_rate: float = 0.6,
        image_size: int | None = None,
        image_fit: str = "crop",
        white: float | None = None,
        max_length: int = 64,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.method = method
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.encoder = encoder
        self.init = init
        self.encoder_options = encoder_options
        self.method_options = method_options
        self.corruption_rate = corruption_rate
        self.image_size = image_size
        self.image_fit = image_fit
        self.white = white
        self.max_length = max_length
        self.device = device
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> ContrastiveEncoder:
        """Learn from `X`, and from `y` if the method does."""
        for name in _OF_TABLES:  # of an earlier fit on other data
            self.__dict__.pop(name, None)
        start = self._start()
        data = with_targets(self._opened(X, start), y, self.method)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        kind = start.name if start else self.encoder or usual_encoder(data.modality)
        config = configure(
            self.method,
            self.method_options,
            samples=len(data),
            classes=None if data.labels is None else [str(number) for number in range(int(data.labels.max()) + 1)],
            batch_size=self.batch_size,
            modality=data.modality,
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            encoder=kind,
            seed=seed,
        )
        options = self.encoder_options or {}
        encoder = begun(start, data) if start else untrained(data, config, options, max_length=self.max_length)
        self._rescale(encoder)
        device = pick_device(self.device)
        learner, views = config.new_learner(encoder), self._views(config, data, encoder)
        self.loss_curve_ = train_in_memory(learner, data, views, config, device=device)
        self.encoder_ = encoder.eval()
        if isinstance(data, Rows) and device.type != "mps":  # which has no float64
            self.encoder_.double()  # rounding then hides how many rows were embedded at a time
        self._n_features_out = encoder.dimension
        return self

    def transform(self, X: Any) -> Float[np.ndarray, "N D"]:
        """Embeddings of the samples, in order.

        Errors:
            ArgumentError: pictures for an encoder of tables, or the other way round.
        """
        check_is_fitted(self, "encoder_")
        fitted = self.encoder_.modality
        given = kind_of_samples(X, fitted)
        if fitted != given:
            learned, other = IN_WORDS[fitted], IN_WORDS[given]
            raise ArgumentError(f"This encoder was fitted on {learned} and was given {other}. Fit another one on it.")
        data: Samples
        if fitted == "image":
            kept = cast(ImageEncoder, self.encoder_)
            sizes = {"image_size": kept.image_size, "channels": kept.channels}
            data = open_pictures(X, **sizes, preparation=kept.preparation)
            warn_of_pixels(data, kept.preparation)
        elif fitted == "rows":
            data = Rows(torch.from_numpy(validate_data(self, X, reset=False, dtype=np.float64)))
        else:
            data = opened_as(fitted, X, self.encoder_)
        encoder: Encoder = self.encoder_
        parts = torch.arange(len(data)).split(ROWS_AT_A_TIME)
        views = (encoder.prepare(data.batch(part)).to(encoder.device) for part in parts)
        with torch.inference_mode():
            z = torch.cat([encoder(view).float().cpu() for view in views])  # (N, D)
        return z.numpy()

    def _opened(self, X: Any, start: Start | None) -> Samples:
        kind = kind_of_samples(X)
        if kind == "rows":
            return self._table(X)
        first = start.encoder() if start and kind == start.modality != "image" else None
        data = self._pictures(X, start) if kind == "image" else opened_as(kind, X, first)
        if len(data) < 2:
            raise ArgumentError(f"X has 1 sample: contrast needs at least 2. Give more {IN_WORDS[kind]}.")
        return data

    def _table(self, X: Any) -> Rows:
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)  # (N, F); one row has nothing to contrast
        if self.method_options and "views" in self.method_options:
            raise ArgumentError("method_options has 'views', which are of all but tables; these have corruption_rate=.")
        self.scaler_ = StandardScaler().fit(X)
        return Rows(torch.from_numpy(X))

    def _start(self) -> Start | None:
        if self.init is None:
            return None
        if self.encoder is not None or self.encoder_options is not None:
            raise ArgumentError("init brings its own encoder: leave out encoder and encoder_options.")
        return starting_point(self.init, image_size=self.image_size)

    def _pictures(self, X: Any, start: Start | None) -> Images:
        size, channels = (start.image_size, start.channels) if start else (self.image_size, None)
        fit, white = start.prepared(self.image_fit, self.white) if start else (self.image_fit, self.white)
        return open_pictures(X, image_size=size, channels=channels, fit=fit, white=white)

    def _views(self, config: Method, data: Samples, encoder: Encoder) -> MakeViews:
        if isinstance(data, Rows):
            options = RowViews(corruption_rate=self.corruption_rate, count=config.views.count)
            return PreparedViews(
                FeatureCorruption(options, cast(Tensor, encoder.prepare(data.values))), encoder.prepare
            )
        if isinstance(data, Images):
            return ViewGenerator(config.views, channels=data.channels, image_size=data.image_size)
        return config.views_for(modality_of(data).views(config.views, data, encoder), data, encoder)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.method in METHODS and bool(METHODS[self.method].about.needs_targets)
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "encoder_" in state:
            state["encoder_"] = to_bytes(state["encoder_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "encoder_" in state:
            state = {**state, "encoder_": from_bytes(state["encoder_"])}
        super().__setstate__(state)
        if "encoder_" in state:
            self._rescale(self.encoder_)

    def _rescale(self, encoder: Encoder) -> None:
        """Tables are scaled as this one, not as that of earlier weights (or, of an earlier version, not at all)."""
        if isinstance(encoder, RowEncoder):
            encoder.mean, encoder.scale = tuple(self.scaler_.mean_.tolist()), tuple(self.scaler_.scale_.tolist())
