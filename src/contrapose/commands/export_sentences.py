"""`contrapose export --to sentence-transformers`: a folder that `SentenceTransformer(FOLDER)` loads."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from contrapose.commands.card_facts import without_folders
from contrapose.encoders import load_encoder
from contrapose.encoders.texts import TextEncoder
from contrapose.encoders.texts.sentence_transformers import MODULES, sentence_transformers_files
from contrapose.encoders.texts.sentence_transformers_check import check_equal
from contrapose.errors import RunError
from contrapose.modalities import modality_of
from contrapose.training.run_folder import RunFolder

_CARD = """\
---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
license: unknown  # fill in: https://huggingface.co/docs/hub/repositories-licenses
tags: ["sentence-transformers", "contrastive-learning"]
---

# {name}

An encoder of texts, {origin}.

## Use

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer({quoted})
z = model.encode(["some words", "other words"])  # (N, {dimension})
```

- Of each text the first {max_length} tokens are read. Embeddings are not divided by their length; compare by cosine.
- It is made of modules that the library has ({modules}): nothing in this folder is code.
- When it was written it was compared with contrapose's own `{encoder}`: embeddings of some texts made of its vocabulary
  differed by at most {difference:.1e}. What may differ: of texts whose words are longer than 50 characters on average
  contrapose looks at the beginning alone.
"""


def write_sentence_transformers(run: Path, source: Path, out: Path) -> str:
    """Write the encoder in the folder `source`, of `run`, to the folder `out`; what to tell the user.

    Errors:
        RunError: no encoder of texts, or one that no modules of sentence-transformers are equal to.
    """
    encoder = load_encoder(source)
    if not isinstance(encoder, TextEncoder):
        raise RunError(
            f"sentence-transformers embeds texts, and {run} holds an encoder of {modality_of(encoder).plural}. "
            "Take --to onnx or --to folder."
        )
    files = sentence_transformers_files(encoder)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.resolve().with_name(f".{out.resolve().name}.{os.getpid()}.tmp")  # nobody loads half a folder
    try:
        for name, content in files.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            (temporary / name).write_bytes(content)
        difference = check_equal(temporary, encoder)
        card = _card(run, encoder, files, name=out.resolve().name, difference=difference)
        (temporary / "README.md").write_text(card, encoding="utf-8")
        temporary.replace(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return (
        f"Wrote {out}: SentenceTransformer({json.dumps(str(out))}) loads it and gives the same embeddings (compared by "
        f"transformers: largest difference {difference:.1e}). Name a licence in its README.md before you share it."
    )


def _card(run: Path, encoder: TextEncoder, files: dict[str, bytes], *, name: str, difference: float) -> str:
    modules = [module["type"].rsplit(".", 1)[-1] for module in json.loads(files[MODULES])]
    return _CARD.format(
        name=name,
        quoted=json.dumps(name),
        origin=_origin(run),
        dimension=encoder.dimension,
        max_length=encoder.tokenizer.max_length,
        modules=", ".join(modules),
        encoder=without_folders(encoder.name),
        difference=difference,
    )


def _origin(run: Path) -> str:
    """How the encoder was trained, where it lies in a run."""
    folder = RunFolder(run)
    if not folder.config_file.is_file():
        return "exported without its run"
    record = folder.read_record()
    return (
        f"trained by `{record['method']}` of contrapose {record['contrapose']} on {record['data']['samples']:,} texts"
    )
