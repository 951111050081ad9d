"""`contrapose evaluate`: is the encoder any good, beside the floors it has to beat?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from contrapose.commands.evaluate_robust import asked_of_robustness
from contrapose.commands.evaluated_arms import measured_arms
from contrapose.commands.evaluated_run import asks_only, config_of_run, data_of_run, samples_of_run
from contrapose.commands.evaluation import Evaluation
from contrapose.commands.evaluation_notes import given_away, seen
from contrapose.commands.reading import Reading
from contrapose.commands.report_data import sources_of
from contrapose.commands.run_classifier import classifier_of, heads_of
from contrapose.commands.unwritten import kept_if_unwritten
from contrapose.embedder import load
from contrapose.encoders.texts.trained_matcher import load_matcher
from contrapose.evaluation import diagnose
from contrapose.tasks import Attacks, Given, Review, Targets, check_one_task, task_for
from contrapose.training.run_folder import RunFolder


def evaluate(
    run: str | Path,
    *,
    data: Any = None,
    test_data: Any = None,
    task: str | None = None,
    limit: int | None = None,
    white: float | None = None,
    k: int = 20,
    full: bool = False,
    seed: int = 0,
    device: str = "cpu",
    diagnosis: bool = False,
    robust: bool = False,
    eps_l2: float = 0.5,
    eps_linf: float = 8 / 255,
    attack_steps: int | None = None,
    restarts: int = 3,
    patch_area: float = 0.03,
    perturbation: Sequence[str | Path] = (),
    repair: str | Path | None = None,
    ood: Any = None,
    image_column: str | None = None,
    text_column: str | None = None,
    user_column: str | None = None,
    item_column: str | None = None,
    time_column: str | None = None,
    label_column: str | None = None,
    labels: Any = None,
    number_column: str | None = None,
    numbers: Any = None,
    pair_columns: Sequence[str] | None = None,
    label_texts: Sequence[str] | None = None,
    prompts: Sequence[str] | None = None,
    head_weight: float | str | None = None,
    masks: Any = None,
    void: Sequence[int] | None = None,
    bias_column: str | None = None,
    mask_seen: bool = False,
    quiet: bool = False,
) -> Evaluation:
    """Measure a run's encoder, an untrained one of the same architecture, and raw pixels (or what is the floor of its
    kind of data) by the same protocol.

    The task is the one that fits: one-shot runs of the embedded characters; ranking, of items; zero-shot, by
    `label_texts`; of two towers retrieval of pairs, or prompts, where pictures have classes; classification, of a
    classifier; scored pairs; regression, of a number; dense, where pictures have masks and no labels; else the labelled
    table: kNN and a linear probe. What is learned is learned on one part and tested once on the other.

    Arguments:
        run: run folder, or that of a stage in it (or encoder folder, when `data` is given). The result is also written
            to its `evaluation.json`, and the scores of each item to `evaluation_items.npz`, for `contrapose compare`.
        data: what `--data` takes, or arrays, with labels, numbers or scores; None: the run's own.
        test_data: data to test on; None: a fifth of `data`, drawn class by class, exact copies kept together.
        task: the name of one of `contrapose.tasks.TASKS`; None: the one that fits.
        limit: use at most so many samples of each.
        white: the value that is white in pictures deeper than 8 bits; None: as the encoder keeps it.
        k: neighbours of kNN.
        full: also probes with 1, 5 and 10 labels a class, retrieval and clustering (minutes on thousands of samples).
        seed: of the split, of the untrained weights and of the bootstrap.
        diagnosis: also diagnose the trained encoder's embeddings of the test part.
        robust: measure a classifier of pictures after attacks, other encoders of pictures and towers under changes;
            eps_l2, eps_linf, attack_steps, restarts, patch_area: of these, white being 1.
        perturbation, repair: runs of `attack` to measure too, and of `repair invertune` that looked into the towers.
        ood: data of another kind of thing, for the task out-of-distribution.
        device: where to embed: `"cpu"`, `"cuda"`, `"mps"` or `"auto"`.
        image_column, text_column, user_column, item_column, time_column, label_column, labels: of both data; None: as
            in the run's own data, else those with usual names. Samples without a label are left out, and counted.
        number_column, numbers: the column of numbers to predict (of pairs: of the scores), or one number a sample.
        pair_columns: the two columns of pairs; None: those with usual names (sentence1, ...).
        label_texts, prompts, head_weight: of zero-shot, as in `contrapose.tasks.targets.Targets`.
        masks, void: where the class of each pixel is (as in `open_data`), and numbers there that are no class.
        bias_column: what may go with the class and should not lead it. mask_seen: leave out what a user took before.

    Errors:
        ArgumentError: two tasks were asked for at once, or options of attacks without any.
        DataError: nothing to measure by, or not by the task that was named; one class only, numbers that are all equal.
        RunError: no encoder in `run`.
        UnwrittenError: the run folder cannot be written; `result` has the evaluation.
    """
    check_one_task(task, robust=robust, outliers=ood)
    task, attacks, review = asked_of_robustness(
        run, "robust" if robust and task is None else task, eps_l2=eps_l2, eps_linf=eps_linf, steps=attack_steps,
        restarts=restarts, area=patch_area, perturbations=perturbation, repair=repair, device=device
    )  # fmt: skip
    folder = RunFolder.open(run) if RunFolder(run).config_file.is_file() else None
    result = measure(
        run,
        data=data,
        test_data=test_data,
        task=task,
        limit=limit,
        white=white,
        k=k,
        full=full,
        seed=seed,
        device=device,
        diagnosis=diagnosis,
        attacks=attacks,
        review=review,
        outliers=ood,
        reading=Reading.of(
            run,
            image_column=image_column,
            text_column=text_column,
            user_column=user_column,
            item_column=item_column,
            time_column=time_column,
            label_column=label_column,
            labels=labels,
        ),
        number_column=number_column,
        numbers=numbers,
        pair_columns=pair_columns,
        label_texts=label_texts,
        prompts=prompts,
        head_weight=head_weight,
        masks=masks,
        void=void,
        bias_column=bias_column,
        mask_seen=mask_seen,
        quiet=quiet,
    )
    if folder is not None:
        with kept_if_unwritten(result, result.text):
            result.save(folder)
    return result


def print_evaluation(run: str | Path, **options: Any) -> None:
    """`evaluate(run, **options)` for the screen."""
    print()
    evaluate(run, **options).print()
    if RunFolder(run).config_file.is_file():
        print(f"Written to {run}/evaluation.json")


def measure(
    run: str | Path,
    *,
    data: Any = None,
    test_data: Any = None,
    task: str | None = None,
    limit: int | None = None,
    white: float | None = None,
    k: int = 20,
    full: bool = False,
    seed: int = 0,
    device: str = "cpu",
    diagnosis: bool = False,
    floors: bool = True,
    attacks: Attacks | None = None,
    review: Review | None = None,
    outliers: Any = None,
    reading: Reading | None = None,
    number_column: str | None = None,
    numbers: Any = None,
    pair_columns: Sequence[str] | None = None,
    label_texts: Sequence[str] | None = None,
    prompts: Sequence[str] | None = None,
    head_weight: float | str | None = None,
    masks: Any = None,
    void: Sequence[int] | None = None,
    bias_column: str | None = None,
    mask_seen: bool = False,
    quiet: bool = False,
) -> Evaluation:
    """`evaluate` that leaves the run folder as it is; without `floors` it measures the trained encoder alone."""
    trained = load(run, device=device, white=white)
    if data is None and test_data is not None and asks_only(run, task):
        data, test_data = test_data, None
    source = data if data is not None else data_of_run(run)
    reading, config = reading or Reading.of(run), config_of_run(run)
    given = Given(
        trained.encoder,
        source,
        test_data,
        open=partial(reading.open, trained, progress=not quiet),
        bring=trained.open,
        targets=Targets(
            label_column=reading.asked.get("label_column"),
            labels=reading.asked.get("labels"),
            number_column=number_column,
            numbers=numbers,
            pair_columns=pair_columns,
            label_texts=label_texts,
            prompts=prompts,
            head_weight=head_weight,
            masks=masks,
            void=void,
            bias_column=bias_column,
        ),
        own_number=None if config is None else config.number_column,
        trained_for=None if config is None else next(iter(type(config).about.needs_targets), None),
        classifier=classifier_of(run, config),
        matcher=load_matcher(run, trained.encoder),
        limit=limit,
        seed=seed,
        k=k,
        full=full,
        attacks=attacks,
        review=review,
        outliers=outliers,
        mask_seen=mask_seen,
    )
    chosen = task_for(given, task or ("robust" if attacks else "out-of-distribution" if outliers is not None else None))
    measurement = chosen.prepare(given)
    wide = measurement.share(given) if floors and measurement.arms else None
    arms, embeddings, beside = measured_arms(trained, measurement, given, wide, floors)
    return Evaluation(
        measurement.data,
        arms,
        measurement.setting,
        embeddings,
        (
            *given_away(given, measurement),
            *seen(config, source if test_data is None else test_data, measurement),
            *measurement.notes,
            *([] if wide is None else [wide.note(given.modality.floor_name, measurement.noun, beside)]),
            *filter(None, [chosen.unused(given)]),
        ),
        diagnose(embeddings, labels=measurement.labels, seed=seed) if diagnosis else None,
        samples=samples_of_run(run),
        leaked=measurement.leaked,
        share=None if wide is None else (wide, beside),
        sources=sources_of(source, test_data, limit=limit, seed=seed, number_column=measurement.number_column)
        if measurement.named
        else None,
        noun=measurement.noun,
        learned=given.modality.noun,
        task=chosen.name,
        heads=heads_of(config),
        pictures=measurement.pictures(),
        record=measurement.record(),
    )
