"""A listing decoded, and what is known of its pictures put beside the pixels."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from contrapose.data.chosen import Chosen
from contrapose.data.images.images import Images, hash_pixels
from contrapose.data.images.listing import Listing
from contrapose.data.images.masks import beside, fitted_array, on_pixels, read_masks
from contrapose.data.images.packing.cache import cache_folder, cached_pack
from contrapose.data.images.packing.packing import MemorySink, Packed, pack
from contrapose.data.images.pixels.array_form import fit as fit_array
from contrapose.data.images.request import Request
from contrapose.data.samples import MASK, NUMBER, Skipped, evenly_spaced
from contrapose.data.shards.on_demand import fits, on_demand
from contrapose.errors import ArgumentError


def decode_listing(listing: Listing, request: Request) -> Images:
    """Decode what was listed, through the cache where its files can be told apart from run to run.

    Errors:
        DataError: nothing could be decoded, no room for the pixels, or labels that do not fit.
    """
    request.check_photo_channels()
    listing = _with_masks(listing.with_labels(request.labels), request)
    if request.limit is not None and request.limit < len(listing):
        listing = listing.select(evenly_spaced(len(listing), request.limit))
    if listing.digests and (request.cache is False or not fits(listing, request)):
        return assemble(listing, on_demand(listing, request))
    if listing.place is None or request.cache is False:
        return assemble(listing, pack_in_memory(listing, request))
    folder = cache_folder(None if request.cache is True else request.cache)
    packed = cached_pack(
        listing,
        folder,
        image_size=request.image_size,
        channels=request.channels,
        limit=request.limit,
        workers=request.workers,
        progress=request.progress,
        preparation=request.settled,
        decide=request.decides,
    )
    return assemble(listing, packed)


def refitted(images: Images, request: Request) -> Images:
    """Pictures that are `Images` already, as they are now asked for."""
    images = request.again(images)
    same_size = request.image_size in (None, images.image_size)
    if same_size and request.channels in (None, images.channels):
        return images
    pixels, notes = fit_array(images.pixels, image_size=request.image_size, channels=request.channels)
    fitted = Images(
        pixels,
        targets=on_pixels(images.targets, pixels.shape[2]),
        class_names=images.class_names,
        identifiers=images.identifiers,
        skipped=images.skipped,
        origin=images.origin,
        notes=[*images.notes, *notes],
        preparation=images.preparation,
    )
    fitted.names_of = images.names_of
    return fitted


def pack_in_memory(listing: Listing, request: Request) -> Packed:
    """Decode what was listed, keeping the pixels in memory only."""
    return pack(
        listing.pictures,
        MemorySink,
        image_size=request.image_size,
        channels=request.channels,
        workers=request.workers,
        progress=request.progress,
        preparation=request.settled,
        decide=request.decides,
    )


def assemble(listing: Listing, packed: Packed) -> Images:
    """The decoded rows of a listing with their labels and identifiers; the others as skipped."""
    kept: np.ndarray = packed.rows
    identifiers = [listing.identifiers[row] for row in kept]
    of_files = bool(listing.stamps)  # else the pixels alone say which pictures these are, when somebody asks
    labels = None if listing.labels is None else listing.labels.select(kept)
    return Images(
        packed.pixels,
        None if labels is None else labels.numbers,
        targets={NUMBER: None if listing.numbers is None else listing.numbers[kept], MASK: _masks(listing, packed)},
        class_names=None if labels is None else labels.names,
        identifiers=identifiers,
        skipped=[Skipped(listing.identifiers[row], reason) for row, reason in packed.skipped],
        origin=listing.origin,
        notes=(*listing.notes, *packed.notes),
        fingerprint=_fingerprint(packed, identifiers) if of_files else None,
        former_fingerprint=listing.former_fingerprint(packed.pixels.shape[1:]) if of_files else None,
        preparation=packed.preparation,
    )


def _with_masks(listing: Listing, request: Request) -> Listing:
    """With the masks that were asked for and are not there yet: those of a folder, or one handed over for each.

    Errors:
        ArgumentError: they were named in a way that goes with other data.
        DataError: there are none, or of another number.
    """
    asked = request.masks
    if asked is None or listing.masks is not None:
        return listing
    if not isinstance(asked, str | os.PathLike):
        if len(asked) != len(listing):
            raise ArgumentError(f"masks= holds {len(asked):,} masks for {len(listing):,} pictures: give one for each.")
        return replace(listing, masks=asked)
    if not all(isinstance(picture, str) for picture in listing.pictures):
        raise ArgumentError(
            f"{listing.origin} holds pictures that are no files of their own, so no folder ({os.fspath(asked)}) can "
            "hold masks of their names. Give a table with a column of masks, or masks= in Python, one for each picture."
        )
    folder = Path(asked).expanduser()
    found = beside([str(picture) for picture in listing.pictures], folder)
    missing = sum(mask is None for mask in found)
    note = f"Masks from {folder}" + (f", none for {missing:,} of {len(listing):,} pictures." if missing else ".")
    return replace(listing, masks=found, notes=(*listing.notes, note))


def _masks(listing: Listing, packed: Packed) -> np.ndarray | None:
    """Of the pictures that could be decoded, on their pixels."""
    if listing.masks is None:
        return None
    kept, how, size = packed.rows, packed.preparation.fit, packed.pixels.shape[2]
    if isinstance(listing.masks, np.ndarray):
        return fitted_array(listing.masks[kept], len(kept), size=size, how=how, where="masks=")
    return read_masks(Chosen(listing.masks, kept), [listing.identifiers[row] for row in kept], size=size, how=how)


def _fingerprint(packed: Packed, identifiers: list[str]) -> str:
    """A hash of the pixels and of what each picture is called: the same after all files were copied elsewhere."""
    checksum = packed.checksum or hash_pixels(packed.pixels)
    return hashlib.sha256(json.dumps([checksum, identifiers]).encode()).hexdigest()
