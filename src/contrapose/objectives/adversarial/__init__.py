"""Losses of two networks that learn against each other: a critic tells real from made, a maker is asked for more of it.

Functions of scores and pictures; the learner that makes these (`Translation`) has the interface of all others,
`forward(batch) -> Step`, and whose turn it is in `batch.turn`.
"""
