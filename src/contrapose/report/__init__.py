"""A run as a page that people look at: facts on one side (`facts/`), drawing on the other (`draw.py`)."""

from contrapose.lazy import lazy_exports

__all__ = ["Absent", "Embedded", "Page", "Sheet", "render", "render_sheet", "show_pictures", "show_rows", "show_texts"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Absent": "contrapose.report.page",
        "Page": "contrapose.report.page",
        "Embedded": "contrapose.report.embedded",
        "render": "contrapose.report.draw",
        "show_pictures": "contrapose.report.cards",
        "show_rows": "contrapose.report.cards",
        "show_texts": "contrapose.report.cards",
        "Sheet": "contrapose.report.sheet",
        "render_sheet": "contrapose.report.sheet",
    },
)
