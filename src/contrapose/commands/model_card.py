"""The model card of an encoder: Markdown with the front matter that the Hugging Face hub reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2

from contrapose.commands.card_facts import (
    Results,
    changed_options,
    limits_of,
    results_of,
    training_of,
    unfinished,
    without_folders,
)
from contrapose.encoders import Architecture, Encoder, architecture_of, load_encoder
from contrapose.encoders.classifier_folder import DESCRIPTION as HEADS
from contrapose.encoders.classifier_folder import load_heads
from contrapose.encoders.heads import Question
from contrapose.encoders.onnx_form import OnnxForm
from contrapose.errors import RunError
from contrapose.evaluation.table import conditions_in_rows, results_text
from contrapose.methods import Method, as_classifier
from contrapose.modalities import Modality, modality_of
from contrapose.training.run_folder import RunFolder
from contrapose.version import __version__

# Words in the front matter go through `tojson`: a JSON string is a YAML string, whatever is in it.
_CARD = """\
---
library_name: contrapose
pipeline_tag: {{ pipeline_tag }}
license: unknown  # fill in: https://huggingface.co/docs/hub/repositories-licenses
tags: {{ tags | tojson }}
{% if dataset %}
datasets: {{ [dataset] | tojson }}
{% endif %}
---

# {{ name }}

{% if questions %}
A classifier of {{ modality.plural }}\
{{ ", trained by `%s` on %s labelled %s: %s" % (method, record.data.samples | thousands, modality.plural, origin)
if method }}.
{{ "Its encoder was not trained by these labels: it is that of `%s`." % frozen if frozen }}

