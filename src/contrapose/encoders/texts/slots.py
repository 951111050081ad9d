"""`with_slots`: a tokenizer that puts several tokens of no word before every text, to hold what it says."""

from __future__ import annotations

from typing import Any

from contrapose.encoders.arguments import count
from contrapose.encoders.texts.tokenizer import Tokenizer
from contrapose.errors import ArgumentError
from contrapose.optional import optional


def with_slots(tokenizer: Tokenizer, slots: int) -> Tokenizer:
    """The same vocabulary, its first token so many times before every text.

        [CLS] the cat sat   ->   [CLS] [CLS] [CLS] the cat sat

    One token at several places: what tells slots apart is where they stand. It is all in `tokenizer.json`, so that
    whoever reads that puts them there too.

    Arguments:
        slots: how many there are to be; one that has so many is returned as it is.

    Errors:
        ArgumentError: a vocabulary that puts nothing before a text, fewer slots than it has, or no room for a word.
        MissingExtraError: `tokenizers` is not there.
    """
    slots, found = count(slots, "slots"), len(tokenizer.before)
    if slots in (1, found):
        return tokenizer
    if found != 1:
        has = f"{found} of its own" if found else "none"
        raise ArgumentError(
            f"{slots} slots are asked for, copies of the one token before every text, and this vocabulary has {has}: "
            "take another tokenizer (--tokenizer pieces), or one slot."
        )
    library = optional("tokenizers", extra="text")
    backend = library.Tokenizer.from_str(tokenizer.to_json().decode())
    frame = {number: str(backend.id_to_token(number)) for number in (*tokenizer.before, *tokenizer.behind)}
    names: list[Any] = [*(slots * [frame[tokenizer.before[0]]]), "$A", *(frame[number] for number in tokenizer.behind)]
    backend.post_processor = library.processors.TemplateProcessing(
        single=" ".join(names), special_tokens=[(name, number) for number, name in frame.items()]
    )
    return Tokenizer(backend, max_length=tokenizer.max_length, pad=tokenizer.pad, mask=tokenizer.mask)
