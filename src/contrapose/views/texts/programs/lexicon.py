"""What comments say in other words: a small lexicon, written for this."""

from __future__ import annotations

_VERBS = """
return give_back hand_back | create make build | remove delete drop | get fetch obtain | check test verify
find locate look_up | compute calculate work_out | convert turn change | print show write_out | read load
write store | start begin launch | stop end halt | send pass hand_over | add append put_in | call invoke run
raise throw | use employ | replace exchange substitute | update refresh | set assign | copy duplicate
join combine merge | split divide separate | open access | close shut | parse interpret | ignore skip leave_out
wait pause | allow permit let | need require | contain hold include | represent stand_for | determine decide
ensure guarantee | handle deal_with treat | generate produce | register record enter | describe explain
support provide_for
"""
_NOUNS = """
value number | list sequence | name identifier | error failure fault | message text | argument parameter
result outcome | file document | folder directory | object instance | item element entry | size length
place position location | kind type sort | part piece section | beginning start | group set collection | key tag
line row | method function | option setting | character letter sign | string text | dictionary mapping
default standard | user caller
"""
_OTHERS = """
given specified passed | current present | new fresh | whole entire complete | empty blank | all every | only just
first initial | last final | same identical | different other | also too | must has_to | may can | because since
before ahead_of | after behind | without lacking | using by_means_of | valid legal correct | possible feasible
multiple several many | single one | optional not_required | internal private | quickly fast
"""
_IRREGULAR = {
    "get": "gets", "fetch": "fetches", "check": "checks", "use": "uses", "pass": "passes", "raise": "raises",
    "make": "makes", "compute": "computes", "write": "writes", "dictionary": "dictionaries", "directory": "directories",
    "entry": "entries", "key": "keys", "merge": "merges", "size": "sizes", "piece": "pieces",
    "tag": "tags", "append": "appends", "copy": "copies", "verify": "verifies", "specify": "specifies",
    "sequence": "sequences", "type": "types", "instance": "instances", "launch": "launches", "change": "changes",
}  # fmt: skip


def _plural(word: str) -> str:
    """The form with an s of the first part: `looks up`, `entries`."""
    head, blank, rest = word.partition(" ")
    return _IRREGULAR.get(head, f"{head}s") + blank + rest


def _groups(table: str) -> list[list[str]]:
    groups = (part.split() for line in table.strip().split("\n") for part in line.split("|"))
    return [[word.replace("_", " ") for word in group] for group in groups]


def _lexicon() -> dict[str, tuple[str, ...]]:
    plain = [*_groups(_VERBS), *_groups(_NOUNS), *_groups(_OTHERS)]
    with_s = [[_plural(word) for word in group] for table in (_VERBS, _NOUNS) for group in _groups(table)]
    found: dict[str, tuple[str, ...]] = {}
    for group in (*plain, *with_s):
        for word in group:
            if " " not in word and word not in found:  # a word that means two things keeps its first meaning
                found[word] = tuple(other for other in group if other != word)
    return found


OTHER_WORDS = _lexicon()
"""A word in small letters -> words that mean about the same, in the same form."""

SWAPPED_ABOUT = frozenset({"and", "or"})
"""Words around which two others may change places."""
