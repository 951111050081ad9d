"""One training step: which encoder sees which view, what is remembered, which pairing, which objective."""

from contrapose.learners.classifier import Classifier
from contrapose.learners.learner import Learner, Objective, Step
from contrapose.learners.momentum import Momentum, Queue
from contrapose.learners.multi_exit import MultiExit
from contrapose.learners.siamese import Siamese

__all__ = ["Classifier", "Learner", "Momentum", "MultiExit", "Objective", "Queue", "Siamese", "Step"]
