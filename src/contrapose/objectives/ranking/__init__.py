"""Losses on the order of scores: the area under the ROC curve, groups that rank above groups."""
