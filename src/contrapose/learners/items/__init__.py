"""What comes next in a history: learned alone, beside contrast of views, and beside views that are learned."""

from contrapose.learners.items.augmenter import Augmenter
from contrapose.learners.items.learned_views import LearnedViews
from contrapose.learners.items.next_item import ContrastedNextItem, NextItem

__all__ = ["Augmenter", "ContrastedNextItem", "LearnedViews", "NextItem"]
