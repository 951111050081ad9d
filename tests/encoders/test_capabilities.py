"""What an encoder can do besides embedding, and what is said where it cannot."""

from __future__ import annotations

import re

import pytest

from contrapose.encoders import CAPABILITIES, Encoder, build, check_capable
from contrapose.encoders.backbone import ENCODERS
from contrapose.encoders.pairs.factory import build_towers
from contrapose.encoders.texts import build_text, train_tokenizer
from contrapose.errors import ArgumentError


def called(name: str) -> Encoder:
    if name in ENCODERS:
        return build(name, channels=1, image_size=16, seed=0)
    pytest.importorskip("tokenizers")
    return build_text(name, train_tokenizer(["some words", "and others"], "words"), seed=0)


def towers(name: str) -> Encoder:
    pytest.importorskip("tokenizers")
    words = train_tokenizer(["some words", "and others"], "words")
    return build_towers(name, "bag_of_words", channels=1, image_size=16, tokenizer=words, width=8, seed=0)


@pytest.mark.parametrize("capability", list(CAPABILITIES))
def test_whoever_is_said_to_have_it_has_it(capability: str) -> None:
    named = re.split(", | on ", CAPABILITIES[capability][1])[0]
    encoder = towers(named) if "on pairs" in CAPABILITIES[capability][1] else called(named)
    check_capable(encoder, capability, asker="somebody")


@pytest.mark.parametrize(("name", "capability"), [("small_conv", "tokens"), ("bag_of_words", "tokens")])
def test_who_lacks_it_is_told_who_has_it(name: str, capability: str) -> None:
    told = rf"^urlbert needs an encoder with tokens; {name} has none\. Take --encoder transformer, which is of texts\.$"
    with pytest.raises(ArgumentError, match=told):
        check_capable(called(name), capability, asker="urlbert")
