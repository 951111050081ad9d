"""What columns of users, items, times and titles are usually called, and which of a table are these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contrapose.data.tables.columns import Kind, asked_column, listed
from contrapose.errors import DataError

USER_NAMES = (
    *("user", "user_id", "userid", "uid", "reviewerid", "reviewer_id", "customer", "customer_id", "customerid"),
    *("member", "member_id", "visitor_id", "visitorid", "account_id", "session", "session_id", "sessionid"),
)
ITEM_NAMES = (
    *("item", "item_id", "itemid", "iid", "asin", "parent_asin", "product", "product_id", "productid", "movie"),
    *("movie_id", "movieid", "article_id", "sku", "track_id", "song_id", "book_id", "bookid", "isbn", "business_id"),
)
TIME_NAMES = (
    *("time", "timestamp", "date", "datetime", "unixreviewtime", "unix_review_time", "ts", "created_at", "event_time"),
    *("t_dat", "unixtime", "order", "position"),
)
LIST_NAMES = ("items", "item_ids", "itemids", "item_id_list", "sequence", "history", "products", "movies")
"""Of a column with the list of a user's items."""
TITLE_NAMES = ("title", "item_title", "product_title", "name", "item_name", "product_name")


def usual(kinds: Iterable[str], names: Sequence[str]) -> str | None:
    """The column with one of these names, in any case, what stands behind a colon (`user_id:token`) left aside."""
    plain = {name.partition(":")[0].strip().lower(): name for name in kinds}
    return next((plain[name] for name in names if name in plain), None)


def is_list(cells: Sequence[Any]) -> bool:
    """Whether the first cell that holds something holds several single things."""
    first = next((cell for cell in cells if cell is not None and not _is_nan(cell)), None)
    if first is None or not hasattr(first, "__len__") or isinstance(first, str | bytes | Mapping):
        return False
    return getattr(first, "ndim", 1) == 1 and not any(
        hasattr(one, "__len__") and not isinstance(one, str) for one in list(first)[:1]
    )


def needed(kinds: Mapping[str, Kind], asked: str | None, names: Sequence[str], what: str, origin: str) -> str:
    """The column that was asked for, else the one with a usual name.

    Arguments:
        what: user or item, for people; its option is called so.

    Errors:
        ArgumentError: a column was asked for that is not there.
        DataError: none was, and none is called so.
    """
    column = asked_column(kinds, asked, origin) or usual(kinds, names)
    if column is None:
        raise DataError(
            f"{origin} has no column of {what}s that is called so ({', '.join(names[:4])}, ...): its columns are "
            f"{listed(kinds)}. Say which it is with {what}_column= (--{what}-column)."
        )
    return column


def _is_nan(cell: Any) -> bool:
    return isinstance(cell, float) and cell != cell
