"""kNN evaluation beside lightly's `knn_predict` and faiss: 50,000 rows in the bank, 10,000 asked, k = 200.

All arms normalise the rows, look at all of the bank in float32 or better, and vote with exp(cosine / 0.1); the share of
rows that they predict differently is compared. lightly's is asked in blocks, as its examples do with batches; faiss is
its exact index of inner products. The second row is all that `evaluate` reads off two sets of embeddings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from peers.lightly_import import lightly_knn_predict
from peers.row import OURS, Arm, Call, Row, Settings, Target, own_megabytes, time_of

BLOCK = 512  # rows lightly's is asked for at a time; 256 and 1,024 take as long, 128 and fewer longer
SMALL = 500
EACH = "contrapose, one by one"


def embeddings(settings: Settings) -> tuple[Any, Any, Any, Any]:
    """Bank `(N, D)` and its labels, rows asked `(T, D)` and theirs: classes that overlap, and columns that tell of each
    other, as those of encoders do."""
    import torch

    generator, d = torch.Generator().manual_seed(0), settings["dimensions"]
    centres = torch.randn(settings["classes"], d, generator=generator)
    turned = torch.linalg.qr(torch.randn(d, d, generator=generator))[0]  # (D, D)
    mix = turned / torch.arange(1, d + 1).sqrt()[:, None]  # (D, D): few directions hold most of the spread

    def some(count: int) -> tuple[Any, Any]:
        labels = torch.arange(count) % settings["classes"]  # (N,)
        rows = centres[labels] + settings["noise"] * torch.randn(count, d, generator=generator)  # (N, D)
        return rows @ mix, labels

    return (*some(settings["bank"]), *some(settings["asked"]))


def warmed(predict: Callable[[Any, Any, Any], Any], settings: Settings) -> Call:
    """`(bank, labels, asked) -> (T,)` predictions, after a small call."""
    import numpy as np

    bank, labels, asked, truth = embeddings(settings)
    predict(bank[:SMALL], labels[:SMALL], asked[:SMALL])

    def call() -> dict[str, Any]:
        predicted = np.asarray(predict(bank, labels, asked))
        return {"predictions": predicted, "accuracy": float((predicted == truth.numpy()).mean())}

    return call


def ours(settings: Settings) -> Call:
    from contrapose.evaluation import knn_predict

    k, temperature = settings["k"], settings["temperature"]
    return warmed(
        lambda bank, labels, asked: knn_predict(bank, labels, asked, k=min(k, len(bank)), temperature=temperature),
        settings,
    )


def of_lightly(settings: Settings) -> Call:
    import torch
    from torch.nn import functional

    knn_predict = lightly_knn_predict()

    def predict(bank: Any, labels: Any, asked: Any) -> Any:
        bank, asked = functional.normalize(bank, dim=1).T, functional.normalize(asked, dim=1)  # (D, N), (T, D)
        k, temperature = min(settings["k"], bank.shape[1]), settings["temperature"]
        found = [
            knn_predict(some, bank, labels, settings["classes"], k, temperature)[:, 0] for some in asked.split(BLOCK)
        ]
        return torch.cat(found)  # (T,)

    return warmed(predict, settings)


def of_faiss(settings: Settings) -> Call:
    import faiss
    import torch
    from torch.nn import functional

    faiss.omp_set_num_threads(settings["threads"])

    def predict(bank: Any, labels: Any, asked: Any) -> Any:
        index = faiss.IndexFlatIP(bank.shape[1])
        index.add(functional.normalize(bank, dim=1).numpy())
        rows = functional.normalize(asked, dim=1).numpy()
        similarity, near = map(torch.from_numpy, index.search(rows, min(settings["k"], len(bank))))  # (T, k), (T, k)
        weights = (similarity / settings["temperature"]).exp()
        votes = torch.zeros(len(asked), settings["classes"]).scatter_add_(1, labels[near], weights)  # (T, classes)
        return votes.argmax(1)

    return warmed(predict, settings)


def one_pass(settings: Settings) -> Call:
    """kNN, retrieval, uniformity and tolerance, of products that are formed once."""
    from contrapose.evaluation import neighbourhood

    k, temperature = settings["k"], settings["temperature"]

    def read(bank: Any, labels: Any, asked: Any, truth: Any) -> dict[str, Any]:
        found = neighbourhood(bank, labels, asked, truth, k=k, temperature=temperature)
        return {"kNN": found.knn.value, "uniformity": found.uniformity, "tolerance": found.tolerance}

    return read_of(read, settings)


def one_by_one(settings: Settings) -> Call:
    """The same by four functions. Uniformity and tolerance are of the rows asked alone."""
    from contrapose.evaluation import knn, retrieval, tolerance, uniformity

    k, temperature = settings["k"], settings["temperature"]

    def read(bank: Any, labels: Any, asked: Any, truth: Any) -> dict[str, Any]:
        nearest = knn(bank, labels, asked, truth, k=k, temperature=temperature)
        retrieval(asked, truth, bank, labels)
        uniformity(asked)
        tolerance(asked, truth)
        return {"kNN": nearest.value}

    return read_of(read, settings)


def read_of(read: Callable[..., dict[str, Any]], settings: Settings) -> Call:
    """After a small call."""
    rows = embeddings(settings)
    read(*(some[:SMALL] for some in rows))
    return lambda: read(*rows)


SETTINGS = {
    "bank": 50_000,
    "asked": 10_000,
    "dimensions": 256,
    "classes": 10,
    "noise": 5.0,
    "k": 200,
    "temperature": 0.1,
    "dtype": "float32",
}
QUICK = {"bank": 2_000, "asked": 600, "dimensions": 32, "k": 20}

ROWS = (
    Row(
        "knn",
        "kNN evaluation, 50,000 rows and 10,000 asked, 256 dimensions, k = 200",
        {OURS: Arm(ours), "lightly": Arm(of_lightly), "faiss": Arm(of_faiss)},
        SETTINGS,
        QUICK,
        (
            Target("time of lightly", time_of("lightly"), at_most=1.0),
            Target("time of faiss", time_of("faiss"), at_most=1.0),
            Target("MB beside what was held before", own_megabytes, at_most=300),
        ),
        60.0,
        5,
        tolerances={"predictions": 0.005},
    ),
    Row(
        "readings",
        "kNN, retrieval, uniformity and tolerance of 50,000 and 10,000 rows, 256 dimensions",
        {OURS: Arm(one_pass), EACH: Arm(one_by_one)},
        SETTINGS,
        QUICK,
        (Target("MB beside what was held before", own_megabytes, at_most=300),),
        20.0,
        3,
        tolerances={"kNN": 1e-9},
    ),
)