{% for question in questions %}
- {{ question.name }}: {% for class in question.classes %}{{ class }} ({{ question.counts[loop.index0] | thousands }}\
{{ ")" }}{{ ", " if not loop.last }}{% endfor %}; in brackets, the labels that it learned from. {{ said[loop.index0] }}
{% endfor %}
{% elif method %}
An encoder of {{ modality.plural }}, trained {{ "with" if about.needs_labels else "without" }} labels \
by `{{ method }}` on \
{{ record.data.samples | thousands }} {{ modality.plural }}: {{ origin }}.
{% else %}
An encoder of {{ modality.plural }}.
{% endif %}
{% if progress %}

**Its training was not finished**: these are the weights of {{ progress }}.
{% endif %}

## Use

```python
import contrapose

# This folder; or, from the hub, the path that huggingface_hub.snapshot_download("OWNER/NAME") returns.
{% if questions %}
classifier = contrapose.load_classifier({{ quoted_name }})
classifier.predict({{ modality.example }})  # (N,) class names
classifier.predict_proba({{ modality.example }})  # (N, {{ questions[0].classes | length }}) probabilities
{% endif %}
encoder = contrapose.load({{ quoted_name }})
z = encoder.embed({{ modality.example }})  # (N, {{ encoder.dimension }}) numpy array
```

{% for line in takes %}
- {{ line }}
{% endfor %}
- Output: `(B, {{ encoder.dimension }})`, before the projection head and not divided by its length.
- Architecture: `{{ encoder.name }}`, {{ parameters | thousands }} parameters\
{{ ", arguments `%s`" % arguments if arguments }}.
- Nothing in this folder is executed when it is loaded: tensors are read from safetensors, the architecture from JSON.

{% if onnx %}
## Without contrapose

`contrapose export RUN --to onnx --out model.onnx` writes one file for onnxruntime\
{{ ", and %s, which it needs beside it" % (onnx.files | join(", ")) if onnx.files }}: \
{{ onnx.takes }} to `(batch, {{ encoder.dimension }})`; {{ onnx.preparation }}.

```python
{{ onnx.use }}```

{% endif %}
## Training

{% if method %}
- Method: `{{ method }}`, {{ about.purpose }} ({{ about.paper }})
- Data: {{ origin }}, {{ record.data.samples | thousands }} {{ modality.plural }}; \
fingerprint `{{ record.data.fingerprint }}`
{% for note in notes %}
- Note on the data: {{ note }}
{% endfor %}
- Length: epochs: {{ config.epochs }}, batch size {{ config.batch_size }}\
{{ ", of which only a part was done: %s" % progress if progress }}; {{ config.optimizer }}, peak learning rate \
{{ config.learning_rate }}; seed {{ config.seed }}
- Options that differ from the defaults of the method: \
{% for option, value in changed.items() %}`{{ option }}={{ value }}`{{ ", " if not loop.last }}\
{% else %}none{% endfor %}

- Software: contrapose {{ record.contrapose }}, torch {{ record.environment.torch }}
{% else %}
Not known: the encoder was exported without its run.
{% endif %}

## Evaluation

{% if results %}
{{ results.measured | capitalise }}. The rows below `trained` are what the encoder has to beat.

{{ table }}
{% for note in results.notes %}
- Note: {{ note }}
{% endfor %}
{% else %}
Not evaluated.
{% endif %}

## Limits

{% for limit in limits %}
- {{ limit }}
{% endfor %}

## Licence

None is stated yet: choose one, name it here and as `license` at the top of this file. The terms of the training data \
may restrict the choice{{ ": %s" % origin if method }}.

Written by contrapose {{ version }}.
"""

LONG_ARGUMENTS = 200  # characters; the configuration of a transformers model is pages, and is in encoder.json anyway


def card_of(run: Path, folder: Path, *, name: str) -> str:
    """The text of the card.

    Arguments:
        run: the run folder; an encoder folder without a run gives a card that says what is not known.
        folder: the encoder folder that the card is to describe.
        name: title, and what the folder is called in the example.

    Errors:
        RunError: a damaged encoder, `config.json` or `evaluation.json`.
    """
    encoder, architecture = load_encoder(folder), architecture_of(folder)
    is_run = RunFolder(run).config_file.is_file()
    record, config = training_of(run) if is_run else (None, None)
    results = results_of(run) if is_run else None
    questions = load_heads(folder).questions if (folder / HEADS).is_file() else ()
    facts = {
        **_of_classifier(questions, config, modality_of(encoder)),
        "name": name,
        "quoted_name": json.dumps(name, ensure_ascii=False),
        "version": __version__,
        "progress": unfinished(architecture),
        "limits": limits_of(architecture, record, results),
        **_of_encoder(encoder, architecture),
        **_of_training(record, config, encoder.modality),
        **_of_results(results),
    }
    environment = jinja2.Environment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"thousands": lambda number: f"{number:,}", "capitalise": lambda t: t[:1].upper() + t[1:]}
    return environment.from_string(_CARD).render(facts)


def _of_encoder(encoder: Encoder, architecture: Architecture) -> dict[str, Any]:
    arguments = json.dumps(architecture.arguments)
    modality = modality_of(encoder)
    return {
        "encoder": encoder,
        "modality": modality,
        "takes": modality.takes(encoder),
        "parameters": sum(parameter.numel() for parameter in encoder.parameters()),
        "onnx": _onnx_form(encoder),
        "arguments": arguments if architecture.arguments and len(arguments) <= LONG_ARGUMENTS else None,
    }


def _of_classifier(questions: tuple[Question, ...], config: Method | None, modality: Modality) -> dict[str, Any]:
    """What a classifier is asked, and how its numbers became probabilities and answers."""
    said = []
    for one in questions:
        held = one.chosen.get("held_out")
        warm = f"temperature {one.temperature:.3g}, chosen on {held} held-out labels" if held else "not calibrated"
        answer = (
            f"; the answer is {one.classes[one.positive]} from {one.threshold:.3g} on, chosen there for "
            f"{one.chosen.get('aim')}"
            if one.threshold is not None
            else ""
        )
        few = one.chosen.get("calibrated_on")
        warm = f"set right on {few} labelled samples of another domain" if few else warm
        said.append(f"Probabilities: {warm}{answer}.")
    trained = as_classifier(config)
    frozen = trained.base if trained is not None and trained.frozen else None
    return {
        "questions": questions,
        "said": said,
        "frozen": frozen and without_folders(frozen),
        "pipeline_tag": (modality.class_tag if questions else None) or modality.pipeline_tag,
    }


def _onnx_form(encoder: Encoder) -> OnnxForm | None:
    """How the encoder runs as an ONNX file; None where its kind has none."""
    try:
        return encoder.onnx_form()
    except RunError:
        return None


def _of_training(record: dict[str, Any] | None, config: Method | None, modality: str) -> dict[str, Any]:
    tags = ["contrastive-learning", "representation-learning", f"{modality}-embeddings"]
    if record is None or config is None:
        return {"method": None, "tags": tags, "dataset": None}
    hub = config.data.removeprefix("hub:").split(":")[0] if config.data.startswith("hub:") else ""
    # Else a folder of this machine that `save_to_disk` has written.
    on_the_hub = hub.count("/") == 1 and all(hub.split("/")) and not Path(hub).is_dir()
    return {
        "method": record["method"],
        "tags": [*tags, record["method"]],
        "dataset": hub if on_the_hub else None,
        "record": record,
        "config": config,
        "about": config.about,
        "origin": without_folders(record["data"]["origin"]),
        "notes": [without_folders(note) for note in record["data"]["notes"]],
        "changed": changed_options(config),
    }


def _of_results(results: Results | None) -> dict[str, Any]:
    if results is None:
        return {"results": None}
    rows = conditions_in_rows(results.arms)
    return {"results": results, "table": results_text(list(rows.items()), style="markdown")}
